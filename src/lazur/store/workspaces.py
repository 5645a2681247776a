"""Queries on workspaces and computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from lazur.engine.states import FINAL, State
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.prepared import Prepared
from lazur.store.tables import computes, jobs, workspaces

WORKSPACE = "workspace"
REGISTRY = "registry"
_ORDERS = {"name": workspaces.c.folded, "created_at": workspaces.c.created_at}


def add(db: Connection, values: Mapping[str, Any]) -> int:
    return db.execute(insert(workspaces).values(**values).returning(workspaces.c.id)).scalar_one()


def by_name(db: Connection, folded: str, kind: str = WORKSPACE) -> AnyRow | None:
    named = (workspaces.c.kind == kind, workspaces.c.folded == folded)
    return db.execute(select(workspaces).where(*named)).first()


def by_id(db: Connection, workspace_id: int) -> AnyRow | None:
    """A workspace or a registry."""
    return _BY_ID.first(db, {"wanted": workspace_id})


_BY_ID = Prepared(select(workspaces).where(workspaces.c.id == bindparam("wanted")))


def page(
    db: Connection,
    query: Query,
    only: frozenset[str] | None,
    kind: str = WORKSPACE,
    *,
    deleted: bool = False,
) -> Page:
    """Those of `only`, by their folded names; None: all. Either those that are there or those in
    the trash."""
    gone = workspaces.c.deleted_at
    stage = gone.is_not(None) if deleted else gone.is_(None)
    statement = select(workspaces).where(workspaces.c.kind == kind, stage)
    if only is not None:
        statement = statement.where(workspaces.c.folded.in_(only))
    return fetch(db, statement, query, _ORDERS, "name", workspaces.c.id)


def change(db: Connection, workspace_id: int, **values: Any) -> None:
    db.execute(
        update(workspaces)
        .where(workspaces.c.id == workspace_id)
        .values(version=workspaces.c.version + 1, **values)
    )


def due(db: Connection, now: float) -> Sequence[AnyRow]:
    """Those to purge."""
    return db.execute(select(workspaces).where(workspaces.c.purge_at <= now)).all()


def drop(db: Connection, workspace_id: int) -> None:
    """Once nothing else is left of it."""
    db.execute(delete(workspaces).where(workspaces.c.id == workspace_id))


def unfinished_jobs(db: Connection, workspace_id: int) -> Sequence[int]:
    return (
        db.execute(
            select(jobs.c.id).where(
                jobs.c.workspace_id == workspace_id, jobs.c.state.not_in([s.value for s in FINAL])
            )
        )
        .scalars()
        .all()
    )


def compute_by_name(db: Connection, name: str) -> AnyRow | None:
    return _COMPUTE.first(db, {"called": name})


_COMPUTE = Prepared(select(computes).where(computes.c.name == bindparam("called")))


def all_computes(db: Connection) -> Sequence[AnyRow]:
    return _ALL_COMPUTES.all(db)


_ALL_COMPUTES = Prepared(select(computes).order_by(computes.c.name))


def add_compute(db: Connection, values: Mapping[str, Any]) -> int:
    return db.execute(insert(computes).values(**values).returning(computes.c.id)).scalar_one()


def computes_wanted(db: Connection) -> Sequence[AnyRow]:
    """Those that jobs are queued on."""
    return _WANTED.all(db)


_WANTED = Prepared(
    select(computes)
    .where(exists().where(jobs.c.compute_id == computes.c.id, jobs.c.state == State.QUEUED.value))
    .order_by(computes.c.name)
)


def lock_compute(db: Connection, compute_id: int) -> None:
    """One dispatcher at a time per compute. SQLite's write transaction is that already."""
    if db.dialect.name != "sqlite":
        _LOCK_COMPUTE.first(db, {"wanted": compute_id})


_LOCK_COMPUTE = Prepared(
    select(computes.c.id).where(computes.c.id == bindparam("wanted")).with_for_update()
)
