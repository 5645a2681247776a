"""The one place where signatures are checked. Loaded when the first token comes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK, PyJWS, PyJWTError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from lazur.errors import Invalid
from lazur.services.people.oidc import codes
from lazur.services.people.oidc.public_keys import Key, read_keys
from lazur.services.people.oidc.settings import ALGORITHMS

_THUMBPRINT = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


def is_signed(token: str, alg: str, key: Key) -> bool:
    try:
        chosen = PyJWK.from_dict(dict(key.jwk), algorithm=alg)
        PyJWS().decode(token, chosen, algorithms=[alg])
    except PyJWTError:
        return False
    return True


def public_key(text: str) -> Key:
    """From PEM, of a key or a certificate. Its `kid` is its thumbprint (RFC 7638)."""
    jwk = _jwk(_loaded(text))
    if not (keys := read_keys({"keys": [jwk]})):
        raise _useless("it is too short: 2048 bits are the least")
    if not any(keys[0].fits(alg) for alg in ALGORITHMS):
        raise _unknown()
    return Key(thumbprint(jwk), jwk)


def thumbprint(jwk: dict[str, Any]) -> str:
    members = {name: jwk[name] for name in _THUMBPRINT[jwk["kty"]]}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return codes.encoded(hashlib.sha256(text.encode()).digest())


def _loaded(text: str) -> Any:
    if "PRIVATE KEY" in text:
        raise _useless("it is the private one, which belongs to the service alone")
    try:
        if "BEGIN CERTIFICATE" in text:
            return x509.load_pem_x509_certificate(text.encode()).public_key()
        return load_pem_public_key(text.encode())
    except ValueError:
        raise _useless("it is not in PEM form") from None


def _jwk(key: Any) -> dict[str, Any]:
    match key:
        case rsa.RSAPublicKey():
            return RSAAlgorithm.to_jwk(key, as_dict=True)
        case ec.EllipticCurvePublicKey():
            return ECAlgorithm.to_jwk(key, as_dict=True)
        case ed25519.Ed25519PublicKey():
            return OKPAlgorithm.to_jwk(key, as_dict=True)
        case _:
            raise _unknown()


def _unknown() -> Invalid:
    return _useless("it is neither RSA nor of a curve P-256, P-384, P-521 or Ed25519")


def _useless(reason: str) -> Invalid:
    return Invalid(
        f"This public key will not do: {reason}.",
        hint="openssl genpkey -algorithm ED25519 -out key.pem; openssl pkey -in key.pem -pubout",
    )
