"""Workspaces, and what lies in one."""

from __future__ import annotations

from typing import Any

from lazur.errors import Conflict, NotFound, PreconditionFailed
from lazur.services.base import checks, events, rooms
from lazur.services.base.access import Resource
from lazur.services.base.events import Change
from lazur.services.base.home import DATASTORES, MOVABLE
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.spec.names import fold
from lazur.store import records, resources
from lazur.store import workspaces as store
from lazur.store.db import AnyRow, Taken
from lazur.store.mlflow import spaces
from lazur.store.pages import Query

DEFAULT = "default"


def open_workspace(
    context: Context, name: str, action: str, kind: str | None = None, about: str | None = None
) -> AnyRow:
    """The workspace's row, once `action` on `kind` (and the one named `about`) is allowed there.
    The first line of nearly every service."""
    context.require(action, Resource(name, kind, about))
    row = store.by_name(context.db, fold(name))
    if row is None or row.deleted_at is not None:
        raise NotFound(f"There is no workspace {name!r}.", hint="See: lazur workspace list")
    return row


def create(context: Context, spec: dict[str, Any]) -> dict[str, Any]:
    context.require("workspaces/write", Resource())
    name, values, warnings = rooms.check(context, store.WORKSPACE, spec)
    try:
        row_id = store.add(context.db, values)
    except Taken:
        raise _taken(context, name) from None
    spaces.add(context.db, row_id, context.now())
    away = MOVABLE if context.site.storage is not None else ()
    resources.add_built_in(context.db, row_id, DATASTORES, context.now(), away)
    row = store.by_name(context.db, fold(name))
    assert row is not None
    events.record(context, row, "workspaces", name, "created")
    return {**view(row), "warnings": warnings}


def get(context: Context, name: str) -> dict[str, Any]:
    return view(open_workspace(context, name, "workspaces/read"))


def find(context: Context, query: Query) -> dict[str, Any]:
    known = context.who.workspaces("workspaces/read")
    if known is not None and not known:
        context.require("workspaces/read", Resource())
    page = store.page(context.db, query, known)
    return {"value": [view(row) for row in page.rows], "next": page.next}


def update(
    context: Context, name: str, changes: dict[str, Any], etag: str | None = None
) -> dict[str, Any]:
    row = open_workspace(context, name, "workspaces/write")
    if etag not in (None, str(row.version)):
        raise PreconditionFailed(
            f"The workspace {name!r} has changed since you read it.", hint="Read it again."
        )
    values = checks.changes(changes, rooms.NOTES)
    store.change(context.db, row.id, **values)
    events.record(
        context,
        row,
        "workspaces",
        row.name,
        "updated",
        Change({field: getattr(row, field) for field in values}, values),
        fields=sorted(values),
    )
    return get(context, name)


def _taken(context: Context, name: str) -> Conflict:
    """After a statement that failed: PostgreSQL answers no other one in this transaction."""
    with context.site.context(write=False) as looking:
        row = store.by_name(looking.db, fold(name))
    if row is None or row.deleted_at is None:
        return Conflict(f"The workspace {name!r} exists already.")
    if row.purge_at is None or row.purge_at <= context.now():
        return Conflict(f"The workspace {name!r} is being purged.", hint="Try again in a moment.")
    return Conflict(
        f"The workspace {name!r} is in the trash until {iso(row.purge_at)}.",
        hint=f"Take it out: lazur workspace recover -n {row.name}. Or free its name, for good: "
        f"lazur workspace purge -n {row.name}",
    )


def ensure_default(context: Context) -> None:
    """What a new server starts with: one workspace, and this machine to compute on."""
    _belongs_here(context)
    if store.by_name(context.db, DEFAULT) is None:
        create(context, {"name": DEFAULT, "description": "Made at the first start."})
    if store.compute_by_name(context.db, "local") is None:
        values: dict[str, Any] = {
            "name": "local",
            "type": "local",
            "settings": {},
            "description": "The machine that the server runs on.",
            "created_at": context.now(),
            "version": 1,
        }
        store.add_compute(context.db, values)


def _belongs_here(context: Context) -> None:
    """Content lies in the home and what it means in the database, so the two are one."""
    owner = records.fact(context.db, "home")
    if owner is None:
        records.add_fact(context.db, "home", context.site.runner)
    elif owner != context.site.runner:
        raise Conflict(
            f"The database belongs to another home ({owner}, this one is {context.site.runner}).",
            hint="Servers share a database by sharing one LAZUR_HOME, with the roles `api` and "
            "`loops`. Nothing was changed.",
        )


def view(row: AnyRow) -> dict[str, Any]:
    return {"location": "local", **rooms.view(row, "workspaces")}
