"""Queries on what takes up room: whose it is, and from when to when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Text, bindparam, cast, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from lazur.store.db import AnyRow
from lazur.store.prepared import Prepared
from lazur.store.tables import assets, containers, jobs, schedules, stored, trees, workspaces

TREE, RUN, PATH, PLACE = "tree", "run", "path", "place"
"""A path is an artifact that belongs to no run; a place is `<datastore>/<path>`, which somebody
chose for an output."""
_ROWS = 500


class Thing(NamedTuple):
    """A tree, by its digest, or what a run wrote, by its id. Whose it is was settled by who
    brought it there first."""

    workspace_id: int
    kind: str
    name: str
    person: str
    experiment_name: str | None = None


def live(db: Connection, workspace_id: int, kind: str, name: str) -> AnyRow | None:
    return _LIVE.first(db, {"room": workspace_id, "sort": kind, "called": name})


_LIVE = Prepared(
    select(stored).where(
        stored.c.workspace_id == bindparam("room"),
        stored.c.kind == bindparam("sort"),
        stored.c.name == bindparam("called"),
        stored.c.gone_at.is_(None),
    )
)
"""Asked at every submit."""


def add(db: Connection, thing: Thing, size: int, now: float) -> bool:
    """False: it is there already."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    made = dialect.insert(stored).values(**thing._asdict(), bytes=size, at=now)
    added = made.on_conflict_do_nothing().returning(stored.c.id)
    return db.execute(added).first() is not None


def resize(db: Connection, row: AnyRow, size: int, now: float) -> None:
    """From now on it takes up so much. What it took until now is kept."""
    if row.bytes == size:
        return
    end(db, [row.id], now)
    kept = (row.workspace_id, row.kind, row.name, row.person, row.experiment_name)
    values = dict(zip(Thing._fields, kept, strict=True))
    db.execute(insert(stored).values(**values, bytes=size, at=now))


def put(db: Connection, row: AnyRow, size: int) -> None:
    """It has changed so lately that no two rows are needed."""
    db.execute(update(stored).where(stored.c.id == row.id).values(bytes=size))


def end(db: Connection, ids: Collection[int], now: float) -> None:
    ended = update(stored).where(stored.c.id.in_(ids), stored.c.gone_at.is_(None))
    db.execute(ended.values(gone_at=now))


def used(db: Connection, workspace_id: int | None, person: str | None) -> int:
    """Bytes, of a workspace or a person or both."""
    total = select(func.coalesce(func.sum(stored.c.bytes), 0)).where(stored.c.gone_at.is_(None))
    if workspace_id is not None:
        total = total.where(stored.c.workspace_id == workspace_id)
    if person is not None:
        total = total.where(stored.c.person == person)
    return int(db.execute(total).scalar_one())


def within(db: Connection, workspace_id: int, kind: str, prefix: str) -> Sequence[AnyRow]:
    """What is counted now, and whose name begins so."""
    return db.execute(
        select(stored).where(
            stored.c.workspace_id == workspace_id,
            stored.c.kind == kind,
            stored.c.gone_at.is_(None),
            func.substr(stored.c.name, 1, len(prefix)) == prefix,
        )
    ).all()


def places(db: Connection) -> Sequence[AnyRow]:
    """All that are counted now, with the names of their workspaces."""
    return db.execute(
        select(stored, workspaces.c.name.label("workspace"))
        .join(workspaces, workspaces.c.id == stored.c.workspace_id)
        .where(stored.c.kind == PLACE, stored.c.gone_at.is_(None))
    ).all()


def size_of_tree(db: Connection, digest: str) -> int:
    return db.execute(select(trees.c.size).where(trees.c.digest == digest)).scalar() or 0


def rooms_with_trees(db: Connection) -> list[int]:
    kept = (stored.c.kind == TREE, stored.c.gone_at.is_(None))
    return list(db.execute(select(stored.c.workspace_id).where(*kept).distinct()).scalars())


def trees_in(db: Connection, workspace_id: int, before: float) -> Sequence[AnyRow]:
    return db.execute(
        select(stored.c.id, stored.c.name).where(
            stored.c.workspace_id == workspace_id,
            stored.c.kind == TREE,
            stored.c.gone_at.is_(None),
            stored.c.at < before,
        )
    ).all()


def specs(db: Connection, workspace_id: int) -> Iterator[str]:
    """Everything in a workspace that may mention a tree, as text."""
    of_assets = (
        select(cast(assets.c.spec, Text))
        .join(containers, containers.c.id == assets.c.container_id)
        .where(containers.c.workspace_id == workspace_id)
    )
    of_jobs = select(cast(jobs.c.spec, Text)).where(jobs.c.workspace_id == workspace_id)
    of_schedules = select(cast(schedules.c.spec, Text)).where(
        schedules.c.workspace_id == workspace_id
    )
    for statement in (of_assets, of_jobs, of_schedules):
        yield from db.execute(statement.execution_options(yield_per=_ROWS)).scalars()


def is_run(db: Connection, name: str) -> bool:
    """Or a logged model."""
    known = text(
        """SELECT 1 FROM runs WHERE run_uuid = :name
           UNION ALL SELECT 1 FROM logged_models WHERE model_id = :name"""
    )
    return db.execute(known, {"name": name}).first() is not None


def runs_gone(db: Connection) -> list[int]:
    """Rows of runs and logged models that were erased."""
    found = db.execute(
        text(
            """SELECT id FROM lazur_stored WHERE kind = 'run' AND gone_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM runs WHERE run_uuid = lazur_stored.name)
               AND NOT EXISTS (SELECT 1 FROM logged_models WHERE model_id = lazur_stored.name)"""
        )
    )
    return list(found.scalars())


def room(db: Connection, workspace_id: int) -> str:
    """The workspace's name."""
    named = select(workspaces.c.name).where(workspaces.c.id == workspace_id)
    return db.execute(named).scalar_one()
