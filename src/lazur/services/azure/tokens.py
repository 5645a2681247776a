"""Tokens for Azure's clients: JWTs that stand for a token of ours for an hour, and for one
audience. They end with it: whose token it is, and whether it still is one, is asked each time."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import jwt

from lazur.errors import Invalid, Unauthenticated
from lazur.services.azure import identity, sas
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.services.people import tokens
from lazur.spec.names import fold

SECONDS = 3600
_ALGORITHM = "HS256"
_LONGEST = 4096
"""Of the resource's name, as a caller gives it."""
_GRACE = 60
"""Seconds by which clocks may differ."""


def issue(context: Context, secret: str, resource: str) -> dict[str, Any]:
    """For who shows `secret`, a token of ours; `resource` is the audience."""
    resource = resource.removesuffix("/.default")
    if not resource or len(resource) > _LONGEST:
        raise Invalid(
            "It is not said what the token is for.",
            hint="Name this server as the resource: https://HOST:PORT/.default",
        )
    who = _owner(context.site, secret)
    now = int(context.now())
    home = context.site.home
    claims: dict[str, Any] = {
        "iss": f"https://lazur/{identity.tenant(home)}/",
        "aud": resource,
        "iat": now,
        "nbf": now - _GRACE,
        "exp": now + SECONDS,
        "tid": identity.tenant(home),
        "oid": identity.of(home, "person", who.name),
        "sub": identity.of(home, "person", who.name),
        "upn": who.name,
        "unique_name": who.name,
        "lazur": tokens.digest(secret),
        "ver": "1.0",
    }
    made = jwt.encode(claims, _key(context.site), _ALGORITHM)
    return {"token": made, "expires_at": now + SECONDS, "resource": resource}


def sign_in(context: Context, client: str, secret: str, resource: str) -> dict[str, Any]:
    """A service's name, or a person's, and a token of theirs."""
    who = _owner(context.site, secret)
    named = {fold(who.name), identity.of(context.site.home, "person", who.name)}
    if not any(hmac.compare_digest(fold(client).encode(), name.encode()) for name in named):
        raise _unknown()
    return issue(context, secret, resource)


def principal(site: Site, token: str) -> Principal | None:
    """Whose it is; None where it is not ours, over, or what it stands for is gone."""
    try:
        claims = jwt.decode(
            token,
            _key(site),
            [_ALGORITHM],
            # The library would go by this machine's own clock. That of whichever server made the
            # token may be a little ahead.
            options={
                "require": ["exp", "aud"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.PyJWTError:
        return None
    until = claims["exp"]
    if not isinstance(until, int) or until <= site.now():
        return None
    return tokens.owner(site, str(claims.get("lazur")), "bearer")


def holder(secret: str) -> str:
    """The digest of the token of ours that a good one stands for, or is."""
    if not is_jwt(secret):
        return tokens.digest(secret)
    return str(jwt.decode(secret, options={"verify_signature": False})["lazur"])


def is_jwt(secret: str) -> bool:
    """By its look; tokens of ours have no dots."""
    return secret.startswith("ey") and secret.count(".") == 2


def is_for(token: str, base: str) -> bool:
    """Whether one whose signature is known to be good is meant for the server at `base`."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return str(claims.get("aud", "")).rstrip("/") in {base, resource_id(base)}


def resource_id(base: str) -> str:
    """What Azure's client makes of the portal's address, and asks tokens for users with: all
    after its second dot."""
    parts = f"{base}/".split(".", 2)
    rest = parts[2] if len(parts) > 2 else ""
    return "https://ml.azure." + rest.replace("/", "")


def authenticator(
    site: Site, ours: Callable[[Any, str], Principal | None]
) -> Callable[[Any, str], Principal | None]:
    """What the gate asks: of the secrets on Azure's wire, too."""

    def authenticate(kind: Any, secret: str) -> Principal | None:
        if kind == "azure":
            return principal(site, secret) if is_jwt(secret) else ours("bearer", secret)
        if kind == "sas":
            return sas.principal(site, secret)
        return ours(kind, secret)

    return authenticate


def _owner(site: Site, secret: str) -> Principal:
    found = tokens.owner(site, tokens.digest(secret), "bearer")
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "The identity is unknown, or its token has ended.",
        hint='Get a new one: eval "$(lazur azure env)"',
    )


def _key(site: Site) -> str:
    return site.home.key("azure")
