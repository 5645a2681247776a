"""Ticks: found to be due, and fired.

A tick has one row, whoever finds it: what is decided on is written down in one transaction with
how far it was decided. A tick's job and its end are one transaction, too. So any number of servers
may do this, and be killed at any line, and each tick fires once.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from lazur.engine import ticks as rules
from lazur.engine.lineage import JOBS, SCHEDULES, Edge, Node
from lazur.engine.ticks import Plan
from lazur.errors import Conflict, Forbidden, Invalid, LazurError, Unavailable
from lazur.services.assets import edges
from lazur.services.base import events
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.services.jobs import jobs
from lazur.services.people import assignments
from lazur.services.results import data_imports
from lazur.services.schedules import schedule_jobs, schedules
from lazur.services.schedules.schedule_jobs import CREATE_JOB, Facts
from lazur.services.schedules.schedules import KIND
from lazur.spec.names import fold
from lazur.store import jobs as job_store
from lazur.store import people, workspaces
from lazur.store import schedules as store
from lazur.store import ticks as tick_store
from lazur.store.db import AnyRow, Taken

log = logging.getLogger(__name__)

_AT_ONCE = 50
_LATER = 600.0
_SLACK = 60.0
"""Servers' clocks may differ by so much without anybody taking that for a change of time."""
_RACES = 4
_TRIES = 6
"""Of what may pass by itself: a minute in all."""
_OFF = "the schedule was disabled"
_NOBODY = "no server ran at the time, or its clock was put forward"
_AHEAD = "the clock of the server was ahead"


class LeaseLost(Exception):
    """Somebody else has the tick; what was begun is taken back."""


def decide(site: Site) -> bool:
    """Write down the ticks that are due. True: there may be more."""
    now = site.now()
    with site.db.read() as db:
        rows = store.to_decide(db, now, _SLACK, _AT_ONCE)
    for row in rows:
        try:
            _decide(site, row, now)
        except (Invalid, ValueError) as error:  # its time zone may not be known to this machine
            log.warning("schedule %s/%s: %s", row.workspace, row.name, error)
            with site.db.write(synced=False) as db:
                store.decide(db, row, row.decided, now + _LATER)
    return len(rows) == _AT_ONCE


def _decide(site: Site, row: AnyRow, now: float) -> None:
    trigger = schedules.trigger_of(row)
    table = schedules.timetable(trigger, row.created_at)
    made = rules.plan(table, min(row.decided, now), now, trigger.policy)
    with site.context(synced=False) as context:
        if not store.decide(context.db, row, made.until, made.due_at):
            return
        if row.decided > now + _SLACK:
            _take_back(context, row, table)
        _write(context, row, made)


def fire(site: Site, tick: AnyRow, token: str) -> None:
    """One that is due and leased with `token`."""
    with site.db.read() as db:
        row = store.by_id(db, tick.schedule_id)
    if row is None:
        return
    if not row.is_enabled and tick.cause != "manual":
        _end(site, row, tick, token, tick_store.SKIPPED, _OFF)
        return
    try:
        with site.context(_actor(site, row), write=True) as context:
            context.source = f"schedule {row.name}"
            name = submit(context, row, _facts(site, row, tick))
            if not tick_store.end(
                context.db, tick.id, token, context.now(), tick_store.FIRED, job=name, reason=None
            ):
                raise LeaseLost
    except LeaseLost:
        log.info("a tick of schedule %s/%s is somebody else's now", row.workspace, row.name)
    except LazurError as error:
        _failed(site, row, tick, token, error)


def fire_now(
    context: Context, row: AnyRow, cause: str, key: str, at: float, inputs: Mapping[str, Any]
) -> str:
    """Asked for by somebody who waits for the answer: the job's name. `key` makes it once; a
    failure is kept in the history, and told."""
    site, name = context.site, _free_name(context.site, row, at)
    with site.context(write=False) as looking:
        before = tick_store.by_key(looking.db, row.id, key)
    if before is not None and before.job is not None:
        return before.job
    values = _new(row, cause, key, at, context.now(), inputs)
    for left in reversed(range(_RACES)):
        try:
            return _fired(context, row, values, Facts(row.name, at, cause, name, {}, inputs))
        except (Taken, Conflict) as error:  # others ask for it in the same second
            with site.context() as waiting:  # which they are done with, once this begins
                before = tick_store.by_key(waiting.db, row.id, key)
            if before is not None and before.job is not None:
                return before.job
            if not left:
                _note_failure(site, values, str(error))
                raise
            name = f"{schedule_jobs.job_name(row.name, at)}-{secrets.token_hex(3)}"
        except LazurError as error:
            _note_failure(site, values, error.message)
            raise
    raise AssertionError("the last one is told")


def _fired(context: Context, row: AnyRow, values: dict[str, Any], facts: Facts) -> str:
    """The job and the end of its tick, at once."""
    with context.site.context(_actor(context.site, row), write=True) as acting:
        acting.source = context.source
        name = submit(acting, row, facts)
        done = {"state": tick_store.FIRED, "job": name, "ended_at": acting.now()}
        tick_store.add(acting.db, {**values, **done})
    return name


def _note_failure(site: Site, values: dict[str, Any], reason: str) -> None:
    key = f"{values['key']}:failed"
    with site.context() as context:
        if tick_store.by_key(context.db, values["schedule_id"], key) is None:
            ended = {"state": tick_store.FAILED, "reason": reason, "ended_at": context.now()}
            tick_store.add(context.db, {**values, **ended, "key": key})


def submit(context: Context, row: AnyRow, facts: Facts) -> str:
    """The schedule's job, by whoever calls; returns its name."""
    written = row.spec[row.action]
    if row.action == CREATE_JOB:
        wanted = schedule_jobs.job(written, facts)
        schedule_jobs.check_told(wanted)
        made = jobs.submit(context, row.workspace, wanted)
    else:
        spec = schedule_jobs.data_import(written, facts)
        schedule_jobs.check_told(spec)
        made = data_imports.submit(context, row.workspace, spec)
        noted = dict[str, Any](made.get("properties") or {}) | schedule_jobs.properties(facts)
        jobs.update(context, row.workspace, made["name"], {"properties": noted})
    name = str(made["name"])
    source = Node(row.workspace_id, SCHEDULES, row.name)
    edges.write(context, [Edge(source, Node(row.workspace_id, JOBS, name), "schedule")])
    home = workspaces.by_id(context.db, row.workspace_id)
    events.record(context, home, KIND, row.name, "fired", job=name, trigger=facts.cause)
    return name


def _actor(site: Site, row: AnyRow) -> Principal:
    """Whoever the schedule acts for, with the rights that they have now. Not who has come by their
    name since."""
    whose = row.acts_as
    with site.db.read() as db:
        found = people.by_name(db, fold(whose["name"]))
        known = found is not None and found.created_at == whose["since"]
        if found is None or not known or found.disabled:
            gone = "is disabled" if known else "is not known any more"
            raise Forbidden(
                f"The schedule acts for {whose['name']!r}, who {gone}.",
                hint="It acts for whoever changes what it runs: lazur schedule create -f FILE",
            )
        return assignments.principal(db, found, whose["role"], whose["workspace"])


def _facts(site: Site, row: AnyRow, tick: AnyRow) -> Facts:
    name = _free_name(site, row, tick.at)
    data = tick.data
    return Facts(
        row.name, tick.at, tick.cause, name, data.get("event") or {}, data.get("inputs") or {}
    )


def _free_name(site: Site, row: AnyRow, at: float) -> str:
    """Two events may come in one second, and somebody may have called a job so."""
    name = schedule_jobs.job_name(row.name, at)
    with site.db.read() as db:
        number, free = 1, name
        while job_store.by_name(db, row.workspace_id, free) is not None:
            number += 1
            free = f"{name}-{number}"
    return free


def give_up(site: Site, tick: AnyRow, token: str, error: Exception) -> None:
    """Something nobody thought of. It is tried again a few times."""
    with site.db.read() as db:
        row = store.by_id(db, tick.schedule_id)
    if row is not None:
        _failed(site, row, tick, token, LazurError(f"{type(error).__name__} in the server."))


def _failed(site: Site, row: AnyRow, tick: AnyRow, token: str, error: LazurError) -> None:
    raced = isinstance(error, Conflict) and tick.tries < _TRIES
    if (isinstance(error, Unavailable) or error.status >= 500 or raced) and tick.tries < _TRIES:
        with site.db.write(synced=False) as db:
            due_at = site.now() + 2.0**tick.tries
            tick_store.again(db, tick, token, due_at, error.message)
        return
    log.warning("schedule %s/%s did not fire: %s", row.workspace, row.name, error.message)
    _end(site, row, tick, token, tick_store.FAILED, error.message)


def _end(site: Site, row: AnyRow, tick: AnyRow, token: str, state: str, reason: str) -> None:
    with site.context() as context:
        if not tick_store.end(context.db, tick.id, token, context.now(), state, reason=reason):
            return
        home = workspaces.by_id(context.db, row.workspace_id)
        events.record(context, home, KIND, row.name, state, reason=reason, trigger=tick.cause)


def _write(context: Context, row: AnyRow, made: Plan) -> None:
    now, left = context.now(), made.skipped
    if left is not None:
        key = f"{_key(left.first)}/{_key(left.last)}"
        if tick_store.by_key(context.db, row.id, key) is None:
            told = {"until": left.last, "number": left.count, "ended_at": now}
            ended = {"state": tick_store.SKIPPED, "reason": _NOBODY}
            values = _new(row, "time", key, left.first, now, {})
            tick_store.add(context.db, {**values, **told, **ended})
    keys = {at: _key(at) for at in made.fire}
    there = tick_store.keys(context.db, row.id, list(keys.values()))
    for at, key in keys.items():
        if key not in there:
            due = {"state": tick_store.DUE, "due_at": now}
            tick_store.add(context.db, {**_new(row, "time", key, at, now, {}), **due})


def _take_back(context: Context, row: AnyRow, table: Any) -> None:
    """Somebody's clock was ahead: what was left out by it comes yet. What it fired does not come
    again, since each tick has one row."""
    now = context.now()
    for tick in tick_store.skipped_after(context.db, row.id, now):
        count = len(table.between(tick.at - 1, now)) if tick.at <= now else 0
        if count:
            tick_store.shorten(context.db, tick.id, now, count)
        else:
            tick_store.drop(context.db, tick.id)
    log.warning("schedule %s/%s: %s", row.workspace, row.name, _AHEAD)


def _new(
    row: AnyRow, cause: str, key: str, at: float, now: float, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "workspace_id": row.workspace_id,
        "schedule_id": row.id,
        "key": key,
        "cause": cause,
        "at": at,
        "until": at,
        "number": 1,
        "data": {"inputs": dict(inputs)} if inputs else {},
        "chain": [],
        "tries": 0,
        "created_at": now,
    }


def _key(at: float) -> str:
    return schedule_jobs.stamp(at)
