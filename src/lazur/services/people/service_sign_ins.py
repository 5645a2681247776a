"""Services sign in: what they prove themselves with, and the short tokens that they get for it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from lazur.errors import Conflict, Invalid, LazurError, NotFound, Unauthenticated
from lazur.services.base import events
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso
from lazur.services.people import assignments, people, sign_ins, tokens
from lazur.services.people.oidc import assertions, client_secrets, codes
from lazur.services.people.oidc.client_secrets import Given, KeptSecret
from lazur.services.people.sign_ins import denied
from lazur.spec.names import fold
from lazur.store import people as rows
from lazur.store import sign_ins as store
from lazur.store.db import AnyRow, Taken

TOKEN_SECONDS = 3600.0
_WRITE = "authorization/tokens/write"
_SECRET, _KEY = "secret", "key"
_MOST = 10
_LONGEST_DAYS = 730


def sign_in(
    site: Site, authorization: str | None, form: Mapping[str, str], audiences: Collection[str]
) -> dict[str, Any]:
    """A token of one hour. `audiences`: what an assertion may be meant for."""
    given = client_secrets.given(authorization, form)
    name = assertions.claimed(given.assertion) if given.assertion else given.client_id
    if not name:
        raise Invalid("Send client_id, the service's name.")
    row, kept = _known(site, name)
    try:
        spent = _proved(row, name, kept, given, audiences, site.now())
    except LazurError as error:
        raise denied(error, "service", row.name if row is not None else "") from None
    assert row is not None
    with site.context(Principal(row.name, row.kind, ())) as context:
        sign_ins.able(context, row.name)
        if spent is not None:
            _spend(context, row, spent)
        until = context.now() + TOKEN_SECONDS
        secret = tokens.hand_out(context, row.name, label="signed in", expires_at=until)
        events.record(
            context, None, "sign-ins", row.name, "signed in", way="key" if spent else "secret"
        )
    return {
        "access_token": secret,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_SECONDS),
        "name": row.name,
    }


def find(context: Context, name: str) -> dict[str, Any]:
    context.require("authorization/tokens/read", Resource())
    row = people.find_row(context, name, "service")
    return {"value": [view(kept) for kept in store.credentials_of(context.db, row.id)]}


def add(context: Context, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A secret, shown this once; or with `public_key` what assertions are verified with."""
    context.require(_WRITE, Resource())
    if unknown := sorted(set(spec) - {"days", "public_key"}):
        raise Invalid(f"A secret has no {unknown[0]!r}.", hint="Known: days, public_key.")
    row = people.find_row(context, name, "service")
    assignments.check_may_become(context, row)
    if len(store.credentials_of(context.db, row.id)) >= _MOST:
        raise Conflict(f"{row.name} has {_MOST} secrets already.", hint="Delete one first.")
    until = _until(context, spec.get("days"))
    secret, values = None, _key(spec["public_key"]) if "public_key" in spec else None
    if values is None:
        secret, kept = client_secrets.make(secrets.token_bytes, until)
        values = {"kind": _SECRET, "value": kept.digest, "hint": kept.hint}
    made = {"id": secrets.token_hex(6), "principal_id": row.id, "expires_at": until}
    made |= {"created_at": context.now(), "created_by": context.who.name}
    store.add_credential(context.db, {**made, **values})
    events.record(context, None, "principals", row.name, f"{values['kind']} added", id=made["id"])
    there = store.credentials_of(context.db, row.id)
    (shown,) = (view(one) for one in there if one.id == made["id"])
    return {**({"secret": secret} if secret else {}), **shown}


def drop(context: Context, name: str, credential: str) -> None:
    """The tokens that were got by it end as well."""
    context.require(_WRITE, Resource())
    row = people.find_row(context, name, "service")
    if not store.drop_credential(context.db, row.id, credential):
        raise NotFound(f"{row.name} has no secret {credential[:50]!r}.")
    rows.drop_tokens_of(context.db, row.name)
    events.record(context, None, "principals", row.name, "secret deleted", id=credential)


def view(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "hint": row.hint,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "expires_at": iso(row.expires_at),
    }


def _known(site: Site, name: str) -> tuple[AnyRow | None, list[AnyRow]]:
    with site.context(write=False) as context:
        row = rows.by_name(context.db, fold(name[:255]))
        if row is None or row.kind != "service" or row.disabled:
            return None, []
        return row, list(store.credentials_of(context.db, row.id))


def _proved(
    row: AnyRow | None,
    name: str,
    kept: list[AnyRow],
    given: Given,
    audiences: Collection[str],
    now: float,
) -> assertions.Assertion | None:
    """The assertion that was good, None for a secret."""
    if given.assertion is not None:
        keys = [
            assertions.public_key(one.value)
            for one in kept
            if one.kind == _KEY and (one.expires_at is None or now < one.expires_at)
        ]
        if row is None or not keys:
            raise _refused()
        return assertions.check(given.assertion, name, keys, audiences, now)
    known = [KeptSecret(o.value, o.hint or "", o.expires_at) for o in kept if o.kind == _SECRET]
    if client_secrets.find(known, given.secret or "", now) is None or row is None:
        raise _refused()
    return None


def _spend(context: Context, row: AnyRow, assertion: assertions.Assertion) -> None:
    values = {
        "kind": "assertion",
        "digest": codes.digest(f"{row.id} {assertion.jti}"),
        "payload": "",
        "expires_at": assertion.expires_at,
    }
    try:
        store.add(context.db, values)
    except Taken:
        error = Unauthenticated(
            "This assertion was used already.", hint="Sign a new one, with a jti of its own."
        )
        raise denied(error, "service", row.name) from None


def _until(context: Context, days: Any) -> float | None:
    if days is None:
        return None
    if type(days) not in (int, float) or not 0 < days <= _LONGEST_DAYS:
        raise Invalid(f"days is {days!r}; it is a number up to {_LONGEST_DAYS}.")
    return context.now() + days * 86400


def _key(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > 20_000:
        raise Invalid("public_key: must be a key or a certificate as PEM text.")
    assertions.public_key(text)
    return {"kind": _KEY, "value": text, "hint": codes.digest(text)[:8]}


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "The service is unknown, or this is not its secret.",
        hint="An administrator makes a new one: POST /api/v1/services/NAME/secrets",
    )
