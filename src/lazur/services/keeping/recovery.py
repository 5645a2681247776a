"""A way back in for who has the server's own files, when nobody else could open the door."""

from __future__ import annotations

import secrets
from typing import Any

from lazur.errors import Invalid
from lazur.services.base import checks, events
from lazur.services.base.access import Principal
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.people import assignments, people, tokens
from lazur.spec.names import check_person_name, fold
from lazur.store import people as store
from lazur.store.db import AnyRow

ADMIN = Principal.of("admin on this machine", "admin", "Owner")
"""Whoever may write the database may do everything; this is how it is in the audit log."""


def recover(context: Context, name: str | None, token: str | None) -> dict[str, Any]:
    """Make somebody (without a name: the account) an owner who may sign in. `token` is what lies
    in the home; where it does not let them in, the answer has a new one to put there."""
    row = _somebody(context, name or tokens.account())
    enabled = _enable(context, row)
    owned = store.assigned(context.db, row.id, "Owner", None) is not None
    assignments.give(context, row, "Owner", None)
    secret = None if token and _lets_in(context, token, row) else _token(context, row)
    done = {"enabled": enabled, "made_owner": not owned, "token_is_new": secret is not None}
    events.record(context, None, "principals", row.name, "recovered", **done)
    return {"name": row.name, **done, "token": secret}


def _somebody(context: Context, name: str) -> AnyRow:
    name = checks.text("name", name, check_person_name)
    row = store.by_name(context.db, fold(name))
    if row is None:
        return people.add(context, "user", name)
    if row.kind == "group":
        raise Invalid(f"{name!r} is a group: name a user.")
    return row


def _enable(context: Context, row: AnyRow) -> bool:
    if not row.disabled:
        return False
    store.change(context.db, row.id, disabled=False)
    change = Change({"disabled": True}, {"disabled": False})
    events.record(context, None, "principals", row.name, "updated", change)
    return True


def _lets_in(context: Context, token: str, row: AnyRow) -> bool:
    found = store.token(context.db, tokens.digest(token))
    if found is None or found.kind != "token" or found.principal != row.name:
        return False
    limited = found.role is not None or found.workspace is not None
    return not limited and found.expires_at is None


def _token(context: Context, row: AnyRow) -> str:
    secret, token_id = "lzr_" + secrets.token_urlsafe(32), secrets.token_hex(6)
    label = "of the server's home"
    values = {"digest": tokens.digest(secret), "id": token_id, "kind": "token"}
    whose = {"principal": row.name, "label": label, "created_at": context.now()}
    store.add_token(context.db, {**values, **whose})
    events.record(context, None, "tokens", row.name, "created", id=token_id, label=label)
    return secret
