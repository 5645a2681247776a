"""Services that prove themselves with a signature (RFC 7523): their private key never leaves
them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lazur.errors import Invalid
from lazur.services.people.oidc import jwts
from lazur.services.people.oidc.jwts import untrue
from lazur.services.people.oidc.public_keys import Key

_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")
_TYPES = (None, "jwt", "client-authentication+jwt")
_LONGEST = 900.0
_MOST_KEYS = 10


@dataclass(frozen=True)
class Assertion:
    """Good once: remember `jti` with its client until `expires_at`, and refuse it from then on."""

    client_id: str
    jti: str
    expires_at: float


def public_key(text: str) -> Key:
    """One that a service may sign with, from PEM (key or certificate). Raises Invalid."""
    from lazur.services.people.oidc import signatures  # noqa: PLC0415 - as in jwts

    return signatures.public_key(text)


def claimed(token: str) -> str:
    """The service that it says it is from: to look up whose keys it takes, no more than that."""
    jwts.header(token, _ALGORITHMS, _TYPES)
    return _subject(jwts.unproved(token))


def check(
    token: str, client_id: str, keys: Sequence[Key], audiences: Collection[str], now: float
) -> Assertion:
    """Raises Unauthenticated unless one of `keys` signed that `client_id` speaks, to one of
    `audiences` (our issuer, our token address) and nobody else, now."""
    if len(keys) > _MOST_KEYS:
        raise Invalid(f"A service has {_MOST_KEYS} keys at most.")
    header = jwts.header(token, _ALGORITHMS, _TYPES)
    said = jwts.claims(token, header.alg, keys)
    if said.get("iss") != client_id or _subject(said) != client_id:
        raise untrue("it speaks for another service")
    named = jwts.audience(said)
    if not named or set(named) - set(audiences):
        raise untrue("it is meant for somebody else", hint=f"Its aud is {min(audiences)}.")
    jwts.check_times({"iat": said.get("iat", now), **said}, now)
    expires_at = jwts.moment(said, "exp")
    if expires_at > now + _LONGEST + jwts.LEEWAY:
        raise untrue(f"it is good for more than {_LONGEST:.0f} seconds")
    jti = said.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 255:
        raise untrue("it has no jti, which keeps it from being used twice")
    return Assertion(client_id, jti, expires_at + jwts.LEEWAY)


def _subject(said: dict[str, object]) -> str:
    subject = said.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise untrue("it names no service")
    return subject
