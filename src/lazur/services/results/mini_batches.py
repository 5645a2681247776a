"""The mini-batches of a parallel job: what its ledger and its progress say, which are files that
the job writes. So they are read with bounds and suspicion, and what does not fit is left out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, cast

from lazur.engine.states import FINAL
from lazur.errors import Invalid, NotFound
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.jobs import jobs
from lazur.services.results import files
from lazur.spec import json
from lazur.store.pages import MAX_LIMIT, Query

_LEDGER = "system_logs/parallel/ledger.jsonl"
_PROGRESS = "system_logs/parallel/progress.json"
_MOST = 256 << 20
"""Bytes of a ledger that are looked at."""
_LONGEST = 256 << 10
"""Of a line."""
_TEXT = 2000
_COUNTS = ("total", "done", "failed", "running", "retried")
_SPEEDS = ("mini_batches", "items")
_GROUPS = ("metrics", "key")
_FAR = 1e11
"""Seconds since the epoch that no clock says."""
_STATUSES = ("done", "failed", "retrying")
_FIELDS = ("number", "seconds", "items", "results", "tries", "ended_at")

Found = dict[str, Any]
Figures = tuple[tuple[str, ...], dict[tuple[str, ...], dict[str, float]]]
"""The keys' names; and by their values, as text, each one's metrics."""


def find(context: Context, workspace: str, name: str, query: Query) -> dict[str, Any]:
    """Those that have ended at least once: filters `status` and `contains`, some text of the key
    or the error; `order_by` a field, or `metrics.<name>`, or `key.<name>`; with `-` in front,
    downwards."""
    ordered = listed(context, workspace, name, query)
    start = _start(query.cursor)
    end = start + min(max(query.limit, 1), MAX_LIMIT)
    return {
        "value": ordered[start:end],
        "next": str(end) if end < len(ordered) else None,
        "total": len(ordered),
        "progress": progress(context, workspace, name),
    }


def listed(context: Context, workspace: str, name: str, query: Query) -> list[Found]:
    """All that are asked for, in the order that is."""
    _parallel(context, workspace, name)
    status = query.filters.get("status")
    if status is not None and status not in _STATUSES:
        raise Invalid(f"status is {status!r}.", hint=f"Possible: {', '.join(_STATUSES)}.")
    wanted = str(query.filters.get("contains") or "").casefold()
    found = [
        batch
        for batch in _read(context, workspace, name).values()
        if status in (None, batch["status"]) and (not wanted or wanted in _said(batch))
    ]
    return _ordered(found, query.order_by or "number")


def with_progress(context: Context, workspace: str, view: dict[str, Any]) -> dict[str, Any]:
    """A job's view; of a parallel job with how far it is."""
    if view["type"] != "parallel":
        return view
    found = progress(context, workspace, view["name"])
    if found is not None and view["status"] in FINAL:
        # A job that was killed did not live to say so.
        found["mini_batches"]["running"] = 0
        found["remaining_seconds"] = None
    return {**view, "progress": found}


def progress(context: Context, workspace: str, name: str) -> dict[str, Any] | None:
    """None as long as nothing is known."""
    lines = list(_lines(context, workspace, name, _PROGRESS))
    if not lines:
        return None
    told = lines[0]
    return {
        "mini_batches": _numbers(told.get("mini_batches"), _COUNTS),
        "items": _numbers(told.get("items"), _COUNTS),
        "per_second": _numbers(told.get("per_second"), _SPEEDS),
        "remaining_seconds": _number(told.get("remaining_seconds")),
        "workers": _number(told.get("workers")),
        "slow": [_named(one) for one in _list(told.get("slow"))],
        "failing": [_named(one) for one in _list(told.get("failing"))],
        "updated_at": _time(told.get("updated")),
    }


def figures(context: Context, workspace: str, name: str) -> Figures:
    """What was measured for each mini-batch that is done, by its key."""
    _parallel(context, workspace, name)
    return figures_of(context, workspace, name)


def figures_of(context: Context, workspace: str, name: str) -> Figures:
    """Whoever calls may see them, if not all of the job."""
    with context.site.context(write=False) as own:
        found = _read(own, workspace, name).values()
    done = [one for one in found if one["status"] == "done"]
    names = tuple(done[0]["key"]) if done else ()
    return names, {
        tuple(str(one["key"].get(name)) for name in names): one["metrics"] for one in done
    }


def _parallel(context: Context, workspace: str, name: str) -> None:
    row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
    if row.type != "parallel":
        raise Invalid(
            f"Job {row.name!r} is of type {row.type}: only parallel jobs have mini-batches.",
            hint="See: lazur job list --query \"[?type=='parallel'].name\"",
        )


def _read(context: Context, workspace: str, name: str) -> dict[int, Found]:
    found: dict[int, Found] = {}
    for entry in _lines(context, workspace, name, _LEDGER):
        number = entry.get("d", entry.get("x"))
        if not isinstance(number, int) or isinstance(number, bool):
            continue
        before = found.get(number)
        if before is not None and before["status"] == "done":
            continue
        found[number] = _batch(number, entry, before)
    return found


def _batch(number: int, entry: Mapping[str, Any], before: Found | None) -> Found:
    done = "d" in entry
    made: Found = {
        "number": number,
        "status": "done" if done else "failed" if entry.get("last") is True else "retrying",
        "key": _key(entry.get("k")),
        "items": _number(entry.get("c")),
        "results": _number(entry.get("n")) if done else None,
        "seconds": _number(entry.get("s")),
        "tries": (before["tries"] if before else 0) + 1,
        "worker": _text(entry.get("w")),
        "ended_at": _time(entry.get("t")),
        "metrics": _metrics(entry.get("m")),
        "error": _text(entry.get("e")),
    }
    if not done or before:
        made["log"] = f"user_logs/mini_batches/{number}.txt"
    return made


def _said(batch: Found) -> str:
    key = " ".join(f"{name}={value}" for name, value in batch["key"].items())
    return f"{key} {batch['error'] or ''}".casefold()


def _ordered(found: list[Found], order: str) -> list[Found]:
    name, down = order.removeprefix("-"), order.startswith("-")
    group, _, inner = name.partition(".")
    if not (inner and group in _GROUPS) and name not in _FIELDS:
        hint = f"Possible: {', '.join(_FIELDS)}, metrics.<name>, key.<name>."
        raise Invalid(f"Cannot order by {name!r}.", hint=hint)

    def value(batch: Found) -> Any:
        found = batch[group].get(inner) if inner else batch[name]
        return found if found is None or group != "key" else _comparable(found)

    told = [batch for batch in found if value(batch) is not None]
    rest = [batch for batch in found if value(batch) is None]
    told.sort(key=lambda batch: (value(batch), batch["number"]), reverse=down)
    return [*told, *rest]


def _comparable(value: Any) -> tuple[bool, Any]:
    """Numbers come before text."""
    is_text = isinstance(value, str)
    return is_text, value


def _lines(context: Context, workspace: str, name: str, path: str) -> Iterator[Mapping[str, Any]]:
    place = files.place(context, workspace, name, path)
    try:
        descriptor = place.open()
    except (FileNotFoundError, NotFound):
        return
    with os.fdopen(descriptor, "rb") as file:
        left = _MOST
        while left > 0 and (line := file.readline(_LONGEST)):
            left -= len(line)
            found = _parsed(line)
            if found is not None:
                yield found


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.decode(line)
    except Invalid:
        return None  # the last line may be half written
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > 12:
        raise Invalid("This cursor is of another list.", hint="Begin without one.")
    return int(cursor)


def _numbers(value: Any, names: tuple[str, ...]) -> dict[str, float]:
    given = _plain(value)
    return {n: number for n in names if (number := _number(given.get(n))) is not None}


def _named(value: Any) -> dict[str, Any]:
    """A slow or failing mini-batch, in few words."""
    given = _plain(value)
    number = _number(given.get("number"))
    return {
        "number": number,
        "key": _key(given.get("key")),
        "seconds": _number(given.get("seconds")),
        "error": _text(given.get("error")),
        "failed": given.get("failed") is True,
        "log": _text(given.get("log")),
    }


def _metrics(value: Any) -> dict[str, float]:
    found = {str(k)[:250]: _number(v) for k, v in _plain(value).items()}
    return {name: number for name, number in found.items() if number is not None}


def _key(value: Any) -> dict[str, Any]:
    scalar = (str, int, float, bool, type(None))
    return {k: v for k, v in _plain(value).items() if isinstance(v, scalar)}


def _time(value: Any) -> str | None:
    number = _number(value)
    return iso(number) if number is not None and 0 <= number < _FAR else None


def _plain(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value)[:100] if isinstance(value, list) else []


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def _text(value: Any) -> str | None:
    return value[:_TEXT] if isinstance(value, str) else None
