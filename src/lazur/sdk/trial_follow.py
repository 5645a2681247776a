"""Following a sweep: each trial's state as it changes, its values and score, and the best so
far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lazur.engine.states import FINAL
from lazur.sdk.durations import duration
from lazur.sdk.events import events
from lazur.sdk.hyperparameters import leaves, shown
from lazur.sdk.lines import Lines, Logs
from lazur.sdk.scope import Scope
from lazur.sdk.views import Job

_TOLD = frozenset({"Running", *(str(state) for state in FINAL)})
_LONGEST = 100


def tell_trials(
    scope: Scope,
    name: str,
    lines: Lines,
    logs: Logs | None,
    on_change: Callable[[Job], None] | None = None,
    prefix: str = "",
) -> Job:
    """A line for each change of a trial until the sweep is over. `prefix` stands before each
    trial's number."""
    board = _Board(lines, logs, f"{prefix}trial ")
    view: dict[str, Any] = {}
    for view in events(scope, name):
        if on_change is not None:
            on_change(Job(view))
        if board.is_behind(view):
            board.tell(_trials(scope, name))
    return Job(view)


def sum_up(scope: Scope, job: Job) -> str:
    return _summary(_trials(scope, job.name))


class _Board:
    """What was said of the trials so far."""

    def __init__(self, lines: Lines, logs: Logs | None, prefix: str) -> None:
        self._prefix = prefix
        self._lines = lines
        self._logs = logs
        self._said: dict[str, str] = {}
        self._read: set[str] = set()
        self._best: Any = None

    def is_behind(self, view: Mapping[str, Any]) -> bool:
        """Trials are asked for where there is something to say."""
        steps: list[dict[str, Any]] = view.get("steps") or []
        return any(s["status"] in _TOLD and self._said.get(s["job"]) != s["status"] for s in steps)

    def tell(self, trials: list[dict[str, Any]]) -> None:
        best = next((trial["number"] for trial in trials if trial["best"]), None)
        width = len(str(len(trials)))
        for trial in trials:
            state = trial["status"]
            if state in _TOLD and self._said.get(trial["name"]) != state:
                new_best = trial["number"] == best and best != self._best
                self._tell_one(trial, width, new_best=new_best)
                self._said[trial["name"]] = state
                self._open(trial)
        self._best = best

    def _tell_one(self, trial: dict[str, Any], width: int, *, new_best: bool) -> None:
        state = "Stopped" if trial["stopped_at"] is not None else trial["status"]
        said = self._lines.style(f"{state:<9}", trial["status"])
        values = "" if trial["name"] in self._said else _values(trial)
        parts = [f"{self._prefix}{trial['number']:<{width}}", said, values, _detail(trial)]
        best = self._lines.style("best so far", "Completed") if new_best else ""
        self._lines.say("  ".join(part for part in (*parts, best) if part).rstrip())

    def _open(self, trial: dict[str, Any]) -> None:
        """Follow its log from when it is there, once. A short trial is first seen when it is
        over."""
        name, begun = trial["name"], trial["started_at"] is not None
        if self._logs is None or not begun or name in self._read:
            return
        self._read.add(name)
        self._logs.follow(name, f"{self._prefix}{trial['number']}")


def _trials(scope: Scope, name: str) -> list[dict[str, Any]]:
    return scope.http.request("GET", scope.path("jobs", name, "trials")).json()["value"]


def _detail(trial: dict[str, Any]) -> str:
    """Of a trial that is over."""
    if trial["status"] == "Running":
        return ""
    parts: list[str] = []
    if error := trial["error"]:
        parts.append(str(error.get("message") or "").split("\n", 1)[0].rstrip("."))
    if trial["score"] is not None:
        parts.append(f"{trial['metric']} {trial['score']:.6g}")
    if trial["stopped_at"] is not None:
        parts.append(f"at interval {trial['stopped_at']}")
    if trial["duration"] is not None:
        parts.append(f"after {duration(trial['duration'])}")
    return ", ".join(parts)


def _values(trial: Mapping[str, Any]) -> str:
    """`rate=0.01 depth=4`."""
    text = " ".join(f"{name}={shown(value)}" for name, value in leaves(trial["values"]))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _summary(trials: list[dict[str, Any]]) -> str:
    if not trials:
        return "No trials."
    count = Counter(_word(trial) for trial in trials)
    parts = ", ".join(f"{number} {word}" for word, number in count.items())
    said = f"{len(trials)} trial{'s' if len(trials) != 1 else ''}: {parts}."
    best = next((trial for trial in trials if trial["best"]), None)
    if best is None:
        return said
    score = f"{best['metric']} {best['score']:.6g}"
    return f"{said} Best: trial {best['number']} ({best['name']}), {score}, {_values(best)}"


def _word(trial: Mapping[str, Any]) -> str:
    return "stopped" if trial["stopped_at"] is not None else str(trial["status"]).lower()
