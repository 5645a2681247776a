"""What a provider's word must say before anybody is signed out by it (OpenID Connect Back-Channel
Logout 1.0 §2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazur.services.people.oidc import jwts
from lazur.services.people.oidc.jwts import LEEWAY, untrue
from lazur.services.people.oidc.keys import KeyRing
from lazur.services.people.oidc.settings import Provider

_TYPES = (None, "jwt", "logout+jwt")
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_GOOD_FOR = 120.0
"""Seconds, where it does not say: `exp` came into the specification late."""


@dataclass(frozen=True)
class Logout:
    issuer: str
    subject: str
    id: str
    expires_at: float


def check(provider: Provider, keys: KeyRing, token: str, now: float) -> Logout:
    """Raises Unauthenticated, saying what is wrong with it."""
    header = jwts.header(token, provider.algorithms, _TYPES)
    said = jwts.claims(token, header.alg, keys.find(header))
    if said.get("iss") != provider.issuer:
        raise untrue("it is from another issuer")
    if provider.client_id not in jwts.audience(said):
        raise untrue("it is for another client")
    until = jwts.moment(said, "exp" if "exp" in said else "iat")
    until += 0.0 if "exp" in said else _GOOD_FOR
    jwts.check_times({**said, "exp": until}, now)
    events: Any = said.get("events")
    if not isinstance(events, dict) or _EVENT not in events:
        raise untrue("it signs nobody out")
    if "nonce" in said:
        raise untrue("it is a token of another kind")
    issuer, subject, number = provider.issuer, _text(said, "sub"), _text(said, "jti")
    return Logout(issuer, subject, number, until + LEEWAY)


def _text(said: dict[str, Any], claim: str) -> str:
    """Those that name a session alone are of no use: sessions here have no name there."""
    value = said.get(claim)
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise untrue(f"it has no {claim!r}")
    return value
