"""Queries on OpenLineage events that are still to be sent: a row is written with what it tells of,
and goes once it has arrived."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.prepared import Prepared
from lazur.store.tables import lineage_posts, workspaces

_ADD = Prepared(insert(lineage_posts))


def add(db: Connection, workspace_id: int, job: str, what: str, at: float, due_at: float) -> None:
    values = {"workspace_id": workspace_id, "job": job, "type": what, "at": at}
    _ADD.touch(db, {**values, "tries": 0, "due_at": due_at})


_TAKE_DUE = leases.taking(lineage_posts)
_NEXT_DUE = leases.falling_due(lineage_posts)


def take(db: Connection, now: float, limit: int, owner: str) -> tuple[str, Sequence[AnyRow]]:
    """Those that are due, the oldest first."""
    token, ids = leases.take(db, _TAKE_DUE, now, limit, owner)
    statement = (
        select(lineage_posts, workspaces.c.name.label("workspace"))
        .join(workspaces, lineage_posts.c.workspace_id == workspaces.c.id)
        .where(lineage_posts.c.id.in_(ids))
    )
    return token, db.execute(statement.order_by(lineage_posts.c.id)).all()


def done(db: Connection, post_id: int, token: str) -> None:
    mine = (lineage_posts.c.id == post_id, lineage_posts.c.lease_token == token)
    db.execute(delete(lineage_posts).where(*mine))


def again(db: Connection, post: AnyRow, token: str, due_at: float) -> None:
    leases.apply(db, lineage_posts, post.id, token, tries=post.tries + 1, due_at=due_at)


def bring_forward(db: Connection, now: float, most: float) -> int:
    return leases.bring_forward(db, lineage_posts, now, most)


def next_due(db: Connection) -> float | None:
    return _NEXT_DUE.scalar(db)


def take_back(db: Connection, owner: str) -> None:
    leases.take_back(db, lineage_posts, owner)
