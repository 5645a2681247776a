"""Queries on what jobs held, on stored bytes over time, and on prices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from lazur.engine.states import FINAL
from lazur.store.db import AnyRow
from lazur.store.jobs import IS_PLACED
from lazur.store.prepared import Prepared
from lazur.store.tables import assets as all_assets
from lazur.store.tables import (
    computes,
    containers,
    jobs,
    prices,
    stored,
    trees,
    uses,
    workspaces,
)


@dataclass(frozen=True)
class Span:
    """Of time, and of whose use. None: of all."""

    start: float
    end: float
    workspace_id: int | None = None
    person: str | None = None


_GROUPS: dict[str, tuple[tuple[Column[Any], ...], tuple[Column[Any], ...]]] = {
    "person": ((uses.c.person,), (stored.c.person,)),
    "workspace": ((workspaces.c.name,), (workspaces.c.name,)),
    "experiment": (
        (workspaces.c.name, uses.c.experiment_name),
        (workspaces.c.name, stored.c.experiment_name),
    ),
    "job": ((workspaces.c.name, uses.c.run_id), (workspaces.c.name, stored.c.name)),
}
"""What a line is about: of what jobs held, and of what is stored."""


def record(db: Connection, values: Mapping[str, Any]) -> None:
    """Twice is once."""
    _RECORD[db.dialect.name].touch(db, values)


_RECORD = {
    "postgresql": Prepared(postgresql.insert(uses).on_conflict_do_nothing()),
    "sqlite": Prepared(sqlite.insert(uses).on_conflict_do_nothing()),
}


_UNWEIGHED = text("NOT lazur_uses.weighed")
"""As the index of these has it."""


def unweighed(db: Connection, limit: int) -> Sequence[AnyRow]:
    return db.execute(
        select(uses, workspaces.c.name.label("workspace"))
        .join(workspaces, workspaces.c.id == uses.c.workspace_id)
        .where(_UNWEIGHED)
        .order_by(uses.c.id)
        .limit(limit)
    ).all()


def weigh(
    db: Connection, use_id: int, measured: dict[str, float] | None, outputs: list[dict[str, Any]]
) -> bool:
    """False: somebody else has just done it."""
    mine = update(uses).where(uses.c.id == use_id, uses.c.weighed.is_(False))
    return db.execute(mine.values(weighed=True, measured=measured, outputs=outputs)).rowcount > 0


def held(db: Connection, by: str, span: Span) -> Sequence[AnyRow]:
    """(*key, compute, jobs, core_seconds, gpu_seconds, memory_seconds) by what `by` says. Jobs
    are counted in the span that they end in; an attempt that another one follows is no job."""
    key = _labeled(_GROUPS[by][0])
    seconds = _overlap(uses.c.started_at, uses.c.ended_at, span)
    counted = case((uses.c.ended_at >= span.start, 1), else_=0)
    counted = case((uses.c.ended_at >= span.end, 0), else_=counted)
    counted = case((uses.c.state.in_([state.value for state in FINAL]), counted), else_=0)
    wanted = (
        select(
            *key,
            uses.c.compute,
            func.sum(counted).label("jobs"),
            func.sum(seconds * uses.c.cpus).label("core_seconds"),
            func.sum(seconds * uses.c.gpus).label("gpu_seconds"),
            func.sum(seconds * uses.c.memory).label("memory_seconds"),
        )
        .join(workspaces, workspaces.c.id == uses.c.workspace_id)
        .where(uses.c.started_at < span.end, uses.c.ended_at > span.start)
        .group_by(*_GROUPS[by][0], uses.c.compute)
    )
    return db.execute(_whose(wanted, uses.c.workspace_id, uses.c.person, span)).all()


def kept(db: Connection, by: str, span: Span) -> Sequence[AnyRow]:
    """(*key, byte_seconds, bytes): what was stored over the span, and at its end."""
    key = _labeled(_GROUPS[by][1])
    gone = func.coalesce(stored.c.gone_at, span.end)
    there = case((and_(stored.c.gone_at.is_(None), stored.c.at < span.end), 1), else_=0)
    still = case((stored.c.gone_at > span.end, 1), else_=there)
    wanted = (
        select(
            *key,
            func.sum(_overlap(stored.c.at, gone, span) * stored.c.bytes).label("byte_seconds"),
            func.sum(still * stored.c.bytes).label("bytes"),
        )
        .join(workspaces, workspaces.c.id == stored.c.workspace_id)
        .where(stored.c.at < span.end, gone > span.start)
        .group_by(*_GROUPS[by][1])
    )
    if by == "job":
        wanted = wanted.where(stored.c.kind == "run")
    return db.execute(_whose(wanted, stored.c.workspace_id, stored.c.person, span)).all()


def running(db: Connection, span: Span) -> Sequence[AnyRow]:
    """Jobs that hold slots now."""
    wanted = (
        select(
            jobs.c.run_id,
            jobs.c.name.label("job"),
            jobs.c.created_by.label("person"),
            jobs.c.experiment_name,
            jobs.c.phases,
            jobs.c.updated_at,
            jobs.c.cpus,
            jobs.c.memory,
            jobs.c.gpus,
            computes.c.name.label("compute"),
            workspaces.c.name.label("workspace"),
        )
        .join(workspaces, workspaces.c.id == jobs.c.workspace_id)
        .join(computes, computes.c.id == jobs.c.compute_id)
        .where(IS_PLACED)
    )
    return db.execute(_whose(wanted, jobs.c.workspace_id, jobs.c.created_by, span)).all()


def jobs_of_runs(db: Connection, runs: Sequence[str]) -> Sequence[AnyRow]:
    """What is known of runs: which job it was, of whom, and what was measured."""
    return db.execute(
        select(
            uses.c.run_id,
            uses.c.job,
            uses.c.person,
            uses.c.experiment_name,
            uses.c.state,
            uses.c.compute,
            uses.c.started_at,
            uses.c.ended_at,
            uses.c.measured,
        )
        .where(uses.c.run_id.in_(runs))
        .order_by(uses.c.id)
    ).all()


def with_outputs(db: Connection, span: Span) -> Sequence[AnyRow]:
    wanted = (
        select(uses, workspaces.c.name.label("workspace"))
        .join(workspaces, workspaces.c.id == uses.c.workspace_id)
        .where(uses.c.weighed, uses.c.started_at < span.end, uses.c.ended_at > span.start)
    )
    found = db.execute(_whose(wanted, uses.c.workspace_id, uses.c.person, span)).all()
    return [row for row in found if row.outputs]


def assets_at(db: Connection, workspace_id: int, path: str) -> Sequence[AnyRow]:
    """(kind, name, version) of data and models, not archived, that are that very address."""
    return db.execute(
        select(containers.c.kind, containers.c.name, all_assets.c.version)
        .join(containers, containers.c.id == all_assets.c.container_id)
        .where(
            containers.c.workspace_id == workspace_id,
            containers.c.kind.in_(("data", "models")),
            all_assets.c.archived.is_(False),
            containers.c.archived.is_(False),
            all_assets.c.spec["path"].as_string() == path,
        )
        .order_by(containers.c.kind, containers.c.name, all_assets.c.version)
    ).all()


class Asset(NamedTuple):
    workspace: str
    kind: str
    name: str
    version: str
    created_by: str
    bytes: int


def assets(db: Connection, span: Span) -> list[Asset]:
    """Each with the size of what it holds, shared with others or not."""
    wanted = (
        select(
            workspaces.c.name.label("workspace"),
            containers.c.kind,
            containers.c.name,
            all_assets.c.version,
            all_assets.c.created_by,
            cast(all_assets.c.spec, Text).label("spec"),
        )
        .join(containers, containers.c.id == all_assets.c.container_id)
        .join(workspaces, workspaces.c.id == containers.c.workspace_id)
        .where(all_assets.c.created_at < span.end)
    )
    rows = db.execute(
        _whose(wanted, containers.c.workspace_id, all_assets.c.created_by, span)
    ).all()
    sizes = {row.digest: row.size for row in db.execute(select(trees.c.digest, trees.c.size))}
    return [
        Asset(r.workspace, r.kind, r.name, r.version, r.created_by, _size(r.spec, sizes))
        for r in rows
    ]


def _size(spec: str, sizes: Mapping[str, int]) -> int:
    return sum(sizes.get(digest, 0) for digest in set(_TREE.findall(spec)))


_TREE = re.compile(r"tree:([0-9a-f]{64})")


def all_prices(db: Connection) -> Sequence[AnyRow]:
    return db.execute(select(prices).order_by(prices.c.valid_from, prices.c.compute)).all()


def put_price(db: Connection, compute: str, valid_from: float, values: Mapping[str, Any]) -> None:
    """Raises Taken where somebody else has just put it."""
    key = (prices.c.compute == compute, prices.c.valid_from == valid_from)
    if not db.execute(update(prices).where(*key).values(**values)).rowcount:
        named = {"compute": compute, "valid_from": valid_from}
        db.execute(insert(prices).values(**named, **values))


def drop_price(db: Connection, price_id: int) -> bool:
    return db.execute(delete(prices).where(prices.c.id == price_id)).rowcount > 0


def _overlap(
    start: ColumnElement[float], end: ColumnElement[float], span: Span
) -> ColumnElement[float]:
    """Seconds that lie in the span."""
    last = case((end < span.end, end), else_=span.end)
    return last - case((start > span.start, start), else_=span.start)


def _labeled(columns: tuple[Column[Any], ...]) -> list[ColumnElement[Any]]:
    return [column.label(f"key{place}") for place, column in enumerate(columns)]


def _whose(statement: Any, room: Column[int], person: Column[str], span: Span) -> Select[Any]:
    if span.workspace_id is not None:
        statement = statement.where(room == span.workspace_id)
    if span.person is not None:
        statement = statement.where(person == span.person)
    return statement
