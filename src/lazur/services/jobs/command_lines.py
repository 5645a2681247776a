"""Signing in a command line: by the browser beside it, or by one elsewhere. Somebody who is signed
in there says yes, and the command line gets a token of theirs."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from typing import Any, NamedTuple

from lazur.errors import Conflict, LazurError, NotFound, Unauthenticated, Unavailable
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import SOURCE, Context, Site
from lazur.services.base.times import iso
from lazur.services.people import sign_ins, tokens
from lazur.services.people.oidc import code_grants, codes, device_grants
from lazur.services.people.sign_ins import Brakes, denied
from lazur.store import sign_ins as store
from lazur.store.db import AnyRow, Taken

TOKEN_SECONDS = 90 * 86400.0
_MOST_DEVICES = 1000
"""Under way at once: anybody may begin one."""
_CODE, _DEVICE = "code", "device"


class Limits(NamedTuple):
    """What the approving sign-in is good for: the token is good for no more."""

    role: str | None
    workspace: str | None

    @classmethod
    def of(cls, who: Principal) -> Limits:
        if who.ceiling is None:
            return cls(None, None)
        return cls(who.ceiling.role.name, who.ceiling.workspace)


def answer_request(context: Context, asked: dict[str, Any]) -> dict[str, str]:
    """Where the browser goes with the person's yes or no."""
    context.require("sign-in/action", Resource())
    request = code_grants.read({k: v for k, v in asked.items() if isinstance(v, str)})
    if asked.get("approved") is not True:
        return {"url": code_grants.decline(request)}
    who = context.who
    url, grant = code_grants.issue(request, who.name, context.now(), secrets.token_bytes)
    _add(context, _CODE, grant.digest, grant.expires_at, _packed(grant, Limits.of(who)))
    return {"url": url}


def redeem(site: Site, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
    """The token for the command line that asked. Whatever comes of it, the code is spent."""
    with site.context() as context:
        row = store.take(context.db, _CODE, codes.digest(code))
    if row is None:
        raise denied(_unknown(), "browser")
    kept, limits = _unpacked(row)
    grant = code_grants.Grant(**kept)
    try:
        code_grants.redeem(grant, redirect_uri, verifier, site.now())
    except LazurError as error:
        raise denied(error, "browser", grant.who) from None
    with site.context(Principal(grant.who, "user", ())) as context:
        return _token(context, grant.who, limits, "lazur login")


def begin_device(context: Context, label: str, page: str) -> dict[str, Any]:
    """A code for somebody to type in at `page`, and one for the command line to ask with."""
    if store.count(context.db, _DEVICE) >= _MOST_DEVICES:
        raise Unavailable("Too many sign-ins are under way.", hint="Try again in ten minutes.")
    shown = "".join(c for c in label[:255] if c.isprintable()).strip() or "a command line"
    label = f"{shown} ({SOURCE.get() or 'unknown address'})"
    code, grant = device_grants.make(label, context.now(), secrets.token_bytes)
    packed = _packed(grant, Limits(None, None))
    _add(context, _DEVICE, grant.digest, grant.expires_at, packed, user_code=grant.user_code)
    return {
        "device_code": code,
        "user_code": grant.user_code,
        "verification_uri": page,
        "expires_in": device_grants.SECONDS,
        "interval": grant.interval,
    }


def show_device(site: Site, who: Principal, brakes: Brakes, user_code: str) -> dict[str, Any]:
    """What asks, for the person to recognise, before they say anything."""
    with site.context(who, write=False) as context:
        _, grant = _typed(context, brakes, user_code)
    return {
        "user_code": grant.user_code,
        "label": grant.label,
        "expires_at": iso(grant.expires_at),
    }


def decide(
    site: Site, who: Principal, brakes: Brakes, user_code: str, *, approved: bool
) -> dict[str, Any]:
    with site.context(who) as context:
        row, grant = _typed(context, brakes, user_code)
        after = device_grants.decide(grant, who.name, context.now(), approved=approved)
        if not store.swap(context.db, row.digest, row.payload, _packed(after, Limits.of(who))):
            raise Conflict("This code was used just now.", hint="Begin again where it was shown.")
    return {"user_code": grant.user_code, "status": after.state}


def poll(site: Site, device_code: str) -> tuple[int, dict[str, Any]]:
    """201 with the token, or 202: ask again after `interval` seconds."""
    with site.context(write=False) as context:
        row = store.find(context.db, _DEVICE, codes.digest(device_code))
    if row is None:
        raise denied(_expired(), "device")
    kept, limits = _unpacked(row)
    grant = device_grants.Grant(**kept)
    answer, after = device_grants.poll(grant, site.now())
    if answer in {"expired_token", "access_denied"}:
        raise denied(_declined() if answer == "access_denied" else _expired(), "device")
    with site.context(Principal(grant.who or "", "user", ())) as context:
        swapped = store.swap(context.db, row.digest, row.payload, _packed(after, limits))
        if answer == "granted" and swapped and grant.who:
            store.take(context.db, _DEVICE, row.digest)
            return 201, _token(context, grant.who, limits, f"lazur login: {grant.label}")
    status = "authorization_pending" if answer == "granted" else answer
    return 202, {"status": status, "interval": after.interval}


def _token(context: Context, name: str, limits: Limits, label: str) -> dict[str, Any]:
    row = sign_ins.able(context, name)
    until = context.now() + TOKEN_SECONDS
    values = {"label": label[:200], "expires_at": until, **limits._asdict()}
    return {
        "token": tokens.hand_out(context, row.name, **values),
        "name": row.name,
        "expires_at": iso(until),
    }


def _typed(context: Context, brakes: Brakes, user_code: str) -> tuple[AnyRow, device_grants.Grant]:
    context.require("sign-in/action", Resource())
    if wait := brakes.names.wait(f"device {context.who.name}"):
        raise sign_ins.too_many(wait)
    typed = device_grants.typed(user_code)
    row = store.by_user_code(context.db, typed) if typed else None
    if row is None or row.expires_at <= context.now():
        raise NotFound(
            "There is no such code, or it has expired.", hint="Compare it with what is shown."
        )
    return row, device_grants.Grant(**_unpacked(row)[0])


def _add(context: Context, kind: str, digest: str, until: float, packed: str, **more: str) -> None:
    values = {"kind": kind, "digest": digest, "payload": packed, "expires_at": until, **more}
    try:
        store.add(context.db, values)
    except Taken:
        raise Unavailable("The code is in use already.", hint="Try again.") from None


def _packed(grant: code_grants.Grant | device_grants.Grant, limits: Limits) -> str:
    return json.dumps({"grant": asdict(grant), "limits": limits._asdict()}, sort_keys=True)


def _unpacked(row: AnyRow) -> tuple[dict[str, Any], Limits]:
    kept = json.loads(row.payload)
    return kept["grant"], Limits(**kept["limits"])


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "The sign-in code is unknown or has expired.", hint="Sign in again: lazur login"
    )


def _expired() -> Unauthenticated:
    return Unauthenticated(
        "The code was not used in time.", hint="Get a new one: lazur login --device"
    )


def _declined() -> Unauthenticated:
    return Unauthenticated(
        "The sign-in was declined in the browser.", hint="Sign in again: lazur login --device"
    )
