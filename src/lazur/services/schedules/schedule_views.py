"""Schedules and their ticks, as they are shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from lazur.engine import zones
from lazur.errors import Invalid
from lazur.kinds.resources.schedule import TIMED, Schedule, timetable
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso
from lazur.store.db import AnyRow

NEXT = 5
"""Ticks to come that are shown."""


def view(
    context: Context, home: AnyRow, row: AnyRow, last: AnyRow | None = None
) -> dict[str, Any]:
    """As its YAML, with what comes next and what became of the last tick."""
    return {
        "id": f"/workspaces/{home.name}/schedules/{row.name}",
        "name": row.name,
        "display_name": row.display_name,
        "description": row.description,
        "tags": row.tags,
        "properties": row.properties,
        **row.spec,
        "is_enabled": row.is_enabled,
        "provisioning_state": "Succeeded",
        "acts_as": row.acts_as["name"],
        "next_runs": _next(context, row),
        "last_run": tick(last) if last is not None else None,
        **({"url": url(context.site, home.name, row.name)} if _is_hook(row) else {}),
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
            "last_modified_at": iso(row.changed_at or row.created_at),
        },
        "etag": str(row.version),
    }


def tick(row: AnyRow) -> dict[str, Any]:
    """`time` is when it fell due; several that were left out are one, from `time` to `until`."""
    many = {"until": iso(row.until), "count": row.number} if row.number > 1 else {}
    return {
        "time": iso(row.at),
        **many,
        "trigger": row.cause,
        "state": row.state,
        "job": row.job,
        "reason": row.reason,
        "decided_at": iso(row.ended_at),
        **({"event": row.data["event"]} if row.data.get("event") else {}),
        **({"inputs": row.data["inputs"]} if row.data.get("inputs") else {}),
    }


def url(site: Site, workspace: str, name: str) -> str:
    """Where a webhook is asked."""
    place = f"{quote(workspace, safe='')}/schedules/{quote(name, safe='')}"
    return f"{site.url()}/api/v1/workspaces/{place}/invoke"


def _is_hook(row: AnyRow) -> bool:
    return row.trigger_type == "webhook"


def _next(context: Context, row: AnyRow) -> list[str]:
    """With the time on the wall where the schedule is."""
    if row.trigger_type not in TIMED or not row.is_enabled:
        return []
    trigger: Any = Schedule.model_validate({"name": row.name, **row.spec}).trigger
    try:
        table = timetable(trigger, row.created_at)
    except (Invalid, ValueError):  # a time zone that is not known here
        return []
    coming = table.next_ticks(max(row.decided, context.now()), NEXT)
    return [zones.on_the_wall(tick, table.place).isoformat() for tick in coming]
