"""How much was used, by whom and for what, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from lazur.errors import Invalid
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.times import iso, moment
from lazur.services.base.workspaces import open_workspace
from lazur.services.people import prices, quotas
from lazur.services.people.prices import Table
from lazur.services.results import uses
from lazur.store import usage as store
from lazur.store.db import AnyRow
from lazur.store.pages import Query
from lazur.store.usage import Span

BY = ("person", "experiment", "workspace", "job", "asset")
FILTERS = ("by", "since", "until", "person")
_HOUR, _MONTH, _GB = 3600.0, 30 * 86400.0, float(1 << 30)
_SINCE = 30 * 86400.0
_MOST = 1000


@dataclass
class Line:
    """One person's, one experiment's, … use."""

    key: tuple[str | None, ...]
    jobs: int = 0
    core_seconds: float = 0.0
    gpu_seconds: float = 0.0
    memory_seconds: float = 0.0
    byte_seconds: float = 0.0
    bytes: int = 0
    cost: float = 0.0
    more: dict[str, Any] = field(default_factory=dict[str, Any])


def show(context: Context, workspace: str | None, query: Query) -> dict[str, Any]:
    """Of a workspace, or of all together. Owners see everybody's; everybody sees their own."""
    by = query.filters.get("by", "person")
    if by not in BY:
        raise Invalid(f"Use is not counted by {by!r}.", hint=f"Known: {', '.join(BY)}.")
    span, mine = _span(context, workspace, query.filters)
    table = prices.load(context)
    by_asset = by == "asset"
    lines = _by_asset(context, span, table) if by_asset else _lines(context, by, span, table)
    order = sorted(lines.values(), key=lambda line: (-line.cost, -line.core_seconds, -line.bytes))
    if by == "job":
        _describe(context, order[:_MOST])
    return {
        "value": [_view(by, line, table) for line in order[:_MOST]],
        "left_out": max(0, len(order) - _MOST),
        "total": _view("total", _summed(order), table),
        "since": iso(span.start),
        "until": iso(span.end),
        "only": context.who.name if mine else None,
        "currency": table.currency,
    }


def _span(
    context: Context, workspace: str | None, filters: Mapping[str, Any]
) -> tuple[Span, bool]:
    """What is asked for, of what the caller may see; whether that is their own alone."""
    home = None
    if workspace is not None:
        home = open_workspace(context, workspace, "workspaces/usages/read")
    else:
        context.require("me/usage/read", Resource())
    mine = not context.who.may(quotas.WRITE, Resource(workspace))
    now = context.now()
    end = _moment("until", filters, now)
    start = _moment("since", filters, end - _SINCE)
    if start >= end:
        raise Invalid("since must be before until.")
    person = context.who.name if mine else filters.get("person")
    return Span(start, min(end, now), home.id if home is not None else None, person), mine


def _lines(context: Context, by: str, span: Span, table: Table) -> dict[Any, Line]:
    lines: dict[Any, Line] = {}
    for piece in _pieces(span, table):
        for row in store.held(context.db, by, piece):
            _hold(_at(lines, by, row), row, table, piece.start)
        for row in store.kept(context.db, by, piece):
            line = _at(lines, by, row)
            _keep(line, row, table, piece)
            line.bytes = int(row.bytes or 0) if piece.end == span.end else 0
    for row in store.running(context.db, span):
        for key, held in _live(by, row, span, table):
            _hold(lines.setdefault(key, Line(key)), held, table, held.at)
    return lines


def _pieces(span: Span, table: Table) -> Iterator[Span]:
    """In each of them prices are the same."""
    edges = [span.start, *table.changes(span.start, span.end), span.end]
    for start, end in pairwise(edges):
        yield replace(span, start=start, end=end)


def _at(lines: dict[Any, Line], by: str, row: AnyRow) -> Line:
    key = (row.key0,) if by in ("person", "workspace") else (row.key0, row.key1)
    return lines.setdefault(key, Line(key))


@dataclass(frozen=True)
class _Live:
    """As a row of `store.held`, of a job that goes on."""

    compute: str
    at: float
    core_seconds: float
    gpu_seconds: float
    memory_seconds: float
    jobs: int = 1


def _live(by: str, row: AnyRow, span: Span, table: Table) -> Iterator[tuple[Any, _Live]]:
    began = uses.held_since(row.phases) or row.updated_at
    keys: dict[str, tuple[Any, ...]] = {
        "person": (row.person,),
        "workspace": (row.workspace,),
        "experiment": (row.workspace, row.experiment_name),
        "job": (row.workspace, row.run_id),
    }
    counted = False
    for piece in _pieces(span, table):
        seconds = piece.end - max(began, piece.start)
        if seconds <= 0:
            continue
        memory = seconds * row.memory
        amounts = (seconds * row.cpus, seconds * row.gpus, memory)
        yield keys[by], _Live(row.compute, piece.start, *amounts, jobs=0 if counted else 1)
        counted = True


def _hold(line: Line, row: Any, table: Table, at: float) -> None:
    cores, gpus, memory = (
        float(getattr(row, name) or 0)
        for name in ("core_seconds", "gpu_seconds", "memory_seconds")
    )
    line.jobs += int(row.jobs or 0)
    line.core_seconds += cores
    line.gpu_seconds += gpus
    line.memory_seconds += memory
    line.cost += cores / _HOUR * table.rate("core_hour", row.compute, at)
    line.cost += gpus / _HOUR * table.rate("gpu_hour", row.compute, at)
    line.cost += memory / _GB / _HOUR * table.rate("memory_hour", row.compute, at)


def _keep(line: Line, row: AnyRow, table: Table, piece: Span) -> None:
    byte_seconds = float(row.byte_seconds or 0)
    line.byte_seconds += byte_seconds
    rate = table.rate("storage_month", "", piece.start)
    line.cost += byte_seconds / _GB / _MONTH * rate


def _by_asset(context: Context, span: Span, table: Table) -> dict[Any, Line]:
    """What is stored of each, and what the job held that made it."""
    lines: dict[Any, Line] = {}
    for row in store.assets(context.db, span):
        key = (row.workspace, f"{row.kind.removesuffix('s')}:{row.name}:{row.version}")
        line = lines.setdefault(key, Line(key))
        line.bytes = row.bytes
        line.more["person"] = row.created_by
    for row in store.with_outputs(context.db, span):
        for output in row.outputs:
            kind = output["kind"].removesuffix("s")
            key = (row.workspace, f"{kind}:{output['name']}:{output['version']}")
            line = lines.setdefault(key, Line(key))
            seconds = row.ended_at - row.started_at
            amounts = (seconds * row.cpus, seconds * row.gpus, seconds * row.memory)
            _hold(line, _Live(row.compute, row.started_at, *amounts), table, row.started_at)
            line.bytes = line.bytes or output.get("bytes", 0)
            line.more |= {"person": row.person, "job": row.job}
    return lines


def _describe(context: Context, lines: list[Line]) -> None:
    """Runs by their jobs' names, with what was measured."""
    by_run = {line.key[1]: line for line in lines}
    for row in store.jobs_of_runs(context.db, [run for run in by_run if run]):
        line = by_run[row.run_id]
        line.more = {"job": row.job, "person": row.person, "status": row.state}
        line.more["experiment"] = row.experiment_name
        if row.measured:
            line.more["measured"] = _measured(row.measured)
    for row in store.running(context.db, Span(0.0, 0.0)):
        if (line := by_run.get(row.run_id)) is not None:
            line.more = {"job": row.job, "person": row.person, "status": "Running"}


def _measured(found: dict[str, float]) -> dict[str, float]:
    return {
        "core_hours": round(found.get("core_seconds", 0.0) / _HOUR, 6),
        "memory_gb_hours": round(found.get("memory_seconds", 0.0) / _GB / _HOUR, 6),
    }


def _summed(lines: Iterable[Line]) -> Line:
    total = Line(())
    for line in lines:
        for name in ("jobs", "core_seconds", "gpu_seconds", "memory_seconds", "byte_seconds"):
            setattr(total, name, getattr(total, name) + getattr(line, name))
        total.bytes += line.bytes
        total.cost += line.cost
    return total


_NAMES = {
    "person": ("person",),
    "workspace": ("workspace",),
    "experiment": ("workspace", "experiment"),
    "job": ("workspace", "run_id"),
    "asset": ("workspace", "asset"),
    "total": (),
}


def _view(by: str, line: Line, table: Table) -> dict[str, Any]:
    return {
        **dict(zip(_NAMES[by], line.key, strict=True)),
        **line.more,
        "jobs": line.jobs,
        "core_hours": round(line.core_seconds / _HOUR, 6),
        "gpu_hours": round(line.gpu_seconds / _HOUR, 6),
        "memory_gb_hours": round(line.memory_seconds / _GB / _HOUR, 6),
        "stored_bytes": line.bytes,
        "stored_gb_months": round(line.byte_seconds / _GB / _MONTH, 6),
        "cost": round(line.cost, 4) if table.currency else None,
    }


def _moment(name: str, filters: Mapping[str, Any], default: float) -> float:
    given = filters.get(name)
    if given is None:
        return default
    try:
        return moment(given)
    except ValueError:
        raise Invalid(
            f"{name} is {given[:50]!r}.", hint="Write it as 2026-01-31T12:00:00Z."
        ) from None
