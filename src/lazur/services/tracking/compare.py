"""Runs side by side: what was different, as far as anybody wrote it down."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Forbidden, Invalid, NotFound
from lazur.services.base import job_views
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import codes, runs, snapshots
from lazur.services.tracking.snapshots import Snapshot
from lazur.spec.properties import GIT
from lazur.store import builds, jobs
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.mlflow import find
from lazur.store.mlflow.find import Metric, RunRow

MOST = 50
_PACKAGE = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(.*)")
_SYSTEM = "system/"
"""Begins the names of what `runtime` samples of the machine."""
_ABOUT = ("name", "experiment_name", "status", "user", "started_at", "duration", "description")
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A run, with all that the comparison looks at."""

    head: dict[str, Any]
    params: Values
    metrics: Mapping[str, Metric]
    tags: Mapping[str, str]
    inputs: Sequence[tuple[find.Input, dict[str, str]]]
    job: JobRow | None
    recipe: Values
    code: Snapshot | None


def compare(context: Context, workspace: str, names: Any) -> dict[str, Any]:
    """Sections of rows: a name, a value of each run (None where it has none), whether they
    differ: how long phases took and what the machine was used for, by more than chance. `code`
    tells the changed files of each run, seen from the first."""
    home = open_workspace(context, workspace, runs.READ)
    rows = runs.locate_all(context, home, _names(names))
    if len(rows) < 2:
        raise Invalid("These names are all the same run.", hint="Give at least two runs.")
    sides = _sides(context, home, rows)
    sections = {
        name: _table([look(side) for side in sides], _DIFFER.get(name, _differ))
        for name, look in _SECTIONS.items()
    }
    sections["phases"] = _table([_phases(context, side) for side in sides], _take_other_times)
    return {
        "runs": [side.head for side in sides],
        "sections": [{"name": name, "rows": rows} for name, rows in sections.items()],
        "code": [_code(context, home, sides[0], side) for side in sides],
    }


def _names(found: Any) -> list[str]:
    given = cast("list[object]", found) if isinstance(found, list) else []
    names = [name for name in given if isinstance(name, str)]
    if not 2 <= len(names) <= MOST or len(names) < len(given):
        raise Invalid(
            f"Comparing takes 2 to {MOST} runs.", hint="Give their ids, or their jobs' names."
        )
    return names


def _sides(context: Context, home: AnyRow, rows: list[RunRow]) -> list[Side]:
    ids = [row.id for row in rows]
    params, tags = find.params(context.db, ids), find.tags(context.db, ids)
    metrics, inputs = find.summaries(context.db, ids), find.inputs(context.db, ids)
    found = jobs.by_ids(context.db, [row.job_id for row in rows if row.job_id is not None])
    by_id = {job.id: job for job in found}
    own = {row.id: by_id.get(row.job_id) for row in rows if row.job_id is not None}
    return [
        Side(
            head=runs.head(context, home, row, tags.get(row.id)),
            params=params.get(row.id, {}),
            metrics=metrics.get(row.id, {}),
            tags=tags.get(row.id, {}),
            inputs=inputs.get(row.id, []),
            job=own.get(row.id),
            recipe=_recipe(context, own.get(row.id)),
            code=snapshots.find(context, home, row, own.get(row.id)),
        )
        for row in rows
    ]


def _recipe(context: Context, job: JobRow | None) -> Values:
    build = builds.by_key(context.db, job.build_key) if job is not None and job.build_key else None
    return cast("Values", build.recipe) if build is not None else {}


def _about(side: Side) -> Values:
    return {key: side.head[key] for key in _ABOUT}


def _metrics(side: Side) -> Values:
    return {
        key: {
            "last": runs.value_of(metric),
            "min": runs.shown(metric.least),
            "max": runs.shown(metric.most),
            "points": metric.points,
        }
        for key, metric in side.metrics.items()
        if not key.startswith(_SYSTEM)
    }


def _machine(side: Side) -> Values:
    """What the run took at most."""
    return {
        key.removeprefix(_SYSTEM): runs.shown(metric.most)
        for key, metric in side.metrics.items()
        if key.startswith(_SYSTEM)
    }


def _environment(side: Side) -> Values:
    if side.job is None:
        return {}
    packages = {
        f"package {found[1]}": found[2] or "any"
        for line in side.recipe.get("requirements", [])
        if (found := _PACKAGE.fullmatch(line))
    }
    return {
        "environment": side.tags.get("lazur.environment"),
        "build": side.job.build_key,
        "python": side.recipe.get("python"),
        "image": side.recipe.get("image"),
        "compute": side.job.compute_name,
        "cpus": side.job.cpus,
        "gpus": side.job.gpus,
        **packages,
    }


def _sources(side: Side) -> Values:
    """Where the code came from."""
    git = {f"git {key}": side.tags.get(name) for key, name in GIT.items()}
    dirty = side.job.properties.get(GIT["dirty"]) if side.job is not None else None
    return {
        "source": side.tags.get("mlflow.source.name"),
        **git,
        "git dirty": dirty or git["git dirty"],
        "snapshot": side.code.tree if side.code is not None else None,
        "command": side.job.spec.get("command") if side.job is not None else None,
    }


def _data(side: Side) -> Values:
    used: dict[str, list[str]] = {}
    for found, tags in side.inputs:
        context = tags.get("mlflow.data.context") or found.name
        used.setdefault(context, []).append(f"{found.name} ({found.digest})")
    start = "lazur.input."
    given = {k.removeprefix(start): v for k, v in side.tags.items() if k.startswith(start)}
    return {**given, **{context: ", ".join(sorted(told)) for context, told in used.items()}}


def _phases(context: Context, side: Side) -> Values:
    if side.job is None:
        return {}
    phases = job_views.phases(side.job, context.now())
    return {phase["name"]: phase["seconds"] for phase in phases if phase["name"] != "end"}


_SECTIONS: dict[str, Callable[[Side], Values]] = {
    "about": _about,
    "params": lambda side: side.params,
    "metrics": _metrics,
    "tags": lambda side: runs.own_tags(dict(side.tags)),
    "data": _data,
    "environment": _environment,
    "source": _sources,
    "machine": _machine,
}


def _differ(_: str, values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def _take_other_times(_: str, values: Sequence[float | None]) -> bool:
    """By a second, and by a tenth: nothing takes the same time twice."""
    low, high = min(value or 0.0 for value in values), max(value or 0.0 for value in values)
    return high - low >= max(1.0, high / 10)


def _differ_by_a_tenth(_: str, values: Sequence[Any]) -> bool:
    """No two runs find a machine the same."""
    numbers = [value if isinstance(value, int | float) else 0.0 for value in values]
    return max(numbers) - min(numbers) > max(map(abs, numbers)) / 10


_DIFFER = {"machine": _differ_by_a_tenth}


def _table(columns: list[Values], differ: Callable[[str, Sequence[Any]], bool]) -> list[Any]:
    """In the order in which the first run has them."""
    names = list(dict.fromkeys(name for column in columns for name in column))
    found: list[dict[str, Any]] = []
    for name in names:
        values = [column.get(name) for column in columns]
        if any(value is not None for value in values):
            found.append({"name": name, "values": values, "differs": differ(name, values)})
    return found


def _code(context: Context, home: AnyRow, base: Side, side: Side) -> dict[str, Any] | None:
    """None: one of the two has no snapshot, it is not there any more, or the caller may not read
    content."""
    if base is side or base.code is None or side.code is None:
        return None
    try:
        context.require("workspaces/data/read", Resource(home.name))
        return codes.changes(base.code, side.code)
    except (Forbidden, NotFound, Invalid):
        return None
