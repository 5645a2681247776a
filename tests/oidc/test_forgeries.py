"""S43: what an ID token says is believed when all of it fits, and never otherwise. No provider is
needed: the tokens are made here, with real keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lazur.errors import BackendError, Unauthenticated
from lazur.services.people.oidc import codes, id_tokens, settings
from lazur.services.people.oidc.keys import KeyRing
from tests.oidc.forging import NOW, Signer, encoded, keyed, unsigned
from tests.oidc.publisher import Publisher

ISSUER = "https://id.example.org"
PROVIDER = settings.read({"name": "local", "issuer": ISSUER, "client_id": "lazur"})
TRUE = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": "lazur",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "the nonce",
}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.make("RS256", "first")


@pytest.fixture
def publisher(signer: Signer) -> Publisher:
    return Publisher([signer.jwk])


def check(publisher: Publisher, token: str, **given: Any) -> dict[str, Any]:
    written = {"name": "local", "issuer": ISSUER, "client_id": "lazur", **given.pop("written", {})}
    ring = KeyRing(lambda: f"{ISSUER}/keys", publisher, publisher.clock)
    given = {"nonce": "the nonce", **given}
    return id_tokens.check(settings.read(written), ring, token, NOW, **given)


def refused(publisher: Publisher, token: str, why: str, **given: Any) -> None:
    with pytest.raises(Unauthenticated, match=why):
        check(publisher, token, **given)


class TestTrue:
    def test_one_that_fits_is_believed(self, publisher: Publisher, signer: Signer) -> None:
        assert check(publisher, signer.sign(TRUE))["sub"] == "ada"

    @pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
    def test_each_algorithm_that_was_agreed_on(self, alg: str) -> None:
        signer = Signer.make(alg, "k")
        token = signer.sign({**TRUE, "at_hash": id_tokens.half_digest(alg, "the access token")})
        found = check(
            Publisher([signer.jwk]),
            token,
            written={"algorithms": [alg]},
            access_token="the access token",
        )
        assert found["sub"] == "ada"

    def test_the_examples_of_the_standard(self) -> None:
        """OpenID Connect Core, A.3 and RFC 7636, B."""
        access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
        assert id_tokens.half_digest("RS256", access) == "77QmUPtjPfzWtF2AnpK9RQ"
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        assert codes.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class TestAlgorithm:
    def test_none_is_none(self, publisher: Publisher) -> None:
        for alg in ("none", "None", "NONE", "nOnE", ""):
            refused(publisher, unsigned(TRUE, alg=alg, kid="first"), "was agreed on")

    def test_no_signature_is_none_either(self, publisher: Publisher, signer: Signer) -> None:
        head, body, _ = signer.sign(TRUE).split(".")
        refused(publisher, f"{head}.{body}.", "signature")

    def test_a_public_key_is_no_secret(self, publisher: Publisher, signer: Signer) -> None:
        """HS256 with what everybody may read, in each form that a library might take it."""
        public = signer.private.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for secret in (pem, pem.strip(), der, json.dumps(signer.jwk).encode()):
            token = keyed(TRUE, secret, alg="HS256", kid="first")
            refused(publisher, token, "signed with 'HS256'")

    def test_a_published_secret_is_no_key(self) -> None:
        jwk = {"kty": "oct", "kid": "first", "k": encoded(b"known to all"), "alg": "RS256"}
        token = keyed(TRUE, b"known to all", alg="RS256", kid="first")
        refused(Publisher([jwk]), token, "does not publish")

    def test_one_that_was_not_agreed_on_is_refused(
        self, publisher: Publisher, signer: Signer
    ) -> None:
        other = Signer("PS256", "first", signer.private)
        refused(publisher, other.sign(TRUE), "signed with 'PS256'")

    def test_a_key_is_for_the_algorithm_that_it_says(self, signer: Signer) -> None:
        other = Signer("PS256", "first", signer.private)
        both = {"algorithms": ["RS256", "PS256"]}
        refused(Publisher([signer.jwk]), other.sign(TRUE), "does not publish", written=both)

    def test_a_key_of_a_curve_never_meets_another_curve(self) -> None:
        curve = Signer.make("ES384", "first")
        jwk = {**curve.jwk, "alg": "ES256"}
        token = Signer.make("ES256", "first").sign(TRUE)
        refused(Publisher([jwk]), token, "not publish", written={"algorithms": ["ES256"]})

    def test_a_short_key_is_none(self) -> None:
        short = Signer.make("RS256", "first", bits=1024)
        with pytest.warns(Warning, match="below the minimum"):
            token = short.sign(TRUE)
        refused(Publisher([short.jwk]), token, "does not publish")

    @pytest.mark.parametrize(
        "change", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"d": "AQAB"}], ids=str
    )
    def test_a_key_for_something_else_is_none(
        self, signer: Signer, change: dict[str, Any]
    ) -> None:
        refused(Publisher([signer.jwk | change]), signer.sign(TRUE), "does not publish")


class TestKey:
    def test_another_key_of_the_same_name_is_another(self, publisher: Publisher) -> None:
        refused(publisher, Signer.make("RS256", "first").sign(TRUE), "not by a key of its issuer")

    def test_what_was_signed_cannot_be_changed(self, publisher: Publisher, signer: Signer) -> None:
        head, _, tail = signer.sign(TRUE).split(".")
        changed = f"{head}.{encoded({**TRUE, 'sub': 'eve'})}.{tail}"
        refused(publisher, changed, "not by a key of its issuer")

    @pytest.mark.parametrize(
        "kid",
        [
            "../../../../dev/null",
            "/etc/passwd",
            "file:///etc/passwd",
            "https://evil.example.org/keys",
            "first' OR '1'='1",
            "first\x00",
            "x" * 256,
            7,
            ["first"],
            {"a": "first"},
        ],
        ids=repr,
    )
    def test_a_name_is_compared_and_never_opened(
        self, publisher: Publisher, signer: Signer, kid: Any
    ) -> None:
        head = {"alg": "RS256", "kid": kid}
        token = f"{encoded(head)}.{encoded(TRUE)}.{encoded(b'signature')}"
        odd = not isinstance(kid, str) or len(kid) > 255
        why = "cannot be read" if kid == "first\x00" else "no text" if odd else "not publish"
        refused(publisher, token, why)
        assert set(publisher.asked) <= {f"{ISSUER}/keys"}

    def test_keys_inside_the_token_are_not_looked_at(self, publisher: Publisher) -> None:
        evil = Signer.make("RS256", "evil")
        elsewhere = {"jku": "https://evil.example.org/keys", "x5u": "https://evil.example.org/x"}
        for header in ({"jwk": evil.jwk}, elsewhere):
            refused(publisher, evil.sign(TRUE, **header), "does not publish")
            refused(publisher, evil.sign(TRUE, **header, kid="first"), "not by a key")
        assert set(publisher.asked) == {f"{ISSUER}/keys"}

    def test_without_a_name_there_must_be_one_key_only(self, signer: Signer) -> None:
        nameless = signer.sign(TRUE, kid=None)
        assert check(Publisher([signer.jwk]), nameless)["sub"] == "ada"
        other = Signer.make("RS256", "second")
        refused(Publisher([signer.jwk, other.jwk]), nameless, "does not publish")

    def test_made_up_names_ask_once_a_minute(self, publisher: Publisher) -> None:
        ring = KeyRing(lambda: f"{ISSUER}/keys", publisher, publisher.clock)
        for n in range(50):
            token = unsigned(TRUE, alg="RS256", kid=f"made up {n}")
            with pytest.raises(Unauthenticated):
                id_tokens.check(PROVIDER, ring, token, NOW, nonce="the nonce")
            publisher.now += 3
        assert len(publisher.asked) == 3  # in 150 seconds

    def test_a_new_key_is_found(self, publisher: Publisher, signer: Signer) -> None:
        ring = KeyRing(lambda: f"{ISSUER}/keys", publisher, publisher.clock)
        second = Signer.make("RS256", "second")
        id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")
        publisher.keys = [second.jwk]
        publisher.now += 61
        id_tokens.check(PROVIDER, ring, second.sign(TRUE), NOW, nonce="the nonce")
        with pytest.raises(Unauthenticated):
            id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")

    def test_a_withdrawn_key_is_dropped_within_the_hour(
        self, publisher: Publisher, signer: Signer
    ) -> None:
        ring = KeyRing(lambda: f"{ISSUER}/keys", publisher, publisher.clock)
        id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")
        publisher.keys = []
        publisher.now += 3600
        with pytest.raises(Unauthenticated, match="does not publish"):
            id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")

    def test_a_provider_that_is_away_is_believed_for_a_day(
        self, publisher: Publisher, signer: Signer
    ) -> None:
        ring = KeyRing(lambda: f"{ISSUER}/keys", publisher, publisher.clock)
        id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")
        publisher.is_away = True
        publisher.now += 86399
        id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")
        publisher.now += 2
        with pytest.raises(BackendError, match="is away"):
            id_tokens.check(PROVIDER, ring, signer.sign(TRUE), NOW, nonce="the nonce")


class TestClaims:
    @pytest.mark.parametrize(
        "change, why",
        [
            ({"iss": "https://evil.example.org"}, "another issuer"),
            ({"iss": ISSUER + "/"}, "another issuer"),
            ({"iss": [ISSUER]}, "another issuer"),
            ({"iss": None}, "another issuer"),
            ({"aud": "other"}, "another client"),
            ({"aud": "lazur2"}, "another client"),
            ({"aud": []}, "another client"),
            ({"aud": None}, "another client"),
            ({"aud": {"lazur": 1}}, "another client"),
            ({"aud": ["lazur", 7], "azp": "lazur"}, "another client"),
            ({"aud": ["lazur", "stranger"], "azp": "lazur"}, "another client"),
            ({"aud": ["lazur", "lazur"]}, "given to another client"),
            ({"azp": "other"}, "given to another client"),
            ({"azp": ["lazur"]}, "given to another client"),
            ({"exp": NOW - 60}, "has expired"),
            ({"exp": 0}, "has expired"),
            ({"exp": None}, "no time 'exp'"),
            ({"exp": "9999999999"}, "no time 'exp'"),
            ({"exp": True}, "no time 'exp'"),
            ({"iat": NOW + 61}, "from the future"),
            ({"iat": None}, "no time 'iat'"),
            ({"nbf": NOW + 61}, "from the future"),
            ({"nbf": "now"}, "no time 'nbf'"),
            ({"nonce": "another"}, "another attempt"),
            ({"nonce": None}, "another attempt"),
            ({"nonce": ["the nonce"]}, "another attempt"),
            ({"nonce": ""}, "another attempt"),
            ({"sub": ""}, "names nobody"),
            ({"sub": None}, "names nobody"),
            ({"sub": 7}, "names nobody"),
            ({"sub": "x" * 256}, "names nobody"),
            ({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}, "another access token"),
            ({"at_hash": None}, "another access token"),
        ],
        ids=str,
    )
    def test_each_must_fit(
        self, publisher: Publisher, signer: Signer, change: dict[str, Any], why: str
    ) -> None:
        token = signer.sign({**TRUE, **change})
        refused(publisher, token, why, access_token="the access token")

    @pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nonce", "sub"])
    def test_none_may_be_missing(self, publisher: Publisher, signer: Signer, claim: str) -> None:
        token = signer.sign({key: value for key, value in TRUE.items() if key != claim})
        refused(publisher, token, "not accepted")

    @pytest.mark.parametrize(
        "change", [{"exp": NOW - 59}, {"iat": NOW + 60}, {"nbf": NOW + 60}], ids=str
    )
    def test_clocks_may_differ_by_a_minute(
        self, publisher: Publisher, signer: Signer, change: dict[str, Any]
    ) -> None:
        assert check(publisher, signer.sign({**TRUE, **change}))

    def test_a_neighbour_may_be_named_where_it_is_known(
        self, publisher: Publisher, signer: Signer
    ) -> None:
        token = signer.sign({**TRUE, "aud": ["lazur", "studio"], "azp": "lazur"})
        assert check(publisher, token, written={"audiences": ["studio"]})

    @pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "secevent+jwt", "JOSE", 7])
    def test_another_kind_of_token_is_another(
        self, publisher: Publisher, signer: Signer, typ: Any
    ) -> None:
        head = {"alg": "RS256", "kid": "first", "typ": typ}
        token = f"{encoded(head)}.{encoded(TRUE)}.{encoded(b'any')}"
        refused(publisher, token, "another kind")

    @pytest.mark.parametrize("extra", [{"crit": ["exp"]}, {"b64": False}, {"crit": []}], ids=str)
    def test_extensions_are_refused(
        self, publisher: Publisher, signer: Signer, extra: dict[str, Any]
    ) -> None:
        head = {"alg": "RS256", "kid": "first", **extra}
        token = f"{encoded(head)}.{encoded(TRUE)}.{encoded(b'any')}"
        refused(publisher, token, "extensions")

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "...",
            "a.b",
            "a.b.c.d.e",
            "é.é.é",
            f"{encoded([])}.e30.e30",
            f"{encoded(b'{}')}=.e30.e30",
            f"{encoded(b'nope')}.e30.e30",
            f"{encoded(b'[' * 9000)}.e30.e30",
            f"{encoded(b'{' + b'1:2,')}.e30.e30",
            "a" * 20_000 + ".b.c",
        ],
        ids=lambda text: text[:20],
    )
    def test_what_is_no_token_is_refused_and_nothing_else(
        self, publisher: Publisher, token: str
    ) -> None:
        refused(publisher, token, "not accepted")
        assert not publisher.asked

    def test_one_without_end_is_not_read(self, publisher: Publisher, signer: Signer) -> None:
        refused(publisher, signer.sign({**TRUE, "x": "y" * 20_000}), "not a signed token")
        assert not publisher.asked

    def test_a_key_that_is_said_twice_is_not_read_in_two_ways(
        self, publisher: Publisher, signer: Signer
    ) -> None:
        text = json.dumps(TRUE)[:-1] + ', "sub": "eve"}'
        signed = signer.sign_bytes(text.encode())
        refused(publisher, signed, "cannot be read")
