"""Queries on jobs that have steps: what they decide by, their children, and whom to wake.

A parent's row is locked before any child's, by whoever writes both; who ends a child writes that
first and then wakes its parent, which is one statement that waits for nobody's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, insert, or_, select, update

from lazur.engine.states import State
from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.jobs import IS_PLACED
from lazur.store.prepared import Prepared
from lazur.store.tables import frozen, jobs

_CHILD = (
    jobs.c.id,
    jobs.c.step,
    jobs.c.name,
    jobs.c.run_id,
    jobs.c.state,
    jobs.c.cancel_requested,
    jobs.c.notes,
    jobs.c.error,
    jobs.c.reused_id,
    jobs.c.waiting_for,
    jobs.c.started_at,
    jobs.c.ended_at,
    jobs.c.type,
    jobs.c.display_name,
)


def children(db: Connection, parent_id: int) -> Sequence[AnyRow]:
    """Without what they were made of: there may be thousands."""
    return db.execute(_CHILDREN, {"above": parent_id}).all()


_CHILDREN = (
    select(*_CHILD)
    .where(jobs.c.parent_id == bindparam("above"), jobs.c.step.is_not(None))
    .order_by(jobs.c.id)
)


def news(db: Connection, parent_id: int, after: int, of: Sequence[int]) -> Sequence[AnyRow]:
    """Children that came after the one of number `after`, and those that were still at work when
    they were last read. Of many of these, all that came since the first of them."""
    if len(of) > _MOST_NAMED:
        return db.execute(_SINCE, {"above": parent_id, "first": min(of)}).all()
    return db.execute(_NEWS, {"above": parent_id, "after": after, "those": list(of)}).all()


_MOST_NAMED = 100
_NEWS = _CHILDREN.where(
    or_(jobs.c.id > bindparam("after"), jobs.c.id.in_(bindparam("those", expanding=True)))
)
_SINCE = _CHILDREN.where(jobs.c.id >= bindparam("first"))


def child(db: Connection, parent_id: int, step: str) -> AnyRow | None:
    return _ONE.first(db, {"above": parent_id, "called": step})


_ONE = Prepared(
    select(jobs).where(jobs.c.parent_id == bindparam("above"), jobs.c.step == bindparam("called"))
)


def counts(db: Connection, parents: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many children of each parent are in which state."""
    rows = db.execute(
        select(jobs.c.parent_id, jobs.c.state, func.count().label("number"))
        .where(jobs.c.parent_id.in_(parents), jobs.c.step.is_not(None))
        .group_by(jobs.c.parent_id, jobs.c.state)
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.parent_id, {})[row.state] = row.number
    return found


def running(db: Connection, parents: Iterable[int]) -> dict[int, int]:
    """How many children of each hold slots, wherever they run."""
    return {parent: _RUNNING.scalar(db, {"above": parent}) for parent in parents}


# Those that hold slots are few, and the children may be thousands: the words about the compute are
# all that brings SQLite to the index of the former.
_RUNNING = Prepared(
    select(func.count()).where(
        IS_PLACED, jobs.c.compute_id > 0, jobs.c.parent_id + 0 == bindparam("above")
    )
)


def plan(db: Connection, job_id: int) -> AnyRow | None:
    """(plan, retried_id)."""
    return db.execute(
        select(frozen.c.plan, frozen.c.retried_id).where(frozen.c.job_id == job_id)
    ).first()


def add_plan(db: Connection, job_id: int, made: Mapping[str, Any], retried_id: int | None) -> None:
    db.execute(insert(frozen).values(job_id=job_id, plan=dict(made), retried_id=retried_id))


def names_above(db: Connection, job_id: int | None) -> list[str]:
    """The names of a job and of those that it is a step of, from within."""
    found: list[str] = []
    while job_id is not None:
        row = _ABOVE.first(db, {"wanted": job_id})
        if row is None:
            break
        found.append(row.name)
        job_id = row.parent_id if row.step is not None else None
    return found


_ABOVE = Prepared(
    select(jobs.c.name, jobs.c.parent_id, jobs.c.step).where(jobs.c.id == bindparam("wanted"))
)


def keep(db: Connection, job_id: int, token: str, now: float, **values: Any) -> int | None:
    """Write `values` and go on with the lease; returns the row's new version. None: the lease was
    lost."""
    given = {f"new_{name}": value for name, value in values.items()}
    given |= {"wanted": job_id, "held": token, "moment": now}
    given["until"] = now + leases.LEASE_SECONDS
    return _keeping(tuple(sorted(values))).scalar(db, given)


@cache
def _keeping(names: tuple[str, ...]) -> Prepared:
    more = {name: bindparam(f"new_{name}", type_=jobs.c[name].type) for name in names}
    return Prepared(
        update(jobs)
        .where(and_(jobs.c.id == bindparam("wanted"), jobs.c.lease_token == bindparam("held")))
        .values(
            lease_until=bindparam("until"),
            version=jobs.c.version + 1,
            updated_at=bindparam("moment"),
            **more,
        )
        .returning(jobs.c.version)
    )


def rest(
    db: Connection, job_id: int, token: str, now: float, seen: int, due_at: float | None
) -> bool:
    """Give the lease back until `due_at`; at once where something happened since version `seen`.
    False: it is due now, or was lost."""
    given = {"wanted": job_id, "held": token, "moment": now, "seen": seen, "then": due_at}
    return _REST.scalar(db, given) == seen


_REST = Prepared(
    update(jobs)
    .where(and_(jobs.c.id == bindparam("wanted"), jobs.c.lease_token == bindparam("held")))
    .values(
        lease_token=None,
        lease_until=None,
        due_at=case(
            (
                jobs.c.version == bindparam("seen"),
                bindparam("then", type_=jobs.c.due_at.type),
            ),
            else_=bindparam("moment", type_=jobs.c.due_at.type),
        ),
    )
    .returning(jobs.c.version)
)


def wake(db: Connection, parent_id: int, now: float) -> bool:
    """A child has ended, or told something."""
    return _WAKE.touch(db, {"wanted": parent_id, "moment": now}) == 1


_WAKE = Prepared(
    update(jobs)
    .where(jobs.c.id == bindparam("wanted"), jobs.c.ended_at.is_(None))
    .values(due_at=bindparam("moment"), version=jobs.c.version + 1, updated_at=bindparam("moment"))
)


def equal(db: Connection, workspace_id: int, key: str) -> AnyRow | None:
    """The newest job that ended well and was made of the same; one in the trash where there is no
    other."""
    wanted = {"room": workspace_id, "key": key}
    return _EQUAL[False].first(db, wanted) or _EQUAL[True].first(db, wanted)


_EQUAL = {
    archived: Prepared(
        select(jobs)
        .where(
            jobs.c.workspace_id == bindparam("room"),
            jobs.c.reuse_key == bindparam("key"),
            jobs.c.state == State.COMPLETED.value,
            jobs.c.reused_id.is_(None),
            jobs.c.archived.is_(archived),
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    )
    for archived in (False, True)
}
"""Two, since each walks the index back from the newest and ends with the first that it finds."""


def last_of_step(db: Connection, workspace_id: int, experiment: str, step: str) -> AnyRow | None:
    """The newest job of a step of this name in an experiment that ended well."""
    return db.execute(
        select(jobs.c.name, jobs.c.resolved)
        .where(
            jobs.c.workspace_id == workspace_id,
            jobs.c.step == step,
            jobs.c.experiment_name == experiment,
            jobs.c.reuse_key.is_not(None),
            jobs.c.state == State.COMPLETED.value,
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    ).first()


def names(db: Connection, ids: Sequence[int]) -> dict[int, str]:
    rows = db.execute(select(jobs.c.id, jobs.c.name).where(jobs.c.id.in_(ids)))
    return {row.id: row.name for row in rows}
