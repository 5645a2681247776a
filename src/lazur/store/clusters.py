"""Queries on the computes that workspaces name themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from lazur.store.db import AnyRow
from lazur.store.jobs import IS_PLACED, under_way
from lazur.store.tables import clusters, computes, jobs

_ROW = select(clusters, computes.c.name.label("runs_on")).join(
    computes, computes.c.id == clusters.c.compute_id
)
_ITS_JOBS = and_(jobs.c.workspace_id == clusters.c.workspace_id, jobs.c.cluster == clusters.c.name)


def add(db: Connection, values: Mapping[str, Any]) -> None:
    """Raises Taken where the name is."""
    db.execute(insert(clusters).values(**values))


def by_name(db: Connection, workspace_id: int, folded: str) -> AnyRow | None:
    there = (clusters.c.workspace_id == workspace_id, clusters.c.folded == folded)
    return db.execute(_ROW.where(*there)).first()


def of_workspace(db: Connection, workspace_id: int) -> Sequence[AnyRow]:
    mine = clusters.c.workspace_id == workspace_id
    return db.execute(_ROW.where(mine).order_by(clusters.c.folded)).all()


def change(db: Connection, row: AnyRow, values: Mapping[str, Any]) -> bool:
    """Where it is still the version that was read."""
    changed = (
        update(clusters)
        .where(clusters.c.id == row.id, clusters.c.version == row.version)
        .values(**values, version=row.version + 1)
    )
    return db.execute(changed).rowcount == 1


def drop(db: Connection, cluster_id: int) -> None:
    db.execute(delete(clusters).where(clusters.c.id == cluster_id))


def lock(db: Connection, cluster_id: int) -> bool:
    """Whoever sends a job there and whoever deletes it come one after the other; False where it is
    gone by then. SQLite's write transaction is that already."""
    held = select(clusters.c.id).where(clusters.c.id == cluster_id).with_for_update()
    return db.execute(held).first() is not None


def counts(db: Connection, workspace_id: int) -> dict[str, dict[str, int]]:
    """Jobs that wait or run, by cluster and state."""
    mine = under_way(jobs.c.workspace_id, workspace_id)
    rows = db.execute(
        select(jobs.c.cluster, jobs.c.state, func.count())
        .where(mine, jobs.c.cluster != "")
        .group_by(jobs.c.cluster, jobs.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(str(row.cluster), {})[str(row.state)] = int(row[2])
    return found


def held(db: Connection, compute_id: int | None = None) -> Sequence[AnyRow]:
    """Of each cluster: its bound, and how many nodes of its jobs run."""
    running = func.coalesce(func.sum(jobs.c.nodes), 0).label("running")
    found = (
        select(
            clusters.c.workspace_id,
            clusters.c.name,
            clusters.c.nodes,
            clusters.c.stopped,
            running,
        )
        .outerjoin(jobs, and_(_ITS_JOBS, IS_PLACED))
        .group_by(clusters.c.id)
    )
    if compute_id is not None:
        found = found.where(clusters.c.compute_id == compute_id)
    return db.execute(found).all()
