"""Queries on quotas, and on what is held under them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from lazur.engine.quotas import EACH, Quota
from lazur.store.db import AnyRow
from lazur.store.jobs import IS_PLACED
from lazur.store.prepared import Prepared
from lazur.store.tables import (
    assignments,
    computes,
    jobs,
    members,
    principals,
    quotas,
    stored,
    workspaces,
)

_OWNER = "Owner"


def of(
    db: Connection,
    names: Collection[str],
    workspace_id: int | None = None,
    person: str | None = None,
    *,
    lock: bool = False,
) -> list[Quota]:
    """All, or those that may hold in a workspace, for a person. With `lock`, whoever admits by
    the same quota waits until this transaction ends: two cannot take the same last place.
    (SQLite's write transaction is that already.) By name, as all who lock several do."""
    rows = [
        row
        for row in _EVERY.all(db)
        if row.name in names
        and (workspace_id is None or row.workspace_id in (None, workspace_id))
        and (person is None or row.principal in ("", EACH, person))
    ]
    if lock and rows:
        held = _ALL.where(quotas.c.id.in_([row.id for row in rows])).with_for_update()
        rows = db.execute(held).all()
    return [
        Quota(row.id, row.workspace_id, row.principal, row.level, row.name, row.most)
        for row in rows
    ]


_ALL = select(quotas).order_by(quotas.c.name, quotas.c.id)
_EVERY = Prepared(_ALL)
"""There are few, and most servers have none: the same statement each time costs least."""


def running(db: Connection) -> Sequence[AnyRow]:
    """Who holds how much where: (workspace_id, created_by, jobs, cpus, memory, gpus)."""
    whose = (jobs.c.workspace_id, jobs.c.created_by)
    sums = (func.sum(column).label(column.name) for column in _HELD)
    return db.execute(
        select(*whose, func.count().label("jobs"), *sums)
        .where(IS_PLACED, jobs.c.compute_id > 0)
        .group_by(*whose)
    ).all()


_HELD = (jobs.c.cpus, jobs.c.memory, jobs.c.gpus)


def waiting(db: Connection, workspace_id: int | None = None) -> Sequence[AnyRow]:
    """Who has how many jobs waiting, everywhere or there: (workspace_id, created_by, jobs). Steps
    wait with what they are part of."""
    whose = (jobs.c.workspace_id, jobs.c.created_by)
    wanted = select(*whose, func.count().label("jobs")).where(
        jobs.c.ended_at.is_(None), jobs.c.placed.is_(False), jobs.c.step.is_(None)
    )
    if workspace_id is not None:
        wanted = wanted.where(jobs.c.workspace_id == workspace_id)
    return db.execute(wanted.group_by(*whose)).all()


def keeping(db: Connection) -> Sequence[AnyRow]:
    """Who has stored how much where: (workspace_id, person, bytes)."""
    whose = (stored.c.workspace_id, stored.c.person)
    return db.execute(
        select(*whose, func.sum(stored.c.bytes).label("bytes"))
        .where(stored.c.gone_at.is_(None))
        .group_by(*whose)
    ).all()


def rows(db: Connection, place: AnyRow | None, *, everywhere: bool = False) -> Sequence[AnyRow]:
    """Those that were set for a workspace, for the server alone, or all."""
    wanted = (
        select(quotas, workspaces.c.name.label("workspace"))
        .join(workspaces, workspaces.c.id == quotas.c.workspace_id, isouter=True)
        .order_by(quotas.c.workspace_id, quotas.c.principal, quotas.c.name, quotas.c.level)
    )
    if everywhere:
        return db.execute(wanted).all()
    here = quotas.c.workspace_id == place.id if place is not None else None
    server = quotas.c.workspace_id.is_(None)
    return db.execute(wanted.where(server if here is None else or_(here, server))).all()


def one(
    db: Connection, workspace_id: int | None, principal: str, level: str, name: str
) -> AnyRow | None:
    return db.execute(select(quotas).where(*_key(workspace_id, principal, level, name))).first()


def put(
    db: Connection,
    workspace_id: int | None,
    principal: str,
    level: str,
    name: str,
    values: Mapping[str, Any],
) -> None:
    """Raises Taken where somebody else has just put it."""
    key = _key(workspace_id, principal, level, name)
    if db.execute(update(quotas).where(*key).values(**values)).rowcount:
        return
    named = {"workspace_id": workspace_id, "principal": principal, "level": level, "name": name}
    db.execute(insert(quotas).values(**named, **values))


def drop(db: Connection, workspace_id: int | None, principal: str, level: str, name: str) -> bool:
    return (
        db.execute(delete(quotas).where(*_key(workspace_id, principal, level, name))).rowcount > 0
    )


def owners(db: Connection, workspace_id: int | None, most: int) -> list[str]:
    """Names of those who own a workspace, or the server, themselves or through a group."""
    place = assignments.c.workspace_id
    here = place.is_(None) if workspace_id is None else place == workspace_id
    holds = and_(assignments.c.role == _OWNER, here)
    direct = select(assignments.c.principal_id).where(holds)
    through = (
        select(members.c.member_id)
        .join(assignments, assignments.c.principal_id == members.c.group_id)
        .where(holds)
    )
    named = select(principals.c.name).where(
        principals.c.kind == "user",
        principals.c.disabled.is_(False),
        or_(principals.c.id.in_(direct), principals.c.id.in_(through)),
    )
    return list(db.execute(named.order_by(principals.c.id).limit(most)).scalars())


def computes_waited_for(db: Connection) -> list[str]:
    """Names of those that have queued jobs."""
    queued: Select[Any] = (
        select(computes.c.name)
        .join(jobs, jobs.c.compute_id == computes.c.id)
        .where(jobs.c.state == "Queued")
        .distinct()
    )
    return list(db.execute(queued).scalars())


def _key(
    workspace_id: int | None, principal: str, level: str, name: str
) -> tuple[ColumnElement[bool], ...]:
    place = quotas.c.workspace_id
    return (
        place.is_(None) if workspace_id is None else place == workspace_id,
        quotas.c.principal == principal,
        quotas.c.level == level,
        quotas.c.name == name,
    )
