"""Queries on jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from lazur.engine.states import FINAL, PLACED, State
from lazur.errors import Invalid
from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, archived, fetch
from lazur.store.tables import computes, jobs, workspaces

JobRow = AnyRow

_DIGEST = re.compile("[0-9a-f]{64}")
_INSERT = insert(jobs).returning(jobs.c.id)

_ORDERS = {
    "created_at": jobs.c.created_at,
    "name": jobs.c.name,
    "updated_at": jobs.c.updated_at,
    "experiment_name": jobs.c.experiment_name,
    "status": jobs.c.state,
}
_parents = jobs.alias("parents")
_LISTED = (
    select(
        jobs,
        _parents.c.name.label("parent_name"),
        func.coalesce(func.nullif(jobs.c.cluster, ""), computes.c.name).label("compute_name"),
        computes.c.type.label("compute_type"),
        computes.c.settings.label("compute_settings"),
        workspaces.c.name.label("workspace"),
    )
    .join_from(jobs, computes, jobs.c.compute_id == computes.c.id)
    .join(workspaces, jobs.c.workspace_id == workspaces.c.id)
    .join(_parents, jobs.c.parent_id == _parents.c.id, isouter=True)
)


def add(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises IntegrityError when the name is taken."""
    return db.execute(_INSERT, dict(values)).scalar_one()


def by_name(db: Connection, workspace_id: int, name: str) -> JobRow | None:
    return db.execute(
        _LISTED.where(jobs.c.workspace_id == workspace_id, jobs.c.name == name)
    ).first()


def by_run(db: Connection, workspace_id: int, run_id: str) -> JobRow | None:
    return db.execute(
        _LISTED.where(jobs.c.workspace_id == workspace_id, jobs.c.run_id == run_id)
    ).first()


def by_id(db: Connection, job_id: int) -> JobRow | None:
    return db.execute(_LISTED.where(jobs.c.id == job_id)).first()


def by_ids(db: Connection, ids: Sequence[int]) -> Sequence[JobRow]:
    return db.execute(_LISTED.where(jobs.c.id.in_(ids))).all()


def id_of(db: Connection, workspace: str, name: str) -> int | None:
    return db.execute(
        select(jobs.c.id)
        .join(workspaces, jobs.c.workspace_id == workspaces.c.id)
        .where(workspaces.c.name == workspace, jobs.c.name == name)
    ).scalar()


def change(
    db: Connection, job_id: int, now: float, seen: int | None = None, **values: Any
) -> bool:
    """A change by a person: always a new version. False: it is no longer at the version that was
    `seen`."""
    statement = update(jobs).where(jobs.c.id == job_id)
    if seen is not None:
        statement = statement.where(jobs.c.version == seen)
    changed = db.execute(statement.values(version=jobs.c.version + 1, updated_at=now, **values))
    return changed.rowcount == 1


def page(db: Connection, workspace_id: int, query: Query) -> Page:
    statement = _LISTED.where(jobs.c.workspace_id == workspace_id)
    wanted = _filtered(statement, query.filters, postgresql=db.dialect.name == "postgresql")
    return fetch(db, wanted, query, _ORDERS, "-created_at", jobs.c.id)


def _has_tag(pair: str, *, postgresql: bool) -> ColumnElement[bool]:
    """`key=value`, or `key` for any value. Keys are compared as text: SQLite would read them as
    JSON paths otherwise."""
    key, has_value, wanted = pair.partition("=")
    each = func.jsonb_each_text if postgresql else func.json_each
    tag = each(jobs.c.tags).table_valued("key", "value")
    same = and_(tag.c.key == key, tag.c.value == wanted if has_value else true())
    return exists(select(1).select_from(tag).where(same))


def _filtered(
    statement: Select[Any], filters: Mapping[str, Any], *, postgresql: bool
) -> Select[Any]:
    for name, value in filters.items():
        match name:
            case "status":
                statement = statement.where(jobs.c.state.in_(_states(value)))
            case "experiment_name" | "type" | "created_by" | "name":
                statement = statement.where(jobs.c[name] == value)
            case "archived":
                if (wanted := archived(value)) is not None:
                    statement = statement.where(jobs.c.archived.is_(wanted))
            case "name_contains":
                statement = statement.where(
                    or_(
                        jobs.c.name.icontains(value, autoescape=True),
                        jobs.c.display_name.icontains(value, autoescape=True),
                    )
                )
            case "parent":
                parent = jobs.alias("parent")
                called = or_(parent.c.name == value, parent.c.run_id == value)
                statement = statement.where(
                    exists().where(and_(parent.c.id == jobs.c.parent_id, called))
                )
            case "steps":
                if value == "false":
                    statement = statement.where(jobs.c.step.is_(None))
            case "tag":
                for pair in value:
                    statement = statement.where(_has_tag(pair, postgresql=postgresql))
            case _:
                raise Invalid(f"Jobs cannot be filtered by {name!r}.")
    return statement


def _states(value: str) -> list[str]:
    known = {state.lower(): state.value for state in State}
    wanted = [part.strip().lower() for part in value.split(",")]
    if unknown := [part for part in wanted if part not in known]:
        raise Invalid(
            f"There is no job status {unknown[0]!r}.", hint=f"Known: {', '.join(State)}."
        )
    return [known[part] for part in wanted]


# What loops ask.


def adopt(db: Connection, now: float, runner: str, owner: str) -> None:
    """The server `owner` starts: what it held is free, and everything under way that may be its
    own wants looking at, since nobody watched it meanwhile."""
    leases.take_back(db, jobs, owner)
    mine = or_(jobs.c.runner.is_(None), jobs.c.runner == runner)
    db.execute(update(jobs).where(jobs.c.due_at > now, mine).values(due_at=now))


def take_due(
    db: Connection, now: float, runner: str, limit: int, owner: str
) -> tuple[str, Sequence[JobRow]]:
    mine = or_(jobs.c.runner.is_(None), jobs.c.runner == runner)
    token, ids = leases.take(db, jobs, now, limit, mine, owner=owner)
    return token, by_ids(db, ids) if ids else []


def take_one(
    db: Connection, job_id: int, now: float, runner: str, owner: str
) -> tuple[str, JobRow | None]:
    """Lease one job now, whether due or not: somebody hinted that it changed."""
    mine = or_(jobs.c.runner.is_(None), jobs.c.runner == runner)
    made_due = update(jobs).where(
        jobs.c.id == job_id, jobs.c.due_at.is_not(None), jobs.c.due_at > now
    )
    db.execute(made_due.values(due_at=now))
    token, ids = leases.take(db, jobs, now, 1, mine, jobs.c.id == job_id, owner=owner)
    return token, by_id(db, job_id) if ids else None


def next_due(db: Connection, runner: str) -> float | None:
    return leases.next_due(db, jobs, or_(jobs.c.runner.is_(None), jobs.c.runner == runner))


def apply(db: Connection, job: JobRow, token: str, now: float, **values: Any) -> bool:
    """What a loop found out. Somebody may have asked to cancel since it read `job`: that request
    is not written over, and is looked at without delay."""
    if values.get("ended_at") is None and not job.cancel_requested:
        values = {**values, **_keeping_cancel(values, now)}
    return leases.apply(
        db, jobs, job.id, token, version=jobs.c.version + 1, updated_at=now, **values
    )


def release(db: Connection, job: JobRow, token: str, now: float, due_at: float | None) -> bool:
    """Give the lease back without a change that anybody should see."""
    values: dict[str, Any] = {"due_at": due_at}
    if not job.cancel_requested:
        values |= _keeping_cancel(values, now)
    return leases.apply(db, jobs, job.id, token, **values)


def _keeping_cancel(values: Mapping[str, Any], now: float) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if "due_at" in values:
        kept["due_at"] = case((jobs.c.cancel_requested, now), else_=values["due_at"])
    if values.get("state") in PLACED:
        asked = State.CANCEL_REQUESTED.value
        kept["state"] = case((jobs.c.cancel_requested, asked), else_=values["state"])
    return kept


def wake_for_build(db: Connection, key: str, now: float) -> list[int]:
    """The build of `key` ended: its jobs are due."""
    return list(
        db.execute(
            update(jobs)
            .where(jobs.c.build_key == key, jobs.c.ended_at.is_(None), jobs.c.placed.is_(False))
            .values(due_at=now)
            .returning(jobs.c.id)
        ).scalars()
    )


def others_wait_for_build(db: Connection, key: str, workspace_id: int) -> bool:
    others = select(jobs.c.id).where(
        jobs.c.build_key == key, jobs.c.ended_at.is_(None), jobs.c.workspace_id != workspace_id
    )
    return db.execute(others.limit(1)).first() is not None


def builds_in_use(db: Connection) -> set[str]:
    running = select(jobs.c.build_key).where(
        jobs.c.ended_at.is_(None), jobs.c.build_key.is_not(None)
    )
    return set(db.execute(running.distinct()).scalars())


def trees_in_use(db: Connection) -> set[str]:
    """Whatever is written like a digest in the plans of those that have not ended: too many rather
    than too few."""
    plans = db.execute(select(cast(jobs.c.resolved, Text)).where(jobs.c.ended_at.is_(None)))
    return {digest for plan in plans.scalars() for digest in _DIGEST.findall(plan)}


def last_writer(db: Connection, workspace_id: int, uri: str) -> str | None:
    """The newest job that has an output there, reused ones left out."""
    written = json.dumps(uri, ensure_ascii=db.dialect.name == "sqlite")
    return db.execute(
        select(jobs.c.name)
        .where(
            jobs.c.workspace_id == workspace_id,
            jobs.c.reused_id.is_(None),
            cast(jobs.c.resolved, Text).contains(written, autoescape=True),
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    ).scalar()


def writing(db: Connection, workspace_id: int, place: str) -> Sequence[AnyRow]:
    """(name, resolved) of those that have not ended and whose plans have this text in them."""
    written = json.dumps(place, ensure_ascii=db.dialect.name == "sqlite")[1:-1]
    statement = select(jobs.c.name, jobs.c.resolved).where(
        jobs.c.workspace_id == workspace_id,
        jobs.c.ended_at.is_(None),
        cast(jobs.c.resolved, Text).contains(written, autoescape=True),
    )
    return db.execute(statement.order_by(jobs.c.id)).all()


# What the dispatcher asks.


def queued_by_person(db: Connection, compute_id: int) -> Sequence[AnyRow]:
    """(priority, created_by, workspace_id, first) of everybody who has queued jobs there. By
    workspace and cluster, too: when one is full, the other's go on."""
    whose = (jobs.c.priority, jobs.c.created_by, jobs.c.workspace_id, jobs.c.cluster)
    return db.execute(
        select(*whose, func.min(jobs.c.id).label("first"))
        .where(jobs.c.compute_id == compute_id, jobs.c.state == State.QUEUED.value)
        .group_by(*whose)
    ).all()


def queued(db: Connection, compute_id: int, whose: AnyRow, limit: int) -> Sequence[AnyRow]:
    """The first few of one row of `queued_by_person`."""
    return db.execute(
        select(
            jobs.c.id,
            jobs.c.workspace_id,
            jobs.c.cpus,
            jobs.c.memory,
            jobs.c.gpus,
            jobs.c.created_by,
            jobs.c.priority,
            jobs.c.cluster,
            jobs.c.nodes,
        )
        .where(
            jobs.c.compute_id == compute_id,
            jobs.c.state == State.QUEUED.value,
            jobs.c.priority == whose.priority,
            jobs.c.created_by == whose.created_by,
            jobs.c.workspace_id == whose.workspace_id,
            jobs.c.cluster == whose.cluster,
        )
        .order_by(jobs.c.id)
        .limit(limit)
    ).all()


def placed_on(db: Connection, compute_id: int, runner: str) -> Sequence[AnyRow]:
    return db.execute(
        select(
            jobs.c.id,
            jobs.c.workspace_id,
            jobs.c.name,
            jobs.c.cpus,
            jobs.c.memory,
            jobs.c.gpus,
            jobs.c.gpu_ids,
            jobs.c.created_by,
        )
        .where(jobs.c.placed.is_(True), jobs.c.compute_id == compute_id, jobs.c.runner == runner)
        .order_by(jobs.c.id)
    ).all()


def place(
    db: Connection, job_id: int, runner: str, gpu_ids: list[int], token: str, now: float
) -> bool:
    """Give a queued job its slots and lease it to the dispatcher's own loop, in one step."""
    changed = db.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == State.QUEUED.value)
        .values(
            state=State.STARTING.value,
            placed=True,
            runner=runner,
            gpu_ids=gpu_ids,
            waiting_for=None,
            due_at=now,
            lease_token=token,
            lease_until=now + leases.LEASE_SECONDS,
            updated_at=now,
            version=jobs.c.version + 1,
        )
    )
    return changed.rowcount == 1


def position(db: Connection, job: JobRow) -> int:
    """How many queued jobs are certain to be looked at before this one."""
    before = or_(
        jobs.c.priority > job.priority,
        and_(jobs.c.priority == job.priority, jobs.c.id < job.id),
    )
    return db.execute(
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.compute_id == job.compute_id, jobs.c.state == State.QUEUED.value, before)
    ).scalar_one()


def counts(db: Connection, compute_id: int) -> dict[str, int]:
    rows = db.execute(
        select(jobs.c.state, func.count().label("number"))
        .where(jobs.c.compute_id == compute_id, jobs.c.state.not_in([s.value for s in FINAL]))
        .group_by(jobs.c.state)
    )
    return {row.state: row.number for row in rows}
