"""Services that prove themselves with a secret (OAuth's client credentials, RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from lazur.errors import Invalid, Unauthenticated
from lazur.services.people.oidc import codes
from lazur.services.people.oidc.codes import Random

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PREFIX = "lzs_"
_HINT = 3


@dataclass(frozen=True)
class KeptSecret:
    """One of a service's secrets: two at a time let it change them without a gap."""

    digest: str
    hint: str
    """Its first characters, for people to tell them apart."""
    expires_at: float | None = None


@dataclass(frozen=True)
class Given:
    """What a service sent; one of the two is there."""

    client_id: str | None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def make(random: Random, expires_at: float | None = None) -> tuple[str, KeptSecret]:
    """The secret, shown this once, and what to keep."""
    secret = _PREFIX + codes.fresh(random)
    return secret, KeptSecret(codes.digest(secret), secret[: len(_PREFIX) + _HINT], expires_at)


def find(kept: Iterable[KeptSecret], secret: str, now: float) -> KeptSecret | None:
    """Which of them it is. All are compared, in constant time; also call it with none, for a
    service that there is not."""
    given = codes.digest(secret)
    found = None
    for one in (*kept, KeptSecret("0" * 64, "", 0.0)):
        alike = codes.same(one.digest, given)
        if alike and (one.expires_at is None or now < one.expires_at):
            found = one
    return found


def given(authorization: str | None, form: Mapping[str, str]) -> Given:
    """From the Authorization header or the form, never from both. Raises Invalid for what cannot
    be read, and Unauthenticated where nothing was sent."""
    basic = _basic(authorization) if authorization else None
    assertion = _assertion(form)
    secret = form.get("client_secret") or None
    ways = [way for way in (basic, assertion, secret) if way is not None]
    if not ways:
        raise Unauthenticated(
            "The service has not proved who it is.",
            hint="Send client_id and client_secret, or a client_assertion.",
        )
    if len(ways) > 1:
        raise Invalid("Send one proof: a client_secret, or a client_assertion.")
    client_id = form.get("client_id") or None
    if basic is None:
        return Given(client_id, secret, assertion)
    if client_id not in (None, basic[0]):
        raise Invalid("The Authorization header and client_id name two services.")
    return Given(*basic)


def _assertion(form: Mapping[str, str]) -> str | None:
    if not (assertion := form.get("client_assertion")):
        return None
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise Invalid(f"client_assertion_type must be {ASSERTION_TYPE}.")
    return assertion


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise Invalid("The Authorization header is not of the scheme Basic.")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Invalid("The Authorization header cannot be read.") from None
    client_id, colon, secret = text.partition(":")
    if not colon or not client_id or not secret:
        raise Invalid("The Authorization header has no client id and secret.")
    return unquote_plus(client_id), unquote_plus(secret)
