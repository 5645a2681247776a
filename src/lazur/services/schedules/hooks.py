"""Schedules that fire when somebody asks: by hand, or over HTTP with a key of their own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from lazur.errors import Conflict, Invalid, TooManyTries
from lazur.services.base import events
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.schedules import firing, schedule_jobs, schedules
from lazur.services.schedules.schedule_jobs import CREATE_JOB
from lazur.services.schedules.schedules import ACTION, KIND
from lazur.store import ticks
from lazur.store.db import AnyRow

PER_MINUTE = 60.0
_MINUTE = 60.0
_KEY = re.compile(r"[!-~]{1,200}")
_MOST_INPUTS = 1000
_LONGEST_TEXT = 64 << 10


def trigger(
    context: Context, workspace: str, name: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Fire it now, whatever its trigger is, also while it is disabled. `schedule_time` is the time
    that its job is told, now when it is left out."""
    home, row = _found(context, workspace, name, ACTION + "trigger/action")
    at = _moment(body.get("schedule_time"), context.now())
    inputs = _inputs(row, body.get("inputs") or {}, None)
    key = f"manual:{secrets.token_hex(16)}"
    job = firing.fire_now(context, row, "manual", key, at, inputs)
    events.record(context, home, KIND, row.name, "triggered", job=job)
    return {
        "job_name": job,
        "schedule_action_type": "CreateJob" if row.action == CREATE_JOB else "ImportData",
        "schedule": row.name,
        "workspace": home.name,
    }


def invoke(
    context: Context, workspace: str, name: str, body: Mapping[str, Any], once: str | None
) -> dict[str, Any]:
    """Over HTTP. `once` names the request: repeated, it has the same job."""
    home, row = _found(context, workspace, name, ACTION + "invoke/action")
    if row.trigger_type != "webhook":
        raise Conflict(
            f"The schedule {row.name!r} has no webhook.",
            hint=f"Write `trigger: {{type: webhook}}`, or: lazur schedule trigger -n {row.name}",
        )
    if not row.is_enabled:
        raise Conflict(
            f"The schedule {row.name!r} is disabled.",
            hint=f"Enable it: lazur schedule enable -n {row.name}",
        )
    written = row.spec["trigger"]
    inputs = _inputs(row, _mapped(written.get("inputs"), body), written)
    key = f"webhook:{_named(once)}"
    _brake(context, row, key, float(written.get("per_minute") or PER_MINUTE))
    job = firing.fire_now(context, row, "webhook", key, context.now(), inputs)
    events.record(context, home, KIND, row.name, "invoked", job=job)
    return {"job": job, "schedule": row.name, "workspace": home.name}


def _found(context: Context, workspace: str, name: str, action: str) -> tuple[AnyRow, AnyRow]:
    context.require(action, Resource(workspace, KIND, name))
    with context.looking() as looking:
        home = open_workspace(looking, workspace, action, KIND, name)
        return home, schedules.find_row(looking, home, name)


def _mapped(wanted: Any, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """`inputs` of the body; or, where the trigger says which part of it each is, those."""
    if not isinstance(wanted, Mapping):
        return cast("Mapping[str, Any]", body.get("inputs") or {})
    found: dict[str, Any] = {}
    for name, path in cast("Mapping[str, Any]", wanted).items():
        value: Any = body
        for step in str(path).split("."):
            value = (
                cast("Mapping[str, Any]", value).get(step) if isinstance(value, Mapping) else None
            )
        if value is not None:
            found[name] = value
    return found


def _inputs(row: AnyRow, given: Any, trigger: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Invalid("inputs must be a mapping.")
    values = dict(cast("Mapping[str, Any]", given))
    if not values:
        return {}
    allowed = (trigger or {}).get("inputs")
    known = set[str]()
    if row.action == CREATE_JOB:
        listed = None if allowed is None else list(allowed)
        known = schedule_jobs.settable(row.spec[CREATE_JOB], listed)
    if len(values) > _MOST_INPUTS or len(str(values)) > _LONGEST_TEXT:
        raise Invalid(f"inputs may have {_LONGEST_TEXT:,} characters.")
    schedule_jobs.check_inputs(values, known)
    return values


def _named(once: str | None) -> str:
    if once is None:
        return secrets.token_hex(16)
    if not _KEY.fullmatch(once):
        raise Invalid("An Idempotency-Key has 1 to 200 characters of ASCII without blanks.")
    return once


def _brake(context: Context, row: AnyRow, key: str, most: float) -> None:
    """Counted where all servers see it. A request that is repeated is none."""
    with context.looking() as looking:
        if ticks.by_key(looking.db, row.id, key) is not None:
            return
        asked = ticks.count(looking.db, row.id, "webhook", looking.now() - _MINUTE)
    if asked >= most:
        raise TooManyTries(
            f"The schedule {row.name!r} is asked for more than {most:g} times a minute.",
            hint="Wait for a minute.",
            retry_after=_MINUTE,
        )


def _moment(text: Any, now: float) -> float:
    if text is None:
        return now
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Invalid(
            f"schedule_time is {str(text)[:60]!r}.", hint="Write it as 2026-05-01T10:00:00Z."
        ) from None
    return found.timestamp() if found.tzinfo else found.replace(tzinfo=UTC).timestamp()
