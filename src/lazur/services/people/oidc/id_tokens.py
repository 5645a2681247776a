"""What an ID token must say before anybody is signed in by it (OpenID Connect Core §3.1.3.7)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from lazur.services.people.oidc import codes, jwts
from lazur.services.people.oidc.jwts import untrue
from lazur.services.people.oidc.keys import KeyRing
from lazur.services.people.oidc.settings import Provider

_TYPES = (None, "jwt")
"""An access token (`at+jwt`) or a logout token is signed with the same keys and is no proof."""


def check(
    provider: Provider,
    keys: KeyRing,
    token: str,
    now: float,
    *,
    nonce: str | None,
    access_token: str | None = None,
) -> dict[str, Any]:
    """Its claims. Raises Unauthenticated, saying what is wrong with it. `nonce` is None only where
    the flow has none."""
    header = jwts.header(token, provider.algorithms, _TYPES)
    said = jwts.claims(token, header.alg, keys.find(header))
    if said.get("iss") != provider.issuer:
        raise untrue("it is from another issuer")
    _check_audience(provider, said)
    jwts.check_times(said, now)
    if nonce is not None and not _same(said.get("nonce"), nonce):
        raise untrue("it belongs to another attempt to sign in", hint="Begin again.")
    if access_token is not None and "at_hash" in said:
        _check_access_token(said["at_hash"], header.alg, access_token)
    subject = said.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise untrue("it names nobody")
    return said


def half_digest(alg: str, text: str) -> str:
    """`at_hash`: the left half of a digest that is as wide as the signature's."""
    name = "sha512" if alg == "EdDSA" else f"sha{alg[2:]}"
    digest = hashlib.new(name, text.encode()).digest()
    return codes.encoded(digest[: len(digest) // 2])


def _check_access_token(said: Any, alg: str, access_token: str) -> None:
    if not _same(said, half_digest(alg, access_token)):
        raise untrue("it belongs to another access token")


def _check_audience(provider: Provider, said: Mapping[str, Any]) -> None:
    named = jwts.audience(said)
    strangers = set(named) - {provider.client_id, *provider.audiences}
    if provider.client_id not in named or strangers:
        raise untrue("it is for another client", hint="Is the provider's client_id right?")
    azp = said.get("azp")
    if azp != provider.client_id and (azp is not None or len(named) > 1):
        raise untrue("it was given to another client")


def _same(said: Any, wanted: str) -> bool:
    return isinstance(said, str) and codes.same(said, wanted)
