"""Queries on ticks: what falls due, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.tables import jobs, ticks

DUE, FIRED, FAILED, SKIPPED = "due", "fired", "failed", "skipped"
_DEEPEST = 64


def add(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises Taken where the schedule has one with the key."""
    return db.execute(insert(ticks).values(**values).returning(ticks.c.id)).scalar_one()


def by_key(db: Connection, schedule_id: int, key: str) -> AnyRow | None:
    there = (ticks.c.schedule_id == schedule_id, ticks.c.key == key)
    return db.execute(select(ticks).where(*there)).first()


def keys(db: Connection, schedule_id: int, wanted: Sequence[str]) -> set[str]:
    """Those of them that are there."""
    there = (ticks.c.schedule_id == schedule_id, ticks.c.key.in_(wanted))
    return set(db.execute(select(ticks.c.key).where(*there)).scalars())


def page(db: Connection, schedule_id: int, query: Query) -> Page:
    statement = select(ticks).where(ticks.c.schedule_id == schedule_id)
    if (state := query.filters.get("state")) is not None:
        statement = statement.where(ticks.c.state == state)
    return fetch(db, statement, query, {"created_at": ticks.c.id}, "-created_at", ticks.c.id)


def last(db: Connection, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Of each schedule the tick that was written last."""
    newest = select(func.max(ticks.c.id)).where(ticks.c.schedule_id.in_(ids))
    rows = db.execute(select(ticks).where(ticks.c.id.in_(newest.group_by(ticks.c.schedule_id))))
    return {row.schedule_id: row for row in rows}


_TAKE_DUE = leases.taking(ticks)
_NEXT_DUE = leases.falling_due(ticks)


def take(db: Connection, now: float, limit: int, owner: str) -> tuple[str, Sequence[AnyRow]]:
    """Those that are due, the oldest first."""
    token, ids = leases.take(db, _TAKE_DUE, now, limit, owner)
    rows = db.execute(select(ticks).where(ticks.c.id.in_(ids)).order_by(ticks.c.at, ticks.c.id))
    return token, rows.all()


def bring_forward(db: Connection, now: float, most: float) -> None:
    """Those that nobody would look at for longer than that: a clock that was ahead wrote them."""
    leases.bring_forward(db, ticks, now, most)


def end(db: Connection, tick_id: int, token: str, now: float, state: str, **values: Any) -> bool:
    """False: the lease was lost, and somebody else has it."""
    return leases.apply(
        db, ticks, tick_id, token, state=state, ended_at=now, due_at=None, **values
    )


def again(db: Connection, tick: AnyRow, token: str, due_at: float, reason: str) -> None:
    leases.apply(db, ticks, tick.id, token, tries=tick.tries + 1, due_at=due_at, reason=reason)


def next_due(db: Connection) -> float | None:
    return _NEXT_DUE.scalar(db)


def take_back(db: Connection, owner: str) -> None:
    leases.take_back(db, ticks, owner)


def skip_waiting(db: Connection, schedule_id: int, now: float, reason: str) -> None:
    """Those that nobody has taken up yet."""
    waiting = (ticks.c.schedule_id == schedule_id, ticks.c.state == DUE)
    ended = {"state": SKIPPED, "ended_at": now, "due_at": None, "reason": reason}
    db.execute(update(ticks).where(*waiting).values(**ended, lease_token=None, lease_until=None))


def skipped_after(db: Connection, schedule_id: int, now: float) -> Sequence[AnyRow]:
    """Left out by somebody whose clock was ahead."""
    late = (ticks.c.schedule_id == schedule_id, ticks.c.state == SKIPPED, ticks.c.until > now)
    return db.execute(select(ticks).where(*late, ticks.c.cause == "time")).all()


def shorten(db: Connection, tick_id: int, until: float, count: int) -> None:
    db.execute(update(ticks).where(ticks.c.id == tick_id).values(until=until, number=count))


def drop(db: Connection, tick_id: int) -> None:
    db.execute(delete(ticks).where(ticks.c.id == tick_id))


def count(db: Connection, schedule_id: int, cause: str, since: float) -> int:
    """How often it was fired, or was to be, since then."""
    there = (ticks.c.schedule_id == schedule_id, ticks.c.cause == cause)
    asked = select(func.count()).where(*there, ticks.c.created_at > since)
    return db.execute(asked.where(ticks.c.state != SKIPPED)).scalar_one()


def add_to_skipped(
    db: Connection, schedule_id: int, reason: str, now: float, since: float
) -> bool:
    """One more of a row of those that were left out for the same reason. False: there is none."""
    newest = select(func.max(ticks.c.id)).where(ticks.c.schedule_id == schedule_id)
    same = (ticks.c.state == SKIPPED, ticks.c.reason == reason, ticks.c.created_at > since)
    changed = (
        update(ticks)
        .where(ticks.c.id == newest.scalar_subquery(), *same)
        .values(number=ticks.c.number + 1, until=now)
    )
    return db.execute(changed).rowcount == 1


def chain_of(db: Connection, workspace_id: int, job: str) -> list[int]:
    """The schedules that this job is due to, the first one first: by its own tick, or that of a
    job that it is a part of."""
    for _ in range(_DEEPEST):
        found = select(ticks).where(ticks.c.workspace_id == workspace_id, ticks.c.job == job)
        tick = db.execute(found.limit(1)).first()
        if tick is not None:
            return [*tick.chain, tick.schedule_id]
        parent = jobs.alias("parent")
        above = (
            select(parent.c.name)
            .join(jobs, jobs.c.parent_id == parent.c.id)
            .where(jobs.c.workspace_id == workspace_id, jobs.c.name == job)
        )
        name = db.execute(above).scalar()
        if name is None:
            return []
        job = name
    return []


def forget_before(db: Connection, at: float, limit: int = 1000) -> bool:
    """What became of ticks long ago. True: there may be more."""
    old = select(ticks.c.id).where(ticks.c.ended_at < at).order_by(ticks.c.ended_at).limit(limit)
    return db.execute(delete(ticks).where(ticks.c.id.in_(old))).rowcount == limit
