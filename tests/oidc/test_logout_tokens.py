"""A logout token signs somebody out when all of it fits, and never otherwise. No provider is
needed: the tokens are made here, with real keys."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Unauthenticated
from lazur.services.people.oidc import logout_tokens, settings
from lazur.services.people.oidc.keys import KeyRing
from lazur.services.people.oidc.logout_tokens import Logout
from tests.oidc.forging import NOW, Signer, unsigned
from tests.oidc.publisher import Publisher

ISSUER = "https://id.example.org"
PROVIDER = settings.read({"name": "local", "issuer": ISSUER, "client_id": "lazur"})
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TRUE = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": "lazur",
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "once",
    "events": {EVENT: {}},
}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.make("RS256", "first")


def check(signer: Signer, token: str) -> Logout:
    publisher = Publisher([signer.jwk])
    ring = KeyRing(lambda: f"{ISSUER}/keys", publisher, publisher.clock)
    return logout_tokens.check(PROVIDER, ring, token, NOW)


def without(*claims: str) -> dict[str, Any]:
    return {key: value for key, value in TRUE.items() if key not in claims}


class TestTrue:
    @pytest.mark.parametrize("typ", ["logout+jwt", "JWT", None])
    def test_one_that_fits_is_believed(self, signer: Signer, typ: str | None) -> None:
        found = check(signer, signer.sign(TRUE, typ=typ))
        assert (found.issuer, found.subject, found.id) == (ISSUER, "ada", "once")

    def test_older_providers_say_no_end(self, signer: Signer) -> None:
        assert check(signer, signer.sign(without("exp"))).subject == "ada"


class TestForged:
    @pytest.mark.parametrize(
        "claims, why",
        [
            ({**TRUE, "iss": "https://evil.example"}, "another issuer"),
            ({**TRUE, "aud": "other"}, "another client"),
            ({**TRUE, "exp": NOW - 3600}, "expired"),
            ({**without("exp"), "iat": NOW - 3600}, "expired"),
            ({**TRUE, "iat": NOW + 3600, "exp": NOW + 7200}, "future"),
            ({**TRUE, "nonce": "n"}, "another kind"),
            ({**TRUE, "events": {}}, "signs nobody out"),
            ({**TRUE, "events": EVENT}, "signs nobody out"),
            (without("events"), "signs nobody out"),
            (without("sub"), "'sub'"),
            (without("jti"), "'jti'"),
            (without("iat"), "'iat'"),
        ],
    )
    def test_what_does_not_fit_is_refused(
        self, signer: Signer, claims: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(Unauthenticated, match=why):
            check(signer, signer.sign(claims))

    def test_another_ones_signature_is_none(self, signer: Signer) -> None:
        with pytest.raises(Unauthenticated, match="signature"):
            check(signer, Signer.make("RS256", "first").sign(TRUE))

    def test_no_signature_is_none(self, signer: Signer) -> None:
        with pytest.raises(Unauthenticated):
            check(signer, unsigned(TRUE, alg="none"))

    def test_an_access_token_is_none(self, signer: Signer) -> None:
        with pytest.raises(Unauthenticated, match="another kind"):
            check(signer, signer.sign(TRUE, typ="at+jwt"))
