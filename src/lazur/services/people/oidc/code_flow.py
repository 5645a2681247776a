"""Signing in with the browser that asks: authorization code with PKCE (RFC 6749, 7636, 9207)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from lazur.errors import Unauthenticated
from lazur.services.people.oidc import codes
from lazur.services.people.oidc.codes import Random
from lazur.services.people.oidc.discovery import Endpoints
from lazur.services.people.oidc.settings import Provider
from lazur.services.people.oidc.wire import refusal

SECONDS = 600.0
"""So long somebody may take at the provider's pages."""
_HINT = "Begin again, in the same browser."


@dataclass(frozen=True)
class Attempt:
    """To be kept where only this browser leads to it (a cookie of its own, `SameSite=Lax`), and
    used once: otherwise somebody could send you a link that signs you in as them."""

    provider: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    expires_at: float


def begin(
    provider: Provider, endpoints: Endpoints, redirect_uri: str, now: float, random: Random
) -> tuple[str, Attempt]:
    """Where to send the browser, and what to keep."""
    state, nonce, verifier = (codes.fresh(random) for _ in range(3))
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": codes.challenge(verifier),
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in endpoints.authorization else "?"
    attempt = Attempt(provider.name, state, nonce, verifier, redirect_uri, now + SECONDS)
    return f"{endpoints.authorization}{mark}{urlencode(query)}", attempt


def answered(
    provider: Provider,
    endpoints: Endpoints,
    attempt: Attempt,
    query: Mapping[str, str],
    now: float,
) -> str:
    """The code that the browser came back with. Raises Unauthenticated, or the provider's own
    Refusal."""
    if attempt.provider != provider.name:
        raise Unauthenticated("This sign-in was begun with another provider.", hint=_HINT)
    if not codes.same(query.get("state", ""), attempt.state):
        raise Unauthenticated("This is not the sign-in that this browser began.", hint=_HINT)
    if now >= attempt.expires_at:
        raise Unauthenticated("This sign-in took too long.", hint=_HINT)
    if (endpoints.names_itself or "iss" in query) and query.get("iss") != provider.issuer:
        raise Unauthenticated("This answer is from another provider.", hint=_HINT)
    if "error" in query:
        raise refusal(query)
    if not query.get("code"):
        raise Unauthenticated("The provider's answer has no code.", hint=_HINT)
    return query["code"]


def redemption(attempt: Attempt, code: str) -> dict[str, str]:
    """The form that turns a code into tokens."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
    }
