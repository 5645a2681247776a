"""Signing in with a browser elsewhere, at us: a command line without a browser shows a code, and
somebody who is signed in types it in (RFC 8628). Each function takes what is kept and gives back
what to keep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lazur.errors import Conflict, Unauthenticated
from lazur.services.people.oidc import codes
from lazur.services.people.oidc.codes import Random

SECONDS = 600.0
INTERVAL = 5.0
_SLOWER = 5.0
_SLACK = 0.5
"""A poll may arrive a little earlier than it was sent."""
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words; none that look alike (RFC 8628 §6.1)."""
_LENGTH = 8

State = Literal["waiting", "approved", "denied", "spent"]
Answer = Literal["granted", "authorization_pending", "slow_down", "access_denied", "expired_token"]


@dataclass(frozen=True)
class Grant:
    """Look it up by `digest` when the device asks, by `user_code` when the person does. Guesses at
    user codes must be throttled, by person: there are 2³⁴ of them."""

    digest: str
    """`codes.digest` of the device code, which only the device has."""
    user_code: str
    label: str
    """What asks, for the person to recognise: its host's name, and the address it asks from."""
    expires_at: float
    interval: float = INTERVAL
    polled_at: float | None = None
    state: State = "waiting"
    who: str | None = None


def make(label: str, now: float, random: Random) -> tuple[str, Grant]:
    """The device's code, told to it alone, and what to keep."""
    device_code = codes.fresh(random)
    number = int.from_bytes(random(16), "big")
    letters = ""
    for _ in range(_LENGTH):
        number, which = divmod(number, len(_LETTERS))
        letters += _LETTERS[which]
    return device_code, Grant(codes.digest(device_code), shown(letters), label, now + SECONDS)


def shown(letters: str) -> str:
    return f"{letters[: _LENGTH // 2]}-{letters[_LENGTH // 2 :]}"


def typed(text: str) -> str | None:
    """A user code as somebody typed it, in the form that is kept; None for what can be none."""
    letters = "".join(c for c in text[:100].upper() if c.isalnum())
    good = len(letters) == _LENGTH and all(c in _LETTERS for c in letters)
    return shown(letters) if good else None


def decide(grant: Grant, who: str, now: float, *, approved: bool) -> Grant:
    """`who` has seen what asks, and said yes or no. Once."""
    if now >= grant.expires_at:
        raise Unauthenticated("This code has expired.", hint="Begin again where it was shown.")
    if grant.state != "waiting":
        raise Conflict("This code was used already.", hint="Begin again where it was shown.")
    return replace(grant, state="approved" if approved else "denied", who=who)


def poll(grant: Grant, now: float) -> tuple[Answer, Grant]:
    """What to tell the device. Whoever asks too often is told to slow down for good. `granted` is
    answered once: keep what comes with it under a lock or a condition before acting on it."""
    asked = replace(grant, polled_at=now)
    if now >= grant.expires_at or grant.state == "spent":
        return "expired_token", asked
    if grant.state == "denied":
        return "access_denied", asked
    if grant.state == "approved":
        return "granted", replace(asked, state="spent")
    if grant.polled_at is not None and now - grant.polled_at < grant.interval - _SLACK:
        return "slow_down", replace(asked, interval=grant.interval + _SLOWER)
    return "authorization_pending", asked
