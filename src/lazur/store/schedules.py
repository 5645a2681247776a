"""Queries on schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update

from lazur.errors import Invalid
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.prepared import Prepared
from lazur.store.tables import schedules, ticks, tokens, workspaces

_PLACED = select(schedules, workspaces.c.name.label("workspace")).join(
    workspaces, workspaces.c.id == schedules.c.workspace_id
)
_ENABLED = {"enabled": True, "disabled": False, "all": None}


def add(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises Taken where the name is."""
    made = insert(schedules).values(**values).returning(schedules.c.id)
    return db.execute(made).scalar_one()


def by_name(db: Connection, workspace_id: int, folded: str) -> AnyRow | None:
    there = (schedules.c.workspace_id == workspace_id, schedules.c.folded == folded)
    return db.execute(_PLACED.where(*there)).first()


def by_id(db: Connection, schedule_id: int) -> AnyRow | None:
    return db.execute(_PLACED.where(schedules.c.id == schedule_id)).first()


def page(db: Connection, workspace_id: int, query: Query) -> Page:
    orders = {"name": schedules.c.folded, "created_at": schedules.c.created_at}
    statement = _PLACED.where(schedules.c.workspace_id == workspace_id)
    wanted = str(query.filters.get("state", "enabled"))
    if wanted not in _ENABLED:
        raise Invalid(f"state is {wanted!r}.", hint="Known: enabled, disabled, all.")
    if (enabled := _ENABLED[wanted]) is not None:
        statement = statement.where(schedules.c.is_enabled.is_(enabled))
    if (kind := query.filters.get("trigger")) is not None:
        statement = statement.where(schedules.c.trigger_type == kind)
    return fetch(db, statement, query, orders, "name", schedules.c.id)


def change(db: Connection, row: AnyRow, values: Mapping[str, Any]) -> bool:
    """Where it is still the version that was read."""
    there = (schedules.c.id == row.id, schedules.c.version == row.version)
    changed = update(schedules).where(*there).values(version=row.version + 1, **values)
    return db.execute(changed).rowcount == 1


def drop(db: Connection, row: AnyRow) -> bool:
    """With what became of its ticks."""
    db.execute(delete(ticks).where(ticks.c.schedule_id == row.id))
    there = (schedules.c.id == row.id, schedules.c.version == row.version)
    return db.execute(delete(schedules).where(*there)).rowcount == 1


def to_decide(db: Connection, now: float, slack: float, limit: int) -> Sequence[AnyRow]:
    """Those with ticks that are due; and those that somebody decided on whose clock was ahead."""
    due = or_(schedules.c.due_at <= now, schedules.c.decided > now + slack)
    return db.execute(
        _PLACED.where(
            due,
            schedules.c.due_at.is_not(None),
            schedules.c.is_enabled,
            workspaces.c.deleted_at.is_(None),
        )
        .order_by(schedules.c.due_at)
        .limit(limit)
    ).all()


def decide(db: Connection, row: AnyRow, decided: float, due_at: float | None) -> bool:
    """False: somebody else has decided meanwhile, or changed it."""
    seen = (
        schedules.c.id == row.id,
        schedules.c.version == row.version,
        schedules.c.decided == row.decided,
        schedules.c.is_enabled,
    )
    changed = update(schedules).where(*seen).values(decided=decided, due_at=due_at)
    return db.execute(changed).rowcount == 1


def next_due(db: Connection) -> float | None:
    found = (
        select(func.min(schedules.c.due_at))
        .join(workspaces, workspaces.c.id == schedules.c.workspace_id)
        .where(schedules.c.is_enabled, workspaces.c.deleted_at.is_(None))
    )
    return db.execute(found).scalar()


def listening(db: Connection, workspace_id: int, kind: str) -> Sequence[AnyRow]:
    """Those that events of a kind may fire."""
    return _LISTENING.all(db, {"room": workspace_id, "about": kind})


_LISTENING = Prepared(
    _PLACED.where(
        schedules.c.workspace_id == bindparam("room"),
        schedules.c.listens == bindparam("about"),
        schedules.c.is_enabled,
    )
)


def drop_keys(db: Connection, workspace: str, mark: str) -> None:
    """Of the schedule that has the mark among tokens."""
    theirs = (tokens.c.workspace == workspace, tokens.c.job == mark, tokens.c.kind == "hook")
    db.execute(delete(tokens).where(*theirs))
