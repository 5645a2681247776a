"""Registries: rooms that hold assets only, for all workspaces that may read them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from lazur.errors import Conflict, Invalid, NotFound
from lazur.kinds.assets import curated
from lazur.services.base import checks, events, rooms
from lazur.services.base.access import Resource
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.spec.names import fold
from lazur.store import workspaces as store
from lazur.store.db import AnyRow, Taken
from lazur.store.pages import Query
from lazur.store.workspaces import REGISTRY

BUILT_IN = curated.REGISTRY


def open_registry(
    context: Context, name: str, action: str, kind: str | None = None, about: str | None = None
) -> AnyRow:
    """The registry's row, once `action` is allowed there. Everybody may read the built-in one."""
    if not (fold(name) == BUILT_IN and action.endswith("/read")):
        context.require(action, Resource(registry=name, kind=kind, name=about))
    if fold(name) == BUILT_IN and not action.endswith("/read"):
        raise Invalid(
            f"The registry {BUILT_IN!r} comes with Lazur and is not changed.",
            hint="Make one of your own: lazur registry create -n NAME",
        )
    if fold(name) == BUILT_IN:
        return _built_in()
    row = store.by_name(context.db, fold(name), REGISTRY)
    if row is None or row.deleted_at is not None:
        raise NotFound(f"There is no registry {name!r}.", hint="See: lazur registry list")
    return row


def create(context: Context, spec: dict[str, Any]) -> dict[str, Any]:
    context.require("registries/write", Resource())
    name, values, warnings = rooms.check(context, REGISTRY, spec)
    if fold(name) == BUILT_IN:
        raise Conflict(f"The registry {BUILT_IN!r} comes with Lazur.")
    row = store.by_name(context.db, fold(name), REGISTRY)
    if row is not None and row.deleted_at is not None:
        return _recovered(context, row, warnings)
    try:
        store.add(context.db, values)
    except Taken:
        raise Conflict(f"The registry {name!r} exists already.") from None
    row = store.by_name(context.db, fold(name), REGISTRY)
    assert row is not None
    events.record(context, row, "registries", name, "created")
    return {**view(row), "warnings": warnings}


def _recovered(context: Context, row: AnyRow, warnings: list[str]) -> dict[str, Any]:
    """One that was deleted comes back when it is made again: its name stays its own."""
    store.change(context.db, row.id, deleted_at=None)
    events.record(context, row, "registries", row.name, "recovered")
    back = f"The registry {row.name!r} had been deleted. It is back, with all that it held."
    again = store.by_name(context.db, row.folded, REGISTRY)
    assert again is not None
    return {**view(again), "warnings": [*warnings, back]}


def _built_in() -> AnyRow:
    """What comes with Lazur is no row: it is the same on every server, and changes with it."""
    about = "Environments that come with Lazur, by the names that Azure's examples use."
    made = SimpleNamespace(
        id=0,
        kind=REGISTRY,
        name=BUILT_IN,
        display_name=None,
        description=about,
        tags={},
        settings={},
        created_at=None,
        created_by="lazur",
        version=1,
    )
    return cast("AnyRow", made)


def get(context: Context, name: str) -> dict[str, Any]:
    return view(open_registry(context, name, "registries/read"))


def find(context: Context, query: Query) -> dict[str, Any]:
    """Those that one may read, and the built-in one."""
    context.require("registries/read", Resource())
    known = context.who.registries("registries/assets/read")
    page = store.page(context.db, query, known, REGISTRY)
    first = [] if query.cursor else [_built_in()]
    return {"value": [view(row) for row in [*first, *page.rows]], "next": page.next}


def update(context: Context, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    row = open_registry(context, name, "registries/write")
    values = checks.changes(changes, rooms.NOTES)
    store.change(context.db, row.id, **values)
    before = {field: getattr(row, field) for field in values}
    events.record(context, row, "registries", row.name, "updated", Change(before, values))
    return view(open_registry(context, name, "registries/write"))


def delete(context: Context, name: str) -> None:
    """Soft: the name stays taken, and jobs that have resolved its assets run on."""
    row = open_registry(context, name, "registries/delete")
    store.change(context.db, row.id, deleted_at=context.now())
    events.record(context, row, "registries", row.name, "deleted")


def view(row: AnyRow) -> dict[str, Any]:
    return rooms.view(row, "registries")
