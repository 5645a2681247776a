"""Signing in with a browser elsewhere, at the provider (RFC 8628)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lazur.errors import BackendError, Unauthenticated, Unsupported
from lazur.services.people.oidc.discovery import Endpoints
from lazur.services.people.oidc.settings import Provider, is_safe
from lazur.services.people.oidc.wire import Refusal, text

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0
_SLOWER = 5.0
_LONGEST = 3600.0


@dataclass(frozen=True)
class Pending:
    """Show the person `user_code` and `url`; ask again at `next_at`, and not before."""

    provider: str
    device_code: str = field(repr=False)
    user_code: str
    url: str
    direct_url: str | None
    """With the code in it."""
    interval: float
    next_at: float
    expires_at: float


def address(provider: Provider, endpoints: Endpoints) -> str:
    if endpoints.device is None:
        raise Unsupported(
            f"{provider.title or provider.name} has no sign-in by code.",
            hint="Sign in where there is a browser, or use a personal access token.",
        )
    return endpoints.device


def begun(provider: Provider, answer: Mapping[str, Any], now: float) -> Pending:
    """What the provider answered to being asked for a code."""
    url = text(answer, "verification_uri")
    direct = answer.get("verification_uri_complete")
    for shown in (url, direct):
        if shown is not None and not is_safe(str(shown), provider.issuer):
            raise BackendError(f"{provider.issuer} sends people to what is no https address.")
    interval = _seconds(answer.get("interval"), _INTERVAL)
    return Pending(
        provider=provider.name,
        device_code=text(answer, "device_code"),
        user_code=text(answer, "user_code", 100),
        url=url,
        direct_url=direct,
        interval=interval,
        next_at=now + interval,
        expires_at=now + min(_seconds(answer.get("expires_in"), 300.0), _LONGEST),
    )


def redemption(pending: Pending) -> dict[str, str]:
    return {"grant_type": GRANT, "device_code": pending.device_code}


def waited(pending: Pending, said: Refusal, now: float) -> Pending:
    """What to do about a refusal: wait on, or raise it where it is final."""
    if said.error not in {"authorization_pending", "slow_down"}:
        raise _over(said)
    interval = pending.interval + (_SLOWER if said.error == "slow_down" else 0.0)
    return replace(pending, interval=interval, next_at=now + interval)


def check_time(pending: Pending, now: float) -> None:
    if now >= pending.expires_at:
        raise _expired()


def _over(said: Refusal) -> Unauthenticated:
    if said.error == "expired_token":
        return _expired()
    if said.error == "access_denied":
        return Unauthenticated("The sign-in was declined.", hint="Begin again to sign in.")
    return said


def _expired() -> Unauthenticated:
    return Unauthenticated("The code was not used in time.", hint="Begin again for a new one.")


def _seconds(value: Any, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return default
    return float(value)
