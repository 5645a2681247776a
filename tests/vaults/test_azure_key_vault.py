"""Against a server that answers as Key Vault's REST interface and Entra's token endpoint are
documented to, with a real RSA key: there is no emulator of it to install."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lazur.engine.contracts import Vault
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Unavailable
from lazur.testing.vaults import Make, VaultContract
from lazur.vaults.azure_key_vault import AzureKeyVault
from tests.vaults.site import Reply, serving

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
SECRET = "secret of the principal"


class KeyVault:
    def __init__(self) -> None:
        self.versions: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate()
        self.busy = False

    def rotate(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        self.versions[f"{len(self.versions) + 1:032x}"] = key

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Reply:
        if self.busy:
            return 429, {"error": {"code": "Throttled", "message": "Too many requests."}}
        if path == "/tenant/oauth2/v2.0/token":
            return self.sign_in(body)
        if headers.get("authorization") != "Bearer entra":
            return 401, {"error": {"code": "Unauthorized", "message": "AKV10000: no token"}}
        target, _, query = path.partition("?")
        assert query == "api-version=7.4"
        parts = target.split("/")[1:]
        if parts[:2] != ["keys", "lazur"]:
            return 404, {"error": {"code": "KeyNotFound", "message": "A key was not found."}}
        if method == "GET":
            return 200, {"key": {"kid": self.kid(list(self.versions)[-1]), "kty": "RSA"}}
        return self.use(parts[2], parts[3], body)

    def sign_in(self, body: dict[str, str]) -> Reply:
        if body["client_secret"] != SECRET:
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215"}
        assert body["grant_type"] == "client_credentials"
        return 200, {"access_token": "entra", "expires_in": 3599, "token_type": "Bearer"}

    def use(self, version: str, verb: str, body: dict[str, str]) -> Reply:
        assert body["alg"] == "RSA-OAEP-256"
        key, data = self.versions[version], _bytes(body["value"])
        try:
            wrap = verb == "wrapkey"
            made = key.public_key().encrypt(data, OAEP) if wrap else key.decrypt(data, OAEP)
        except ValueError:
            return 400, {"error": {"code": "BadParameter", "message": "Decryption failed."}}
        return 200, {"kid": self.kid(version), "value": _text(made)}

    def kid(self, version: str) -> str:
        return f"https://mine.vault.azure.net/keys/lazur/{version}"


@pytest.fixture
def cloud() -> KeyVault:
    return KeyVault()


@pytest.fixture
def settings(cloud: KeyVault) -> Iterator[dict[str, Any]]:
    with serving(cloud.answer) as url:
        yield {
            "vault_url": url,
            "authority": url,
            "key": "lazur",
            "tenant_id": "tenant",
            "client_id": "client",
            "client_secret": Secret(SECRET),
        }


class TestContract(VaultContract):
    @pytest.fixture
    def make(self, cloud: KeyVault, settings: dict[str, Any]) -> Make:
        self.cloud = cloud
        return lambda: AzureKeyVault(settings)

    def rotate(self, vault: Vault) -> None:
        self.cloud.rotate()


class TestTrouble:
    def test_a_wrong_secret_is_told_and_not_shown(self, settings: dict[str, Any]) -> None:
        with pytest.raises(BackendError, match="AADSTS7000215") as caught:
            AzureKeyVault({**settings, "client_secret": "canary"}).key_id()
        assert "canary" not in str(caught.value)

    def test_a_busy_vault_is_worth_another_try(
        self, cloud: KeyVault, settings: dict[str, Any]
    ) -> None:
        cloud.busy = True
        with pytest.raises(Unavailable, match="429"):
            AzureKeyVault(settings).key_id()

    def test_an_unknown_key_is_an_error_of_the_settings(self, settings: dict[str, Any]) -> None:
        with pytest.raises(BackendError, match="A key was not found"):
            AzureKeyVault({**settings, "key": "other"}).wrap(b"k" * 32)

    @pytest.mark.parametrize("key", ["../secrets/x", "a/b", ""])
    def test_a_key_cannot_be_another_path(self, settings: dict[str, Any], key: str) -> None:
        with pytest.raises(BackendError, match="cannot be the name"):
            AzureKeyVault({**settings, "key": key})


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
