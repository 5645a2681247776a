"""Users, groups and services."""

from __future__ import annotations

from typing import Any

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base import checks, events
from lazur.services.base.access import Resource
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.spec.names import check_person_name, fold
from lazur.store import people as store
from lazur.store.db import AnyRow, Taken
from lazur.store.pages import Query

KINDS = ("user", "group", "service")
_NOTES = ("display_name", "email")
_READ = "authorization/principals/read"
_WRITE = "authorization/principals/write"


def create(context: Context, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    context.require(_WRITE, Resource())
    if unknown := sorted(set(spec) - {"name", *_NOTES}):
        raise Invalid(
            f"A {kind} has no {unknown[0]!r}.", hint=f"Known: name, {', '.join(_NOTES)}."
        )
    return view(add(context, kind, spec.get("name"), **checks.changes(_notes(spec), _NOTES)))


def add(context: Context, kind: str, name: Any, **notes: Any) -> AnyRow:
    """Whoever calls has the right to."""
    name = checks.text("name", name, check_person_name)
    values = {
        "kind": kind,
        "name": name,
        "folded": fold(name),
        "disabled": False,
        "created_at": context.now(),
        "created_by": context.who.name,
        **notes,
    }
    try:
        store.add(context.db, values)
    except Taken:
        raise Conflict(
            f"There is a user, group or service called {name!r} already.",
            hint="Names are unique among all three.",
        ) from None
    events.record(context, None, "principals", name, "created", kind_of=kind, **notes)
    return find_row(context, name)


def get(context: Context, kind: str, name: str) -> dict[str, Any]:
    context.require(_READ, Resource())
    row = find_row(context, name, kind)
    shown = view(row)
    if kind == "group":
        shown["members"] = [_member(member) for member in store.members_of(context.db, row.id)]
    else:
        shown["groups"] = [group.name for group in store.groups_of(context.db, row.id)]
    return shown


def find(context: Context, kind: str, query: Query) -> dict[str, Any]:
    context.require(_READ, Resource())
    page = store.page(context.db, kind, query)
    return {"value": [view(row) for row in page.rows], "next": page.next}


def update(context: Context, kind: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Notes, and `disabled`: who is disabled comes in no more, from the next second on."""
    context.require(_WRITE, Resource())
    row = find_row(context, name, kind)
    values = checks.changes(changes, (*_NOTES, "disabled"))
    store.change(context.db, row.id, **values)
    if values.get("disabled"):
        keep_an_owner(context)
        store.drop_sessions_of(context.db, row.name)
    events.record(
        context,
        None,
        "principals",
        row.name,
        "updated",
        Change({field: getattr(row, field) for field in values}, values),
    )
    return view(find_row(context, name, kind))


def delete(context: Context, kind: str, name: str) -> None:
    """With their tokens, memberships and roles. What they made stays, under their name."""
    context.require("authorization/principals/delete", Resource())
    row = find_row(context, name, kind)
    store.drop(context.db, row)
    keep_an_owner(context)
    events.record(context, None, "principals", row.name, "deleted", kind_of=kind)


def add_member(context: Context, group: str, member: str) -> dict[str, Any]:
    """Twice is once."""
    context.require(_WRITE, Resource())
    into, who = find_row(context, group, "group"), find_row(context, member)
    if who.kind == "group":
        raise Invalid(f"{member!r} is a group: groups hold users and services.")
    if who.id not in {row.id for row in store.members_of(context.db, into.id)}:
        store.add_member(context.db, into.id, who.id)
        events.record(context, None, "principals", into.name, "member added", member=who.name)
    return get(context, "group", group)


def remove_member(context: Context, group: str, member: str) -> dict[str, Any]:
    context.require(_WRITE, Resource())
    out_of, who = find_row(context, group, "group"), find_row(context, member)
    if not store.drop_member(context.db, out_of.id, who.id):
        raise NotFound(f"{member!r} is not in the group {group!r}.")
    keep_an_owner(context)
    events.record(context, None, "principals", out_of.name, "member removed", member=who.name)
    return get(context, "group", group)


def find_row(context: Context, name: str, kind: str | None = None) -> AnyRow:
    row = store.by_name(context.db, fold(name))
    if row is None or (kind is not None and row.kind != kind):
        noun = kind or "user, group or service"
        raise NotFound(f"There is no {noun} {name!r}.", hint=f"See: lazur {kind or 'user'} list")
    return row


def keep_an_owner(context: Context) -> None:
    """Called after a change, which it takes back where nobody could undo it any more."""
    if not store.owners(context.db):
        raise Conflict(
            "Then nobody would own this server.",
            hint="Make somebody else an owner first: "
            "lazur role assignment create --assignee NAME --role Owner --scope /",
        )


def view(row: AnyRow) -> dict[str, Any]:
    return {
        "id": f"/{row.kind}s/{row.name}",
        "name": row.name,
        "kind": row.kind,
        "display_name": row.display_name or row.name,
        "email": row.email,
        "disabled": row.disabled,
        "signs_in_by": _way_in(row),
        "creation_context": {"created_at": iso(row.created_at), "created_by": row.created_by},
    }


def _member(row: AnyRow) -> dict[str, Any]:
    return {"name": row.name, "kind": row.kind, "claimed": row.claimed}


def _way_in(row: AnyRow) -> list[str]:
    ways = [("password", row.password), (str(row.issuer), row.subject)]
    return [name for name, there in ways if there] + (["token"] if row.kind != "group" else [])


def _notes(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in _NOTES if spec.get(key) is not None}
