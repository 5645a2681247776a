"""Queries on jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from lazur.engine.states import FINAL, PLACED, State
from lazur.errors import Invalid
from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, archived, fetch, has_tag
from lazur.store.prepared import Prepared
from lazur.store.tables import computes, jobs, workspaces

JobRow = AnyRow

IS_PLACED = text("lazur_jobs.placed")
"""As the index of such jobs has it: SQLite reads all jobs where it is asked for in other words."""

_DIGEST = re.compile("[0-9a-f]{64}")
_INSERT = Prepared(insert(jobs).returning(jobs.c.id))

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

_BY_ID = Prepared(_LISTED.where(jobs.c.id == bindparam("wanted")))
_BY_NAME = Prepared(
    _LISTED.where(jobs.c.workspace_id == bindparam("room"), jobs.c.name == bindparam("called"))
)


def add(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises IntegrityError when the name is taken."""
    return _INSERT.scalar(db, values)


def by_name(db: Connection, workspace_id: int, name: str) -> JobRow | None:
    return _BY_NAME.first(db, {"room": workspace_id, "called": name})


def by_run(db: Connection, workspace_id: int, run_id: str) -> JobRow | None:
    return db.execute(
        _LISTED.where(jobs.c.workspace_id == workspace_id, jobs.c.run_id == run_id)
    ).first()


def by_id(db: Connection, job_id: int) -> JobRow | None:
    return _BY_ID.first(db, {"wanted": job_id})


def run_of(db: Connection, job_id: int) -> str | None:
    return _RUN_OF.scalar(db, {"wanted": job_id})


_RUN_OF = Prepared(select(jobs.c.run_id).where(jobs.c.id == bindparam("wanted")))


def by_ids(db: Connection, ids: Sequence[int]) -> Sequence[JobRow]:
    return db.execute(_LISTED.where(jobs.c.id.in_(ids))).all()


def id_of(db: Connection, workspace: str, name: str) -> int | None:
    return _ID_OF.scalar(db, {"home": workspace, "wanted": name})


_ID_OF = Prepared(
    select(jobs.c.id).where(
        jobs.c.workspace_id.in_(
            select(workspaces.c.id).where(workspaces.c.name == bindparam("home"))
        ),
        jobs.c.name == bindparam("wanted"),
    )
)


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
    """Which ones they are is found out first: what each was made of is long, and a database that
    has to sort would carry it along for all of them."""
    # Where few are wanted SQLite goes by the index of the order, too, and so through all jobs.
    few = "parent" in query.filters or _are_under_way(query.filters)
    home = jobs.c.workspace_id + 0 if few else jobs.c.workspace_id
    statement = select(jobs.c.id).where(home == workspace_id)
    wanted = _filtered(db, statement, workspace_id, query.filters)
    found = fetch(db, wanted, query, _ORDERS, "-created_at", jobs.c.id)
    rows = {row.id: row for row in by_ids(db, [row.id for row in found.rows])}
    return Page([rows[row.id] for row in found.rows if row.id in rows], found.next)


def _filtered(
    db: Connection, statement: Select[Any], workspace_id: int, filters: Mapping[str, Any]
) -> Select[Any]:
    for name, value in filters.items():
        match name:
            case "status":
                statement = statement.where(jobs.c.state.in_(_states(value)))
                if _are_under_way(filters):
                    statement = statement.where(jobs.c.ended_at.is_(None))
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
                above = select(parent.c.id).where(parent.c.workspace_id == workspace_id, called)
                statement = statement.where(jobs.c.parent_id.in_(above))
            case "steps":
                if value == "false":
                    statement = statement.where(jobs.c.step.is_(None))
            case "tag":
                for pair in value:
                    statement = statement.where(has_tag(db, jobs.c.tags, pair))
            case _:
                raise Invalid(f"Jobs cannot be filtered by {name!r}.")
    return statement


def _are_under_way(filters: Mapping[str, Any]) -> bool:
    return "status" in filters and not FINAL.intersection(_states(filters["status"]))


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


def bring_forward(db: Connection, now: float, most: float) -> int:
    """Those that are due in a time that a clock which was ahead has written down."""
    return leases.bring_forward(db, jobs, now, most)


_MINE = or_(jobs.c.runner.is_(None), jobs.c.runner == bindparam("mine"))
# Statements of every job's way are made once: that takes longer than to run them.
_TAKE_DUE = leases.taking(jobs, _MINE)
_TAKE_ONE = leases.taking(jobs, _MINE, jobs.c.id == bindparam("wanted"), whenever=True)
_NEXT_DUE = leases.falling_due(jobs, _MINE)


def take_due(
    db: Connection, now: float, runner: str, limit: int, owner: str
) -> tuple[str, Sequence[JobRow]]:
    token, ids = leases.take(db, _TAKE_DUE, now, limit, owner, mine=runner)
    return token, by_ids(db, ids) if ids else []


def take_one(
    db: Connection, job_id: int, now: float, runner: str, owner: str
) -> tuple[str, JobRow | None]:
    """Lease one job now, whether due or not: somebody hinted that it changed."""
    token, ids = leases.take(db, _TAKE_ONE, now, 1, owner, mine=runner, wanted=job_id)
    return token, by_id(db, job_id) if ids else None


def next_due(db: Connection, runner: str) -> float | None:
    return _NEXT_DUE.scalar(db, {"mine": runner})


def apply(db: Connection, job: JobRow, token: str, now: float, **values: Any) -> bool:
    """What a loop found out. Somebody may have asked to cancel since it read `job`: that request
    is not written over, and is looked at without delay."""
    keeps = values.get("ended_at") is None and not job.cancel_requested
    values["updated_at"] = now
    return _write(db, job.id, token, now, values, keeps=keeps, counts=True)


def release(db: Connection, job: JobRow, token: str, now: float, due_at: float | None) -> bool:
    """Give the lease back without a change that anybody should see."""
    keeps = not job.cancel_requested
    return _write(db, job.id, token, now, {"due_at": due_at}, keeps=keeps, counts=False)


def _write(
    db: Connection,
    job_id: int,
    token: str,
    now: float,
    values: Mapping[str, Any],
    *,
    keeps: bool,
    counts: bool,
) -> bool:
    placed = keeps and values.get("state") in PLACED
    keeps_due = keeps and "due_at" in values
    given = {f"new_{name}": value for name, value in values.items()}
    given |= {"wanted": job_id, "held": token} | ({"moment": now} if keeps_due else {})
    statement = _writing(tuple(sorted(values)), keeps_due, placed, counts)
    return statement.touch(db, given) == 1


@cache
def _writing(names: tuple[str, ...], keeps_due: bool, keeps_state: bool, counts: bool) -> Prepared:
    """Of the values so named, with the lease given back. A cancel that was asked for meanwhile is
    kept."""
    made: dict[str, Any] = {
        name: bindparam(f"new_{name}", type_=jobs.c[name].type) for name in names
    }
    if keeps_due:
        now = bindparam("moment", type_=jobs.c.due_at.type)
        made["due_at"] = case((jobs.c.cancel_requested, now), else_=made["due_at"])
    if keeps_state:
        asked = State.CANCEL_REQUESTED.value
        made["state"] = case((jobs.c.cancel_requested, asked), else_=made["state"])
    if counts:
        made["version"] = jobs.c.version + 1
    return Prepared(
        update(jobs)
        .where(jobs.c.id == bindparam("wanted"), jobs.c.lease_token == bindparam("held"))
        .values(lease_token=None, lease_until=None, **made)
    )


def under_way(column: ColumnElement[int], home: int) -> ColumnElement[bool]:
    """Those of a workspace or compute that have not ended. They are few and have an index, but
    SQLite reads all that ever were there as soon as another index knows the place."""
    return and_(column + 0 == home, jobs.c.ended_at.is_(None))


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
    """The newest job that has an output there: not one that was reused, nor one with steps, whose
    outputs are theirs."""
    written = json.dumps(uri, ensure_ascii=db.dialect.name == "sqlite")
    return db.execute(
        select(jobs.c.name)
        .where(
            jobs.c.workspace_id == workspace_id,
            jobs.c.reused_id.is_(None),
            jobs.c.nodes > 0,
            cast(jobs.c.resolved, Text).contains(written, autoescape=True),
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    ).scalar()


def writing(db: Connection, workspace_id: int, place: str) -> Sequence[AnyRow]:
    """(name, resolved) of those that have not ended and whose plans have this text in them."""
    written = json.dumps(place, ensure_ascii=db.dialect.name == "sqlite")[1:-1]
    statement = select(jobs.c.name, jobs.c.resolved).where(
        under_way(jobs.c.workspace_id, workspace_id),
        cast(jobs.c.resolved, Text).contains(written, autoescape=True),
    )
    return db.execute(statement.order_by(jobs.c.id + 0)).all()


# What the dispatcher asks.


def queued_by_person(db: Connection, compute_id: int) -> Sequence[AnyRow]:
    """(priority, created_by, workspace_id, first) of everybody who has queued jobs there. By
    workspace, cluster and family, too: when one is full, the other's go on."""
    return _QUEUED_BY_PERSON.all(db, {"compute": compute_id})


_FAMILY = case((jobs.c.at_once.is_(None), 0), else_=func.coalesce(jobs.c.parent_id, 0))
_WHOSE: dict[str, ColumnElement[Any]] = {
    "priority": jobs.c.priority,
    "created_by": jobs.c.created_by,
    "workspace_id": jobs.c.workspace_id,
    "cluster": jobs.c.cluster,
    "family": _FAMILY,
}
_QUEUED_BY_PERSON = Prepared(
    select(
        *(column.label(name) for name, column in _WHOSE.items()),
        func.min(jobs.c.id).label("first"),
    )
    .where(jobs.c.compute_id == bindparam("compute"), jobs.c.state == State.QUEUED.value)
    .group_by(*_WHOSE.values())
)


def queued(db: Connection, compute_id: int, whose: AnyRow, limit: int) -> Sequence[AnyRow]:
    """The first few of one row of `queued_by_person`."""
    given = {f"one_{name}": getattr(whose, name) for name in _WHOSE}
    return _QUEUED.all(db, {"compute": compute_id, "most": limit, **given})


_QUEUED = Prepared(
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
        jobs.c.at_once,
        _FAMILY.label("family"),
    )
    .where(
        jobs.c.compute_id == bindparam("compute"),
        jobs.c.state == State.QUEUED.value,
        *(column == bindparam(f"one_{name}") for name, column in _WHOSE.items()),
    )
    .order_by(jobs.c.id)
    .limit(bindparam("most"))
)


def placed_on(db: Connection, compute_id: int, runner: str) -> Sequence[AnyRow]:
    return _PLACED_ON.all(db, {"compute": compute_id, "mine": runner})


_PLACED_ON = Prepared(
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
    .where(
        IS_PLACED,
        jobs.c.compute_id == bindparam("compute"),
        jobs.c.runner == bindparam("mine"),
    )
    .order_by(jobs.c.id)
)


def place(
    db: Connection, job_id: int, runner: str, gpu_ids: list[int], token: str, now: float
) -> bool:
    """Give a queued job its slots and lease it to the dispatcher's own loop, in one step."""
    given = {
        "wanted": job_id,
        "mine": runner,
        "cards": gpu_ids,
        "held": token,
        "until": now + leases.LEASE_SECONDS,
        "moment": now,
    }
    return _PLACE.touch(db, given) == 1


_PLACE = Prepared(
    update(jobs)
    .where(jobs.c.id == bindparam("wanted"), jobs.c.state == State.QUEUED.value)
    .values(
        state=State.STARTING.value,
        placed=True,
        runner=bindparam("mine"),
        gpu_ids=bindparam("cards", type_=jobs.c.gpu_ids.type),
        waiting_for=None,
        due_at=bindparam("moment"),
        lease_token=bindparam("held"),
        lease_until=bindparam("until"),
        updated_at=bindparam("moment"),
        version=jobs.c.version + 1,
    )
)


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
        .where(under_way(jobs.c.compute_id, compute_id))
        .group_by(jobs.c.state)
    )
    return {row.state: row.number for row in rows}
