"""A server that answers as Vault's Transit engine and AppRole sign-in do: same paths, same forms,
same refusals, with real encryption and versions of keys. A real Vault cannot be installed from a
package registry; what is asserted of ours holds for this reading of its documentation.
"""

from __future__ import annotations

import base64
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vaults.site import Reply

TOKEN = "hvs.token-of-the-server"
ROLE, SECRET = "role", "secret-id-of-the-server"


class Transit:
    def __init__(self) -> None:
        self.versions = [AESGCM(os.urandom(32))]
        self.tokens = {TOKEN}
        self.sealed = False
        self.namespaces: set[str] = set()

    def rotate(self) -> None:
        self.versions.append(AESGCM(os.urandom(32)))

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Reply:
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if (method, path) == ("POST", "/v1/auth/approle/login"):
            return self.sign_in(body)
        self.namespaces.add(headers.get("x-vault-namespace", ""))
        if headers.get("x-vault-token") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        if (method, path) == ("GET", "/v1/transit/keys/lazur"):
            return 200, {"data": {"name": "lazur", "latest_version": len(self.versions)}}
        if (method, path) == ("POST", "/v1/transit/encrypt/lazur"):
            return 200, {"data": self.encrypt(base64.b64decode(body["plaintext"]))}
        if (method, path) == ("POST", "/v1/transit/decrypt/lazur"):
            return self.decrypt(body["ciphertext"])
        return 404, {"errors": []}

    def sign_in(self, body: Any) -> Reply:
        if body != {"role_id": ROLE, "secret_id": SECRET}:
            return 400, {"errors": ["invalid role or secret ID"]}
        token = f"hvs.{len(self.tokens)}"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": 3600}}

    def encrypt(self, data: bytes) -> dict[str, Any]:
        nonce = os.urandom(12)
        box = nonce + self.versions[-1].encrypt(nonce, data, None)
        version = len(self.versions)
        text = f"vault:v{version}:{base64.b64encode(box).decode()}"
        return {"ciphertext": text, "key_version": version}

    def decrypt(self, text: str) -> Reply:
        try:
            prefix, version, box = text.split(":")
            key = self.versions[int(version.removeprefix("v")) - 1]
            data = base64.b64decode(box, validate=True)
            found = key.decrypt(data[:12], data[12:], None)
        except (ValueError, IndexError, InvalidTag):
            return 400, {"errors": ["invalid ciphertext: could not decode base64 or tag"]}
        if prefix != "vault":
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        return 200, {"data": {"plaintext": base64.b64encode(found).decode()}}
