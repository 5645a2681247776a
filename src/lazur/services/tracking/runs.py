"""Runs as people see them, under a run's id or its job's name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.store.db import AnyRow
from lazur.store.mlflow import find as store
from lazur.store.mlflow import runs as tracked
from lazur.store.mlflow import spaces
from lazur.store.mlflow.find import Metric, RunRow

READ = "workspaces/experiments/runs/read"
WRITE = "workspaces/experiments/runs/write"
DELETE = "workspaces/experiments/runs/delete"

MOST = 1000
"""Runs in one call."""
FROM = "lazur.import.run"
"""The tag of an imported run that holds the id that it had."""
_BEGINNING = re.compile(r"[0-9a-f]{6,31}")
_LARGEST = 1.7e308
"""Beyond it lies what upstream's tables hold in place of infinity."""
_MODEL_STATES = {0: "UNSPECIFIED", 1: "PENDING", 2: "READY", 3: "FAILED"}


def get(context: Context, workspace: str, name: str) -> dict[str, Any]:
    home = open_workspace(context, workspace, READ)
    return views(context, home, [locate(context, home, name)])[0]


def metrics(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """Each metric's last value, its least and most, and how many points it has."""
    home = open_workspace(context, workspace, READ)
    row = locate(context, home, name)
    found = store.summaries(context.db, [row.id]).get(row.id, {})
    return {
        "value": [
            {
                "name": key,
                "last": value_of(metric),
                "step": metric.step,
                "min": shown(metric.least),
                "max": shown(metric.most),
                "points": metric.points,
            }
            for key, metric in sorted(found.items())
        ],
        "next": None,
    }


def lasts(context: Context, workspace: str, name: str) -> list[dict[str, Any]]:
    """The last point of each metric."""
    home = open_workspace(context, workspace, READ)
    row = locate(context, home, name)
    return [
        {
            "name": key,
            "step": step,
            "timestamp": at,
            "value": shown(value, nan=bool(nan)),
        }
        for key, value, at, step, nan in sorted(tracked.data(context.db, row.id).metrics)
    ]


def history(
    context: Context, workspace: str, name: str, key: str, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Every point of a metric, by step."""
    home = open_workspace(context, workspace, READ)
    row = locate(context, home, name)
    after = _point(key, cursor) if cursor else store.Point(key, -(1 << 63), 0, 0.0, False)
    found = store.points(context.db, row.id, key, after, limit + 1)
    if not found and not cursor:
        raise _no_metric(context, row, key)
    last = found[limit - 1] if len(found) > limit else None
    return {
        "value": [
            {"step": p.step, "timestamp": p.timestamp, "value": shown(p.value, nan=p.is_nan)}
            for p in found[:limit]
        ],
        "next": ":".join(map(repr, last[1:])) if last else None,
    }


def locate(context: Context, home: AnyRow, name: str) -> RunRow:
    return locate_all(context, home, [name])[0]


def locate_all(context: Context, home: AnyRow, names: Sequence[str]) -> list[RunRow]:
    """Each by its id, the beginning of it, its job's name, or the id that it had where it was
    imported from; once. Raises NotFound for the first that is not there."""
    if len(names) > MOST:
        raise Invalid(f"At most {MOST:,} runs at once; these are {len(names):,}.")
    space = spaces.name(home.id)
    found = {row.id: row for row in store.by_ids(context.db, space, names)}
    rows: dict[str, RunRow] = {}
    for name in names:
        row = (
            found.get(name)
            or _by_job(context, home, space, name)
            or _by_beginning(context, space, name)
            or _by_origin(context, space, name)
        )
        if row is None:
            raise _absent(context, space, name, home.name)
        rows[row.id] = row
    return list(rows.values())


def known_experiment(known: Mapping[str, int], name: str) -> int:
    """The id of the experiment that is called `name`."""
    if name not in known:
        close = get_close_matches(name, known, 3) or list(known)[:10]
        raise NotFound(
            f"There is no experiment {name[:256]!r}.", hint=f"There is: {', '.join(close)}."
        )
    return known[name]


def views(context: Context, home: AnyRow, rows: Sequence[RunRow]) -> list[dict[str, Any]]:
    """Whole, with a constant number of queries."""
    ids = [row.id for row in rows]
    params, tags = store.params(context.db, ids), store.tags(context.db, ids)
    metrics = store.latest(context.db, ids)
    inputs, models = store.inputs(context.db, ids), store.models(context.db, ids)
    return [
        {
            **head(context, home, row, tags.get(row.id, {})),
            "params": params.get(row.id, {}),
            "metrics": {k: value_of(m) for k, m in sorted(metrics.get(row.id, {}).items())},
            "tags": tags.get(row.id, {}),
            "inputs": [_input(*found) for found in inputs.get(row.id, [])],
            "models": [_model(found) for found in models.get(row.id, [])],
        }
        for row in rows
    ]


def head(
    context: Context, home: AnyRow, row: RunRow, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """What is told of a run wherever it is mentioned."""
    tags = tags or {}
    return {
        "id": row.id,
        "name": row.name or row.job or row.id,
        "job": row.job,
        "experiment_name": row.experiment,
        "experiment_id": str(row.experiment_id),
        "status": row.status,
        "user": row.user,
        "description": tags.get("mlflow.note.content"),
        "parent": tags.get("mlflow.parentRunId"),
        "started_at": _time(row.start),
        "ended_at": _time(row.end),
        "duration": _duration(row, context.now()),
        "deleted": row.stage == "deleted",
        "deleted_at": _time(row.deleted) if row.stage == "deleted" else None,
        "artifact_uri": row.artifact_uri,
        "url": f"{context.site.url()}/mlflow/workspaces/{home.name}"
        f"/#/experiments/{row.experiment_id}/runs/{row.id}",
    }


def value_of(metric: Metric) -> float | str:
    return shown(metric.last, nan=metric.is_nan)


def shown(value: float | None, *, nan: bool = False) -> Any:
    """JSON has no words for these; upstream's are used."""
    if nan or (value is not None and math.isnan(value)):
        return "NaN"
    if value is None or abs(value) < _LARGEST:
        return value
    return "Infinity" if value > 0 else "-Infinity"


def own_tags(tags: dict[str, str]) -> dict[str, str]:
    """Those that people wrote."""
    hidden = ("mlflow.", "lazur.")
    return {key: value for key, value in tags.items() if not key.startswith(hidden)}


def _by_job(context: Context, home: AnyRow, space: str, name: str) -> RunRow | None:
    run_id = store.id_of_job(context.db, home.id, name)
    found = store.by_ids(context.db, space, [run_id]) if run_id else []
    return found[0] if found else None


def _by_beginning(context: Context, space: str, name: str) -> RunRow | None:
    if not _BEGINNING.fullmatch(name):
        return None
    ids = store.beginning(context.db, space, name, 3)
    if len(ids) > 1:
        raise Conflict(
            f"Several runs begin with {name!r}.", hint=f"Give more of the id: {', '.join(ids)}."
        )
    return store.by_ids(context.db, space, ids)[0] if ids else None


def _by_origin(context: Context, space: str, name: str) -> RunRow | None:
    found = store.tagged(context.db, space, FROM, name)
    return store.by_ids(context.db, space, [found])[0] if found else None


def _absent(context: Context, space: str, name: str, workspace: str) -> NotFound:
    called = store.called(context.db, space, name, 3)
    hint = f"Runs of this name: {', '.join(called)}." if called else "See: lazur run list"
    return NotFound(f"There is no run {name[:300]!r} in workspace {workspace!r}.", hint=hint)


def _no_metric(context: Context, row: RunRow, key: str) -> NotFound:
    known = ", ".join(sorted(store.latest(context.db, [row.id]).get(row.id, {}))[:20])
    return NotFound(
        f"Run {row.id} has no metric {key[:250]!r}.", hint=f"It has: {known or 'none'}."
    )


def _point(key: str, cursor: str) -> store.Point:
    try:
        step, at, value, nan = cursor.split(":")
        return store.Point(key, int(step), int(at), float(value), nan == "True")
    except ValueError:
        raise Invalid("The cursor is not one that this server gave out.") from None


def _time(milliseconds: int | None) -> str | None:
    return iso(milliseconds / 1000) if milliseconds else None


def _duration(row: RunRow, now: float) -> float | None:
    if not row.start or row.status == "SCHEDULED":
        return None
    return round(max(0.0, (row.end / 1000 if row.end else now) - row.start / 1000), 3)


def _input(found: store.Input, tags: dict[str, str]) -> dict[str, Any]:
    return {
        "name": found.name,
        "digest": found.digest,
        "context": tags.get("mlflow.data.context"),
        "source_type": found.source_type,
        "source": found.source,
    }


def _model(found: store.Model) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "type": found.type,
        "status": _MODEL_STATES.get(found.status, "UNSPECIFIED"),
        "artifact_location": found.location,
    }
