"""Queries on what came of what. Homes are ids of workspaces and registries, and 0 for what comes
with Lazur; what they name may be gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, update

from lazur.engine.lineage import URIS, Edge, Node
from lazur.store.db import AnyRow
from lazur.store.mlflow import sql
from lazur.store.tables import (
    assets,
    containers,
    events,
    jobs,
    lineage,
    schedules,
    workspaces,
)

_AT_ONCE = 100
_MANY = 10_000
_ROLE = 300
_SOURCE = (
    lineage.c.source_home,
    lineage.c.source_kind,
    lineage.c.source_name,
    lineage.c.source_version,
)
_TARGET = (
    lineage.c.target_home,
    lineage.c.target_kind,
    lineage.c.target_name,
    lineage.c.target_version,
)
_COLUMNS = {
    **dict.fromkeys((f"{end}_home" for end in ("source", "target")), "bigint"),
    **{
        f"{end}_{part}": "text"
        for end in ("source", "target")
        for part in ("kind", "name", "version")
    },
    "role": "text",
    "at": "double precision",
    "who": "text",
}


def add(db: Connection, edges: Iterable[Edge], at: float, who: str) -> None:
    """All in one statement. Twice is once: the first is kept."""
    rows = [_values(edge, at, who) for edge in dict.fromkeys(edges)]
    sql.insert(db, "lazur_lineage", _COLUMNS, rows, "ON CONFLICT DO NOTHING")


def of(db: Connection, nodes: Collection[Node], *, up: bool, most: int) -> list[Edge]:
    """Edges into the nodes (`up`) or out of them, the oldest first; of more than `most` some."""
    ends, wanted = _TARGET if up else _SOURCE, list(nodes)
    found: list[AnyRow] = []
    for start in range(0, len(wanted), _AT_ONCE):
        piece = wanted[start : start + _AT_ONCE]
        statement = select(lineage).where(_any(ends, piece)).limit(most - len(found) + 1)
        found += db.execute(statement)
        if len(found) > most:
            break
    return [_edge(row) for row in sorted(found, key=lambda row: row.id)]


def is_known(db: Connection, node: Node) -> bool:
    """Whether anything came of it, or it of anything."""
    return any(of(db, [node], up=up, most=1) for up in (True, False))


def purged(db: Connection, node: Node) -> Node | None:
    """The last of this name that was purged."""
    found: list[Node] = []
    for home, kind, name, version in (_SOURCE, _TARGET):
        rows = db.execute(
            select(home, kind, name, version)
            .where(home == node.home, kind == node.kind, name == node.name)
            .where(version.startswith(f"{node.version}#", autoescape=True))
            .distinct()
        )
        found += [Node(*row) for row in rows]
    return max(found, key=lambda one: one.purged_at or 0.0, default=None)


def bury(db: Connection, node: Node, now: float) -> None:
    """It is purged. Where something came of it, it stays as a name that no other will get; else it
    goes, and so does what was only still known for its sake."""
    for edge in of(db, [node], up=False, most=_MANY):
        if edge.target.kind == URIS and not of(db, [edge.target], up=False, most=1):
            db.execute(delete(lineage).where(_is(_TARGET, edge.target), _is(_SOURCE, node)))
    if of(db, [node], up=False, most=1):
        _rename(db, node, node.purged(now))
    else:
        _forget(db, node)


def rename_asset(db: Connection, home: int, kind: str, old: str, new: str) -> None:
    """All versions of it."""
    for columns in (_SOURCE, _TARGET):
        place, family, name, _ = columns
        named = (place == home, family == kind, name == old)
        db.execute(update(lineage).where(*named).values({name: new}))


def _forget(db: Connection, node: Node) -> None:
    waiting = [node]
    while waiting:
        leaf = waiting.pop()
        above = {edge.source for edge in of(db, [leaf], up=True, most=_MANY)}
        db.execute(delete(lineage).where(_is(_TARGET, leaf)))
        waiting += [
            source
            for source in above
            if source.purged_at is not None and not of(db, [source], up=False, most=1)
        ]


def _rename(db: Connection, old: Node, new: Node) -> None:
    for columns in (_SOURCE, _TARGET):
        values = {column.name: value for column, value in zip(columns, new, strict=True)}
        db.execute(update(lineage).where(_is(columns, old)).values(**values))


def drop_home(db: Connection, home: int) -> int:
    """Everything about a workspace or registry. Returns how many edges."""
    about = or_(lineage.c.source_home == home, lineage.c.target_home == home)
    return db.execute(delete(lineage).where(about)).rowcount


def sources_above(db: Connection, home: int, kind: str, names: Sequence[str]) -> list[Node]:
    """Those of the nodes that something was written to."""
    if not names:
        return []
    statement = (
        select(*_TARGET)
        .where(_any(_TARGET, [Node(home, kind, name) for name in names]))
        .distinct()
    )
    return [Node(*row) for row in db.execute(statement)]


def homes(db: Connection, ids: Collection[int]) -> dict[int, AnyRow]:
    rows = db.execute(select(workspaces).where(workspaces.c.id.in_(ids)))
    return {row.id: row for row in rows}


def jobs_of(db: Connection, nodes: Collection[Node]) -> dict[Node, AnyRow]:
    """What is there of them now."""
    rows = _pieces(
        db,
        select(
            jobs.c.workspace_id,
            jobs.c.name,
            jobs.c.state,
            jobs.c.type,
            jobs.c.experiment_name,
            jobs.c.display_name,
            jobs.c.run_id,
            jobs.c.archived,
            jobs.c.created_at,
            jobs.c.created_by,
            jobs.c.started_at,
            jobs.c.ended_at,
        ),
        (jobs.c.workspace_id, jobs.c.name),
        [(node.home, node.name) for node in nodes],
    )
    return {Node(row.workspace_id, "jobs", row.name): row for row in rows}


def schedules_of(db: Connection, nodes: Collection[Node]) -> dict[Node, AnyRow]:
    rows = _pieces(
        db,
        select(
            schedules.c.workspace_id,
            schedules.c.name,
            schedules.c.is_enabled,
            schedules.c.created_at,
            schedules.c.created_by,
        ),
        (schedules.c.workspace_id, schedules.c.name),
        [(node.home, node.name) for node in nodes],
    )
    return {Node(row.workspace_id, "schedules", row.name): row for row in rows}


def assets_of(db: Connection, nodes: Collection[Node]) -> dict[Node, AnyRow]:
    """What is there of them now, in the trash too."""
    rows = _pieces(
        db,
        select(
            containers.c.workspace_id,
            containers.c.kind,
            containers.c.name,
            assets.c.version,
            assets.c.digest,
            assets.c.description,
            assets.c.deleted_at,
            assets.c.created_at,
            assets.c.created_by,
            (assets.c.archived | containers.c.archived).label("archived"),
        ).join(containers, assets.c.container_id == containers.c.id),
        (containers.c.workspace_id, containers.c.kind, containers.c.name, assets.c.version),
        [tuple(node) for node in nodes],
    )
    return {Node(row.workspace_id, row.kind, row.name, row.version): row for row in rows}


def purges_of(db: Connection, nodes: Collection[Node]) -> list[AnyRow]:
    """Who purged what is no longer there; the latest last."""
    about = (events.c.workspace_id, events.c.kind, events.c.name)
    statement = select(events).where(events.c.type == "purged")
    named = list({(node.home, node.kind, node.name) for node in nodes})
    return sorted(_pieces(db, statement, about, named), key=lambda row: row.id)


def _pieces(
    db: Connection, statement: Any, key: Sequence[Any], wanted: Sequence[tuple[Any, ...]]
) -> list[AnyRow]:
    found: list[AnyRow] = []
    for start in range(0, len(wanted), _AT_ONCE):
        found += db.execute(statement.where(_any(key, wanted[start : start + _AT_ONCE])))
    return found


def _any(columns: Sequence[Any], keys: Iterable[tuple[Any, ...]]) -> Any:
    """Each by the index. SQLite reads the whole table for `(a, b) IN (VALUES …)`, and for an order
    by id."""
    return or_(*(_is(columns, key) for key in keys))


def _is(columns: Sequence[Any], key: tuple[Any, ...]) -> Any:
    return and_(*(column == value for column, value in zip(columns, key, strict=True)))


def _values(edge: Edge, at: float, who: str) -> list[Any]:
    source, target = edge.source, edge.target
    return [source.home, target.home, *source[1:], *target[1:], edge.role[:_ROLE], at, who]


def _edge(row: AnyRow) -> Edge:
    source = Node(row.source_home, row.source_kind, row.source_name, row.source_version)
    target = Node(row.target_home, row.target_kind, row.target_name, row.target_version)
    return Edge(source, target, row.role, row.at, row.who)
