"""Tokens, true and forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Signer:
    alg: str
    kid: str
    private: Any

    @classmethod
    def make(cls, alg: str, kid: str, bits: int = 2048) -> Signer:
        if alg.startswith("ES"):
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[alg]
            return cls(alg, kid, ec.generate_private_key(curve))
        if alg == "EdDSA":
            return cls(alg, kid, ed25519.Ed25519PrivateKey.generate())
        return cls(alg, kid, rsa.generate_private_key(65537, bits))

    @property
    def jwk(self) -> dict[str, Any]:
        """As it is published."""
        by: Any = RSAAlgorithm
        if self.alg.startswith("ES"):
            by = ECAlgorithm
        elif self.alg == "EdDSA":
            by = OKPAlgorithm
        public = by.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.alg}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return self.sign_bytes(json.dumps(claims).encode(), **header)

    def sign_bytes(self, payload: bytes, **header: Any) -> str:
        head = {key: value for key, value in {"kid": self.kid, **header}.items() if value}
        return PyJWS().encode(payload, self.private, algorithm=self.alg, headers=head)


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    return f"{encoded(header)}.{encoded(claims)}."


def keyed(claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    """Signed as HS256 does, which needs no more than what both sides know."""
    text = f"{encoded(header)}.{encoded(claims)}"
    digest = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
