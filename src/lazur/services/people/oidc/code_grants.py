"""Signing in with the browser on the same machine, at us: a command line listens on a loopback
port and sends the browser, which is signed in or does so now, to fetch it a code (RFC 8252)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from lazur.errors import Invalid, Unauthenticated
from lazur.services.people.oidc import codes
from lazur.services.people.oidc.codes import Random

SECONDS = 60.0
"""From the browser to the command line is one redirect."""
_REDIRECT = re.compile(r"http://(?:127\.0\.0\.1|\[::1\]):([1-9][0-9]{3,4})/callback")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_STATE = re.compile(r"[A-Za-z0-9._~-]{16,128}")


@dataclass(frozen=True)
class Request:
    """What a command line asks of the page. The person must be asked, too: a page that approves by
    itself lets every program on their machine sign in as them."""

    redirect_uri: str
    challenge: str
    state: str


@dataclass(frozen=True)
class Grant:
    """To be kept, and deleted by whoever redeems it, before anything else."""

    digest: str
    """`codes.digest` of the code."""
    who: str
    redirect_uri: str
    challenge: str
    expires_at: float


def read(query: Mapping[str, str]) -> Request:
    """Raises Invalid. Show that on our own page: who sent a wrong address gets nothing sent."""
    redirect_uri = query.get("redirect_uri", "")
    found = _REDIRECT.fullmatch(redirect_uri)
    if found is None or not 1024 <= int(found[1]) <= 65535:
        raise Invalid(
            "The program that asks is not on this machine.",
            hint="redirect_uri is http://127.0.0.1:PORT/callback. Sign in again from the start.",
        )
    if query.get("code_challenge_method") != "S256":
        raise Invalid("code_challenge_method must be S256.")
    return Request(
        redirect_uri,
        _matching(_CHALLENGE, query, "code_challenge"),
        _matching(_STATE, query, "state"),
    )


def issue(request: Request, who: str, now: float, random: Random) -> tuple[str, Grant]:
    """Where to send the browser, with the code, and what to keep."""
    code = codes.fresh(random)
    made = Grant(codes.digest(code), who, request.redirect_uri, request.challenge, now + SECONDS)
    return _target(request, {"code": code}), made


def decline(request: Request) -> str:
    """Where to send the browser when the person said no."""
    return _target(request, {"error": "access_denied"})


def redeem(grant: Grant, redirect_uri: str, verifier: str, now: float) -> str:
    """Who signed in. Raises Unauthenticated for anybody but the program that asked."""
    if not _VERIFIER.fullmatch(verifier):
        raise _unknown()
    good = (
        codes.same(codes.challenge(verifier), grant.challenge)
        and redirect_uri == grant.redirect_uri
    )
    if not good or now >= grant.expires_at:
        raise _unknown()
    return grant.who


def _target(request: Request, said: dict[str, str]) -> str:
    return f"{request.redirect_uri}?{urlencode({**said, 'state': request.state})}"


def _matching(pattern: re.Pattern[str], query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if not pattern.fullmatch(value):
        raise Invalid(f"{name} is missing or of a wrong form.")
    return value


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "The sign-in code is unknown or has expired.", hint="Sign in again: lazur login"
    )
