"""Schedules that wait for something to happen: it is noted in the transaction in which it does, so
that each event fires once, whoever is killed. A loop submits the jobs.

What a job does that an event has fired may be such an event itself. A schedule does not hear what
came of its own firing, and a chain of schedules ends after a few.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from lazur.engine.states import FINAL
from lazur.services.base.site import Context
from lazur.spec.names import fold
from lazur.store import jobs, schedules, ticks
from lazur.store.db import AnyRow

LISTENS = {"data_updated": "data", "model_registered": "models", "job_finished": "jobs"}
"""By event, the kind of resource that it is about."""
LONGEST_CHAIN = 5
MOST_AN_HOUR = 200
"""Events that fire one schedule."""
_HEARD = {("data", "created"), ("models", "created"), ("jobs", "state")}
_HOUR = 3600.0
_OWN = "it came of this schedule's own firing"
_LONG = f"it ends a chain of {LONGEST_CHAIN} schedules that fired one another"
_OFTEN = f"more than {MOST_AN_HOUR} events in an hour"


def hear(
    context: Context, workspace_id: int, kind: str, name: str, what: str, data: Mapping[str, Any]
) -> None:
    """Something has just happened. Costs nothing where nobody waits for its kind."""
    hear_any(context, workspace_id, kind, what, {name: data})


def hear_any(
    context: Context,
    workspace_id: int,
    kind: str,
    what: str,
    named: Mapping[str, Mapping[str, Any]],
) -> None:
    """The same to several at once, by name: one event for each that waits for any of them, about
    the first that it waits for."""
    if (kind, what) not in _HEARD:
        return
    waiting: Sequence[AnyRow] | None = None
    for name, data in named.items():
        if what == "state" and data.get("state") not in FINAL:
            continue
        if waiting is None:
            waiting = schedules.listening(context.db, workspace_id, kind)
        if not waiting:
            return
        waiting = _heard(context, workspace_id, kind, name, data, waiting)


def _heard(
    context: Context,
    workspace_id: int,
    kind: str,
    name: str,
    data: Mapping[str, Any],
    waiting: Sequence[AnyRow],
) -> Sequence[AnyRow]:
    """Those that wait for others."""
    job = jobs.by_name(context.db, workspace_id, name) if kind == "jobs" else None
    wanted = [row for row in waiting if _matches(row.spec["trigger"], name, data, job)]
    if not wanted:
        return waiting
    cause = name if kind == "jobs" else (data.get("job") or context.who.job)
    chain = ticks.chain_of(context.db, workspace_id, cause) if cause else []
    for row in wanted:
        _note(context, row, _told(row.spec["trigger"]["event"], name, data, cause), chain)
    return [row for row in waiting if row not in wanted]


def _matches(
    trigger: Mapping[str, Any], name: str, data: Mapping[str, Any], job: AnyRow | None
) -> bool:
    if not _like(trigger.get("name"), name):
        return False
    if job is None:
        return True
    wanted = trigger.get("status")
    return _like(trigger.get("experiment_name"), job.experiment_name) and (
        not wanted or data["state"] in wanted
    )


def _like(pattern: str | None, name: str) -> bool:
    """`*` stands for any text, and nothing else for anything but itself."""
    if pattern is None:
        return True
    return fnmatchcase(fold(name), fold(pattern).replace("[", "[[]").replace("?", "[?]"))


def _told(event: str, name: str, data: Mapping[str, Any], job: str | None) -> dict[str, str]:
    """For `${{trigger.…}}`."""
    told = {"event": event, "name": name, "job": job, "status": data.get("state")}
    if (version := data.get("version")) is not None:
        told |= {"version": version, "path": f"azureml:{name}:{version}"}
    return {key: str(value) for key, value in told.items() if value is not None}


def _note(context: Context, row: AnyRow, event: dict[str, str], chain: list[int]) -> None:
    now = context.now()
    reason = _against(context, row, chain)
    if reason and ticks.add_to_skipped(context.db, row.id, reason, now, now - _HOUR):
        return
    ticks.add(
        context.db,
        {
            "workspace_id": row.workspace_id,
            "schedule_id": row.id,
            "key": f"event:{secrets.token_hex(16)}",
            "cause": "event",
            "at": now,
            "until": now,
            "number": 1,
            "state": ticks.SKIPPED if reason else ticks.DUE,
            "reason": reason,
            "data": {"event": event},
            "chain": chain,
            "tries": 0,
            "created_at": now,
            "ended_at": now if reason else None,
            "due_at": None if reason else now,
        },
    )
    context.publish("due", "schedules")


def _against(context: Context, row: AnyRow, chain: list[int]) -> str | None:
    if row.id in chain:
        return _OWN
    if len(chain) >= LONGEST_CHAIN:
        return _LONG
    fired = ticks.count(context.db, row.id, "event", context.now() - _HOUR)
    return _OFTEN if fired >= MOST_AN_HOUR else None
