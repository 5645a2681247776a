"""Public keys, as others publish them (RFC 7517)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Invalid
from lazur.services.people.oidc import codes

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_SMALLEST_RSA = 2048
_MOST_KEYS = 100


@dataclass(frozen=True)
class Key:
    """A public one. `jwk` is as it was published."""

    kid: str | None
    jwk: Mapping[str, Any]

    def fits(self, alg: str) -> bool:
        """RS256 never meets a key of a curve, nor one that says it is for something else."""
        return (
            self.jwk.get("kty") == _TYPES[alg[:2]]
            and self.jwk.get("alg") in (None, alg)
            and (alg not in _CURVES or self.jwk.get("crv") == _CURVES[alg])
            and (alg != "EdDSA" or self.jwk.get("crv") == "Ed25519")
        )


def read_keys(document: Mapping[str, Any]) -> tuple[Key, ...]:
    """Those of a key set that are public and for signatures; others are left out."""
    given = document.get("keys")
    if not isinstance(given, list):
        raise Invalid("this is no set of keys: it has no list `keys`")
    found = [_key(value) for value in cast("list[Any]", given)[:_MOST_KEYS]]
    return tuple(key for key in found if key is not None)


def _key(value: Any) -> Key | None:
    """None for a secret, a private key, one to encrypt with, or one that is too short."""
    if not isinstance(value, dict):
        return None
    jwk = cast("dict[str, Any]", value)
    kid = jwk.get("kid")
    if jwk.get("kty") not in _TYPES.values() or "d" in jwk or "k" in jwk:
        return None
    if jwk.get("use") not in (None, "sig") or "verify" not in jwk.get("key_ops", ("verify",)):
        return None
    if jwk["kty"] == "RSA" and _bits(jwk.get("n")) < _SMALLEST_RSA:
        return None
    return Key(kid if isinstance(kid, str) else None, jwk)


def _bits(value: Any) -> int:
    try:
        return (
            int.from_bytes(codes.decoded(value), "big").bit_length()
            if isinstance(value, str)
            else 0
        )
    except ValueError:
        return 0
