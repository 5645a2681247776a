"""Sweeps: what they are decided by, and their trials as people see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lazur.engine.decisions import ParentView
from lazur.engine.states import FINAL, State
from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.kinds.jobs import sweep as rules
from lazur.kinds.sweeps import SweepJob
from lazur.kinds.trials import job_of, sampling_of, space_of
from lazur.services.base.checks import CheckedJob
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.jobs import steps
from lazur.services.jobs.pipelines import Freezing
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.spec.properties import RETRIED
from lazur.store import jobs, parents
from lazur.store.db import AnyRow, Connection
from lazur.store.jobs import JobRow
from lazur.store.mlflow import reports as store

RESULTS = frozenset({"best_child_run_id", "score", "primary_metric_config"})
"""Properties that a sweep gets when it ends."""
_LONGEST_CHAIN = 100
_EXTENDED = ("max_total_trials", "max_concurrent_trials", "timeout", "trial_timeout")


def freeze(context: Context, home: AnyRow, name: str, checked: CheckedJob) -> dict[str, Any]:
    """The parts of `Frozen`. A component stands in place of its name, labels are versions, and a
    trial was made to see that it can be."""
    spec = checked.model
    assert isinstance(spec, SweepJob)
    work = Freezing(context, home)
    value = work.step(checked.value, ())
    value["inputs"] = work.pinned_inputs(value.get("inputs") or {}, ())
    raise_if_errors(work.problems)
    if not isinstance(value["trial"], Mapping):
        raise Invalid("`trial` names no command component.")
    model, found = catalog.validate("sweep-job", value)
    raise_if_errors(found)
    assert model is not None
    value = model.dump()
    space = space_of(value)
    work.check(job_of(value, space.values(space.draw(lambda _path, _law: 0.5)), 0), "command", ())
    raise_if_errors(work.problems)
    before = _before(context, home, spec.properties.get(RETRIED))
    seed = before.get("seed") or sampling_of(value, name).seed
    return {
        "plan": {"sweep": value, "seed": seed, "drawn": before.get("drawn", {})},
        "inputs": {k: v for k, v in spec.inputs.items() if v is not None},
        "compute": spec.compute,
        "recipes": work.recipes,
        "warnings": told(work.problems),
    }


def reports(db: Connection, plan: Mapping[str, Any], children: Sequence[AnyRow]) -> dict[str, Any]:
    """What each trial has reported, by step: its value, and where trials may be stopped, all."""
    sweep = plan.get("sweep")
    if sweep is None:
        return {}
    runs = _runs(db, children)
    key, named = sweep["objective"]["primary_metric"], list(runs.values())
    last = store.last(db, named, key)
    each = store.every(db, named, key) if sweep.get("early_termination") else {}
    return {
        step: {"last": last.get(run), "all": each.get(run, [])}
        for step, run in runs.items()
        if run in last or run in each
    }


def trials(context: Context, row: JobRow) -> list[dict[str, Any]]:
    """In the order in which they began."""
    plan = _plan(context, row)
    children = list(parents.children(context.db, row.id))
    view = _view(context, row, plan, children)
    known = rules.trials_of(view)
    best = rules.best_of(plan["sweep"], known)
    by_step = {child.step: child for child in children}
    return [
        _trial(plan["sweep"], trial, known, by_step[trial.child.step], trial is best)
        for trial in known
    ]


def extended(context: Context, row: JobRow, limits: Mapping[str, Any]) -> dict[str, Any]:
    """The limits of a sweep that goes on with this one. What they may be, its own checks say."""
    if row.type != "sweep":
        raise Invalid(f"Job {row.name!r} is no sweep, and has no trials.")
    if unknown := sorted(limits.keys() - set(_EXTENDED)):
        raise Invalid(f"{unknown[0]!r} is no limit.", hint=f"Limits: {', '.join(_EXTENDED)}.")
    given = {key: value for key, value in limits.items() if value is not None}
    if not given:
        raise Invalid(
            "It is not said how much further the sweep should go.",
            hint=f"Such as: lazur job extend -n {row.name} --max-total-trials 40",
        )
    wanted, begun = given.get("max_total_trials"), len(parents.children(context.db, row.id))
    has_time = given.keys() & {"timeout", "trial_timeout"}
    if isinstance(wanted, int) and 0 < wanted <= begun and not has_time:
        raise Invalid(
            f"The sweep {row.name!r} has {begun} trials already.",
            hint=f"Ask for more than {begun}. To run again those that failed: "
            f"lazur job retry -n {row.name}",
        )
    return {**row.spec["limits"], **given}


def _trial(
    sweep: Mapping[str, Any],
    trial: rules.Trial,
    known: list[rules.Trial],
    row: AnyRow,
    is_best: bool,
) -> dict[str, Any]:
    child = trial.child
    stopped = child.cancel_requested and rules.stop_of(sweep, trial, known)
    seconds = (row.ended_at or 0) - row.started_at if row.started_at and row.ended_at else None
    return {
        "number": trial.number,
        "name": child.name,
        "status": child.state.value,
        "values": child.notes.get("hyperparameters", {}),
        "metric": sweep["objective"]["primary_metric"],
        "score": trial.objective,
        "reports": len(trial.reports) or int(trial.objective is not None),
        "best": is_best,
        "stopped_at": stopped or None,
        "waiting_for": row.waiting_for if child.state not in FINAL else None,
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
        "duration": round(seconds, 4) if seconds is not None else None,
        "error": None if stopped and child.state is State.CANCELED else row.error,
    }


def _view(
    context: Context, row: JobRow, plan: dict[str, Any], children: list[AnyRow]
) -> ParentView:
    seen = steps.parent_view(row, plan, children, context.now())
    return replace(seen, reports=reports(context.db, plan, children))


def _plan(context: Context, row: JobRow) -> dict[str, Any]:
    found = parents.plan(context.db, row.id) if row.type == "sweep" else None
    if found is None:
        raise Invalid(f"Job {row.name!r} is no sweep, and has no trials.")
    return found.plan


def _runs(db: Connection, children: Sequence[AnyRow]) -> dict[str, str]:
    """Whose run to read. A trial that was taken over from the sweep before logged in its own."""
    made: dict[str, str] = {}
    for child in children:
        row: Any = child
        for _ in range(_LONGEST_CHAIN):
            if row is None or row.reused_id is None:
                break
            row = jobs.by_id(db, row.reused_id)
        if row is not None:
            made[child.step] = row.run_id
    return made


def _before(context: Context, home: AnyRow, name: str | None) -> dict[str, Any]:
    """Of the sweep that this one goes on with: its seed, and what was drawn for its trials."""
    row = jobs.by_name(context.db, home.id, name) if name else None
    found = parents.plan(context.db, row.id) if row is not None and row.type == "sweep" else None
    if row is None or found is None:
        return {}
    children = parents.children(context.db, row.id)
    drawn = {child.step: child.notes["draw"] for child in children if child.notes}
    return {"seed": found.plan["seed"], "drawn": {**found.plan["drawn"], **drawn}}
