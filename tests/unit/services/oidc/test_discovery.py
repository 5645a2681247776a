from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import BackendError
from lazur.services.people.oidc import discovery, settings

ISSUER = "https://id.example.org"
PROVIDER = settings.read({"name": "corp", "issuer": ISSUER, "client_id": "lazur"})
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": "https://tokens.example.org/token",
    "jwks_uri": f"{ISSUER}/keys",
    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
}


class TestRead:
    def test_the_least(self) -> None:
        found = discovery.read(PROVIDER, DOCUMENT)
        assert found.token == "https://tokens.example.org/token"
        assert (found.userinfo, found.device, found.names_itself) == (None, None, False)

    @pytest.mark.parametrize(
        "change, why",
        [
            ({"issuer": "https://evil.example.org"}, "says that it is"),
            ({"issuer": None}, "says that it is None"),
            ({"token_endpoint": None}, "names no token_endpoint"),
            ({"token_endpoint": "http://id.example.org/token"}, "not an https address"),
            ({"jwks_uri": "file:///etc/passwd"}, "not an https address"),
            ({"jwks_uri": 7}, "not an https address"),
            ({"userinfo_endpoint": "http://169.254.169.254/"}, "not an https address"),
            ({"authorization_endpoint": "javascript:alert(1)"}, "not an https address"),
            ({"id_token_signing_alg_values_supported": ["ES384"]}, "signs with ES384"),
        ],
        ids=str,
    )
    def test_what_does_not_fit_is_refused(self, change: dict[str, Any], why: str) -> None:
        with pytest.raises(BackendError, match=why):
            discovery.read(PROVIDER, {**DOCUMENT, **change})
