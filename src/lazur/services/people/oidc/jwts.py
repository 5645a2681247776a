"""Tokens that say something and are signed (RFC 7515, 7517, 7519).

A token is believed for its signature by a key that we chose, with an algorithm that we chose. What
its header says selects among those and adds nothing: no `jwk`, `jku`, `x5c` or `x5u` is looked at,
and a `kid` is compared with names of keys that we have, never opened, asked for or searched by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Invalid, Unauthenticated
from lazur.services.people.oidc import codes
from lazur.services.people.oidc.public_keys import Key
from lazur.spec import json

LEEWAY = 60.0
"""Clocks differ; none here may be further off."""
_LONGEST = 16 << 10


@dataclass(frozen=True)
class Header:
    alg: str
    kid: str | None


def header(token: str, algorithms: Sequence[str], types: Sequence[str | None]) -> Header:
    """Raises Unauthenticated for what is no token, or not signed with one of `algorithms`."""
    if len(token) > _LONGEST or not token.isascii() or token.count(".") != 2:
        raise untrue("it is not a signed token")
    head = _decoded(token.partition(".")[0])
    alg, kid, typ = head.get("alg"), head.get("kid"), head.get("typ")
    if not isinstance(alg, str) or alg not in algorithms:
        raise untrue(f"it is signed with {alg!r:.40}, and {', '.join(algorithms)} was agreed on")
    if "crit" in head or "b64" in head:
        raise untrue("its header asks for extensions")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 255):
        raise untrue("the name of its key is no text")
    if (typ.lower() if isinstance(typ, str) else typ) not in types:
        raise untrue(f"it is a token of another kind ({typ!r:.40})")
    return Header(alg, kid)


def claims(token: str, alg: str, keys: Sequence[Key]) -> dict[str, Any]:
    """What it says, if one of `keys` signed it with `alg`."""
    # PyJWT brings cryptography along, which takes a tenth of a second to load.
    from lazur.services.people.oidc import signatures  # noqa: PLC0415

    usable = [key for key in keys if key.fits(alg)]
    if not any(signatures.is_signed(token, alg, key) for key in usable):
        raise untrue("its signature is not by a key of its issuer")
    return _decoded(token.split(".")[1])


def unproved(token: str) -> dict[str, Any]:
    """What it says, signed by who knows whom."""
    return _decoded(token.split(".")[1])


def check_times(said: Mapping[str, Any], now: float) -> None:
    """Within a minute: not over, not from the future."""
    expires, issued = moment(said, "exp"), moment(said, "iat")
    if now >= expires + LEEWAY:
        raise untrue("it has expired", hint="Sign in again. Is this machine's clock right?")
    starts = moment(said, "nbf") if "nbf" in said else issued
    if max(issued, starts) > now + LEEWAY:
        raise untrue("it is from the future", hint="Is this machine's clock right?")


def moment(said: Mapping[str, Any], claim: str) -> float:
    value = said.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise untrue(f"it has no time {claim!r}")
    return float(value)


def audience(said: Mapping[str, Any]) -> list[str]:
    """One text or several; anything else is nobody."""
    value = said.get("aud")
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        return []
    given = cast("list[Any]", value)
    return given if all(isinstance(part, str) for part in given) else []


def untrue(reason: str, hint: str | None = None) -> Unauthenticated:
    return Unauthenticated(f"The token is not accepted: {reason}.", hint=hint)


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = json.decode(codes.decoded(part))
    except (ValueError, Invalid):
        raise untrue("it cannot be read") from None
    if not isinstance(value, dict):
        raise untrue("it cannot be read")
    return cast("dict[str, Any]", value)
