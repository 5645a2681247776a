"""How a sweep goes on: which trials begin, which are stopped, and which was the best.

`view.frozen` has the sweep as it was written, with its trial in place, under `sweep`; its `seed`;
and what was `drawn` for the trials of a sweep that it goes on with. Trials are numbered from 0, as
their steps. A trial's notes have what was drawn for it. `view.reports` has for each trial what
its run says of the primary metric: its value, `last`, and where trials may be stopped, what it
reported when, in that order: `{"last": value, "all": [[seconds, value], …]}`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lazur.engine.decisions import (
    Cancel,
    ChildView,
    Decision,
    Finish,
    Look,
    Parent,
    ParentView,
    Submit,
)
from lazur.engine.early_stopping import Policy, Report, stopped_at
from lazur.engine.search.sampling import Tried, suggest
from lazur.engine.search.space import Draw
from lazur.engine.states import FINAL, State
from lazur.kinds.trials import job_of, outputs_of, sampling_of, space_of

_NOW_AND_THEN = 10.0
"""Seconds."""
_HOPELESS = 10
"""So many trials failed and none has ended well: the rest is spared."""
_AHEAD = 4
"""So many trials, at most, wait in line for the end of those that run: each begins as soon as one
ends, while it is decided what comes after it."""
_AHEAD_OF_SHORT_ONES = 24
"""And so many where trials end one after the other, so that several are decided at a time."""
_SHORT = 1.0
"""Seconds."""


@dataclass(frozen=True)
class Trial:
    child: ChildView
    reports: list[Report]
    objective: float | None
    """The primary metric of its run, as MLflow has it: what was logged for the highest step, and
    last for that. None where that is no number: a trial that came to nothing is not the best."""

    @property
    def number(self) -> int:
        return int(self.child.step)

    @property
    def is_over(self) -> bool:
        return self.child.state in FINAL

    @property
    def has_failed(self) -> bool:
        return self.child.state is State.FAILED


class Sweep(Parent):
    name = "sweep"
    reads_reports = True

    def advance(self, view: ParentView) -> list[Decision]:
        if view.state in FINAL:
            return []
        sweep: Mapping[str, Any] = view.frozen["sweep"]
        trials = trials_of(view)
        if view.cancel_requested:
            told = _told(sweep, best_of(sweep, trials))
            why = f"Its sweep {view.name} was canceled."
            return _close(trials, Finish(State.CANCELED, properties=told), why)
        begun = _begin(view, sweep, trials)
        ended = _ended_early(view, sweep, trials)
        if not begun and all(trial.is_over for trial in trials):
            return [ended if ended and _cut_short(sweep, trials) else _finish(sweep, trials)]
        if ended is not None:
            return _close(trials, ended, _why(ended, sweep))
        return [*begun, *_stop(sweep, trials), *_look(view, sweep)]


def trials_of(view: ParentView) -> list[Trial]:
    """In the order in which they began."""
    found = [_trial(child, view.reports.get(step, {})) for step, child in view.children.items()]
    return sorted(found, key=lambda trial: trial.number)


def best_of(sweep: Mapping[str, Any], trials: list[Trial]) -> Trial | None:
    """Of those that ended well; where there are none, of those that were stopped. The first of
    several that are alike."""
    maximize = sweep["objective"]["goal"] == "maximize"
    for state in (State.COMPLETED, State.CANCELED):
        known = [t for t in trials if t.child.state is state and t.objective is not None]
        if known:
            return min(known, key=lambda t: _loss(t, maximize) or 0.0)
    return None


def stop_of(sweep: Mapping[str, Any], trial: Trial, trials: list[Trial]) -> int | None:
    """The interval at which the sweep's policy stops the trial."""
    written = sweep.get("early_termination")
    if not written:
        return None
    known = {key: part for key, part in written.items() if key in Policy.__dataclass_fields__}
    others = [
        t.reports
        for t in trials
        if t is trial or not (written.get("exclude_finished_jobs") and t.is_over)
    ]
    maximize = sweep["objective"]["goal"] == "maximize"
    return stopped_at(Policy(**known), maximize, trial.reports, others)


def _trial(child: ChildView, told: Mapping[str, Any]) -> Trial:
    known = [Report(time, value) for time, value in told.get("all", ()) if math.isfinite(value)]
    last: float | None = told.get("last")
    return Trial(child, known, last if last is not None and math.isfinite(last) else None)


def _loss(trial: Trial, maximize: bool) -> float | None:
    value = trial.objective
    return -value if value is not None and maximize else value


def _begin(view: ParentView, sweep: Mapping[str, Any], trials: list[Trial]) -> list[Decision]:
    """As many as there is room for, and a few that are next. What is drawn by the results of
    others waits for these."""
    limits = sweep["limits"]
    space, sampling = space_of(sweep), sampling_of(sweep, view.frozen["seed"])
    total, at_once = limits["max_total_trials"], limits.get("max_concurrent_trials")
    room = total - len(trials)
    if at_once is not None:
        ahead = 0 if sampling.algorithm == "bayesian" else _ahead(view.now, trials, at_once)
        room = min(room, at_once + ahead - sum(not trial.is_over for trial in trials))
    if room <= 0:
        return []
    maximize = sweep["objective"]["goal"] == "maximize"
    history = [Tried(t.child.notes["draw"], _known_loss(t, maximize)) for t in trials]
    number = trials[-1].number + 1 if trials else 0
    made: list[Decision] = []
    drawn: Mapping[str, Draw] = view.frozen.get("drawn", {})
    while len(made) < room:
        draw = drawn.get(str(number)) or suggest(sampling, space, history)
        if draw is None:
            break
        values = space.values(draw)
        notes = {"draw": draw, "hyperparameters": values}
        job = job_of(sweep, values, number)
        made.append(Submit(str(number), job, notes=notes, at_once=at_once))
        number += 1
        history.append(Tried(draw, None))
    return made


def _ahead(now: float, trials: list[Trial], at_once: int) -> int:
    """As many as ended in the last second, so that the line holds for the next one."""
    short = sum(now - t.child.ended_at < _SHORT for t in trials if t.child.ended_at is not None)
    return max(min(at_once, _AHEAD), min(short, _AHEAD_OF_SHORT_ONES))


def _known_loss(trial: Trial, maximize: bool) -> float | None:
    """None while it runs, and where it failed: then its values are no good, whatever it logged."""
    return _loss(trial, maximize) if trial.is_over and not trial.has_failed else None


def _stop(sweep: Mapping[str, Any], trials: list[Trial]) -> list[Decision]:
    policy: Mapping[str, Any] = sweep.get("early_termination") or {}
    running = [t for t in trials if not t.is_over and not t.child.cancel_requested]
    return [
        Cancel(trial.child.step, f"The policy {policy['type']} stopped it at interval {interval}.")
        for trial in running
        if (interval := stop_of(sweep, trial, trials)) is not None
    ]


def _look(view: ParentView, sweep: Mapping[str, Any]) -> list[Decision]:
    """At its deadline, and now and then where trials may be stopped: a report may come in by a way
    that tells nobody."""
    seconds = sweep["limits"].get("timeout")
    moments = [] if seconds is None else [view.created_at + seconds]
    if sweep.get("early_termination"):
        moments.append(view.now + _NOW_AND_THEN)
    return [Look(min(moments))] if moments else []


def _ended_early(view: ParentView, sweep: Mapping[str, Any], trials: list[Trial]) -> Finish | None:
    """What it ends as, when it does not go on although it might."""
    seconds = sweep["limits"].get("timeout")
    if seconds is not None and view.now >= view.created_at + seconds:
        told = _told(sweep, best_of(sweep, trials))
        return Finish(State.CANCELED, _timed_out(view, seconds, trials), properties=told)
    failed = [trial for trial in trials if trial.has_failed]
    fine = any(trial.child.state is State.COMPLETED for trial in trials)
    if len(failed) >= _HOPELESS and not fine:
        return Finish(State.FAILED, _failures(failed, trials))
    return None


def _why(ended: Finish, sweep: Mapping[str, Any]) -> str:
    """Its trials end with it."""
    if ended.state is State.CANCELED:
        return f"Its sweep reached its `limits.timeout` of {sweep['limits']['timeout']:g} seconds."
    return f"Its sweep was given up: the first {_HOPELESS} trials failed, and none ended well."


def _cut_short(sweep: Mapping[str, Any], trials: list[Trial]) -> bool:
    """Whether some were canceled that would have gone on."""
    asked = [trial for trial in trials if trial.child.state is State.CANCELED]
    return any(stop_of(sweep, trial, trials) is None for trial in asked)


def _close(trials: list[Trial], ended: Finish, why: str) -> list[Decision]:
    """First the trials end, then the sweep does."""
    running = [trial.child for trial in trials if not trial.is_over]
    if not running:
        return [ended]
    return [Cancel(child.step, why) for child in running if not child.cancel_requested]


def _finish(sweep: Mapping[str, Any], trials: list[Trial]) -> Finish:
    best = best_of(sweep, trials)
    if best is None:
        failed = [trial for trial in trials if trial.has_failed]
        hopeless = len(failed) == len(trials)
        error = _failures(failed, trials) if hopeless else _no_metric(sweep, trials)
        return Finish(State.FAILED, error)
    outputs = {name: (best.child.step, name) for name in outputs_of(sweep)}
    return Finish(State.COMPLETED, outputs=outputs, properties=_told(sweep, best))


def _told(sweep: Mapping[str, Any], best: Trial | None) -> dict[str, str]:
    """Under the names that Azure's clients look for."""
    objective = sweep["objective"]
    config = {"name": objective["primary_metric"], "goal": objective["goal"]}
    told = {"primary_metric_config": json.dumps(config)}
    if best is not None:
        told |= {"best_child_run_id": best.child.name, "score": repr(best.objective)}
    return told


def _timed_out(view: ParentView, seconds: float, trials: list[Trial]) -> dict[str, Any]:
    deadline = view.created_at + seconds
    ends = [trial.child.ended_at for trial in trials]
    over = sum(end is not None and end < deadline for end in ends)
    return {
        "code": "SweepTimeout",
        "message": f"The sweep ran for its `limits.timeout` of {seconds:g} seconds; "
        f"{over} of {len(trials)} trials had ended by then.",
        "hint": "Raise `limits.timeout`, or run more trials at a time.",
    }


def _failures(failed: list[Trial], trials: list[Trial]) -> dict[str, Any]:
    first = failed[0].child
    said = (first.error or {}).get("message")
    return {
        "code": "TrialsFailed",
        "message": f"{len(failed)} of {len(trials)} trials failed and none ended well. The first, "
        f"{first.name}" + (f": {said}" if said else " has no more to say."),
        "hint": f"See its log: lazur job stream --name {first.name}",
    }


def _no_metric(sweep: Mapping[str, Any], trials: list[Trial]) -> dict[str, Any]:
    metric = sweep["objective"]["primary_metric"]
    example = next(t.child.name for t in trials if not t.has_failed)
    return {
        "code": "MetricMissing",
        "message": f"No trial that ended well logged the primary metric {metric!r}, so that none "
        "is the best.",
        "hint": f"Log it by exactly this name: mlflow.log_metric({metric!r}, value). "
        f"What a trial logged: lazur run show {example}",
    }
