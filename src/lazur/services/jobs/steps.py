"""What a job consists of, for people: its steps, how far they are, and why not further."""

from __future__ import annotations

from typing import Any

from lazur.engine.decisions import ChildView, ParentView
from lazur.engine.states import FINAL, State
from lazur.kinds.pipelines import control, deciding
from lazur.kinds.pipelines.compiling import Graph
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.store import parents
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

_ENDED = {
    "done": State.COMPLETED.value,
    "failed": State.FAILED.value,
    "canceled": State.CANCELED.value,
    "skipped": "Skipped",
    "blocked": "NotRun",
}


def view(context: Context, row: JobRow) -> dict[str, Any]:
    """What is added to the view of a job: nothing for one without steps."""
    reuse: dict[str, Any] = row.resolved.get("reuse") or {}
    found: dict[str, Any] = {}
    if row.step is not None:
        found["parent_job_name"] = row.parent_name
        found["step"] = row.step
    if reuse:
        found["reuse"] = reuse
    plan = _plan(context, row)
    if plan is not None:
        found |= _written(plan)
        found["steps"] = of(context, row, plan)
    return found


def written(context: Context, row: JobRow) -> dict[str, Any]:
    """The part of its spec that is kept beside the row."""
    plan = _plan(context, row)
    return _written(plan) if plan is not None else {}


def of(context: Context, row: JobRow, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """In the order in which they can run; each round of a loop is one."""
    graph: Graph | None = plan.get("graph")
    children = list(parents.children(context.db, row.id))
    reused = _reused(context, children)
    if graph is None:
        return [_begun(child, reused) for child in children]
    standing = deciding.look(parent_view(row, plan, children, context.now()))
    mine: dict[str, list[AnyRow]] = {}
    for child in children:
        mine.setdefault(child.step.partition(".")[0], []).append(child)
    made: list[dict[str, Any]] = []
    for name in graph["order"]:
        made += [_begun(child, reused) for child in mine.get(name, ())]
        if name not in mine:
            made.append(_not_begun(graph, name, standing, row))
    return made


def parent_view(
    row: JobRow, plan: dict[str, Any], children: list[AnyRow], now: float
) -> ParentView:
    """What the rules of a parent see of it."""
    return seen(row, plan, {child.step: child_view(child) for child in children}, now)


def seen(
    row: JobRow, plan: dict[str, Any], children: dict[str, ChildView], now: float
) -> ParentView:
    return ParentView(
        name=row.name,
        state=State(row.state),
        frozen=plan,
        children=children,
        cancel_requested=row.cancel_requested,
        now=now,
        created_at=row.created_at,
    )


def child_view(row: AnyRow) -> ChildView:
    return ChildView(
        step=row.step,
        name=row.name,
        run_id=row.run_id,
        state=State(row.state),
        cancel_requested=row.cancel_requested,
        notes=row.notes or {},
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
    )


def _plan(context: Context, row: JobRow) -> dict[str, Any] | None:
    found = parents.plan(context.db, row.id) if row.nodes == 0 else None
    return found.plan if found is not None else None


def _written(plan: dict[str, Any]) -> dict[str, Any]:
    return {"jobs": plan["jobs"]} if "jobs" in plan else {}


def _reused(context: Context, children: list[AnyRow]) -> dict[int, str]:
    ids = [child.reused_id for child in children if child.reused_id is not None]
    return parents.names(context.db, ids) if ids else {}


def _begun(child: AnyRow, reused: dict[int, str]) -> dict[str, Any]:
    ended = child.ended_at
    seconds = (ended - child.started_at) if ended and child.started_at else None
    return {
        "name": child.step,
        "type": child.type,
        "job": child.name,
        "status": child.state,
        "reused_from": reused.get(child.reused_id),
        "waiting_for": child.waiting_for if child.state not in FINAL else None,
        "started_at": iso(child.started_at),
        "ended_at": iso(ended),
        "duration": round(seconds, 4) if seconds is not None else None,
        "error": child.error,
    }


def _not_begun(
    graph: Graph, name: str, standing: deciding.Standing, row: JobRow
) -> dict[str, Any]:
    step = graph["steps"][name]
    over = row.state in FINAL
    return {
        "name": name,
        "type": step["kind"],
        "job": None,
        "status": _state(graph, name, standing, row),
        "reused_from": None,
        "waiting_for": None if over else _waits(step, standing),
        "started_at": None,
        "ended_at": None,
        "duration": None,
        "error": None,
    }


def _state(graph: Graph, name: str, standing: deciding.Standing, row: JobRow) -> str:
    """A loop, which is no job itself, runs as soon as its body does."""
    outcome = standing.outcomes[name]
    if outcome in deciding.OVER:
        return _ENDED[outcome]
    begun = {control.runner(graph, c.partition(".")[0]) for c in standing.view.children}
    if row.state in FINAL:
        return row.state if name in begun else "NotRun"
    return "Running" if name in begun else "NotStarted"


def _waits(step: Any, standing: deciding.Standing) -> str | None:
    open_ = [n for n in step["needs"] if standing.outcomes.get(n) not in deciding.OVER]
    return ", ".join(open_[:5]) or None
