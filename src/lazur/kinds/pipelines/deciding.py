"""What a pipeline does next. Pure: the graph, and how its children stand, are all that counts.

Each step has an outcome. A step that waits for one that did not end well is `blocked`, one on the
other side of a condition is `skipped`; neither ever becomes a job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lazur.engine.decisions import Cancel, ChildView, Decision, Finish, ParentView, Submit
from lazur.engine.states import FINAL, State
from lazur.kinds.pipelines import control, jobs
from lazur.kinds.pipelines.compiling import Graph, Step

Outcome = Literal[
    "waiting", "ready", "running", "done", "failed", "canceled", "skipped", "blocked"
]

OVER = frozenset({"done", "failed", "canceled", "skipped", "blocked"})
BAD = frozenset({"failed", "canceled", "blocked"})
_AT_ONCE = 64
_OF_CHILD: dict[State, Outcome] = {
    State.COMPLETED: "done",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
}


def decide(view: ParentView) -> list[Decision]:
    if view.state in FINAL:
        return []
    standing = look(view)
    live = [child for child in view.children.values() if child.state not in FINAL]
    if view.cancel_requested:
        if not live:
            return [Finish(State.CANCELED)]
        return _cancel(live, f"Its pipeline {view.name} was canceled.")
    made: list[Decision] = list(standing.submits[:_AT_ONCE])
    if standing.stops:
        ended = [child for child in live if not standing.is_handler(child.step)]
        made += _cancel(ended, _ends_all(standing))
    if made or live:
        return made
    return [_finish(view, standing)]


@dataclass
class Standing:
    """How far all steps are."""

    graph: Graph
    view: ParentView
    stopping: bool
    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    submits: list[Submit] = field(default_factory=list[Submit])
    ways: dict[str, bool] = field(default_factory=dict[str, bool])
    """Which way each condition went."""

    @property
    def stops(self) -> bool:
        """Whether a failed step ends it all."""
        failed = any(outcome in ("failed", "canceled") for outcome in self.outcomes.values())
        return failed and not jobs.says(self.graph["settings"], "continue_on_step_failure", True)

    def is_handler(self, step: str) -> bool:
        """Whether it is there for the case that others fail, or run by a step that is."""
        runner = self.graph["steps"][control.runner(self.graph, step.partition(".")[0])]
        if runner["on_failure"]:
            return True
        return "guard" in runner and self.is_handler(runner["guard"][0])


def look(view: ParentView, *, stopping: bool = False) -> Standing:
    """`stopping`: nothing begins any more but what is there for failures."""
    graph: Graph = view.frozen["graph"]
    standing = Standing(graph, view, stopping)
    for name in graph["order"]:
        standing.outcomes[name] = _outcome(standing, name, graph["steps"][name])
    return standing if standing.stopping or not standing.stops else look(view, stopping=True)


def _outcome(standing: Standing, name: str, step: Step) -> Outcome:
    if "owner" in step:
        return standing.outcomes[step["owner"]]
    before = _before(standing, name, step)
    match step["kind"]:
        case "if_else":
            return _branch(standing, name, step, before)
        case "do_while":
            return _rounds(standing, name, step, before)
        case "parallel_for":
            return _items(standing, name, step, before)
        case _:
            child = standing.view.children.get(name)
            if child is not None:
                return _OF_CHILD.get(child.state, "running")
            if before != "ready":
                return before
            return _begin(standing, [_submit(standing, name, name, {})])


def _begin(standing: Standing, wanted: list[Submit]) -> Outcome:
    """Of a step that goes on with these jobs: once it all stops, it does not."""
    if standing.stopping and not standing.is_handler(wanted[0].step):
        return "blocked"
    standing.submits += wanted
    return "running"


def _before(standing: Standing, name: str, step: Step) -> Outcome:
    """Of a step that is not begun: whether it may."""
    outcomes = [standing.outcomes[control.runner(standing.graph, n)] for n in step["needs"]]
    if "guard" in step:
        by, way = step["guard"]
        outcomes.append(standing.outcomes[by])
        if standing.outcomes[by] == "done" and standing.ways[by] != way:
            return "skipped"
    if any(outcome in BAD for outcome in outcomes):
        return "blocked"
    if "skipped" in outcomes:
        return "skipped"
    if step["on_failure"]:
        watched = [
            standing.outcomes[control.runner(standing.graph, n)] for n in step["on_failure"]
        ]
        if any(outcome not in OVER for outcome in watched):
            return "waiting"
        if not any(outcome in ("failed", "canceled") for outcome in watched):
            return "skipped"
    return "ready" if all(outcome == "done" for outcome in outcomes) else "waiting"


def _branch(standing: Standing, name: str, step: Step, before: Outcome) -> Outcome:
    if before != "ready":
        return before
    way = control.truth(_value(standing, step["spec"]["condition"]))
    if way is None:
        return "failed"
    standing.ways[name] = way
    return "done"


def _rounds(standing: Standing, name: str, step: Step, before: Outcome) -> Outcome:
    body = next(iter(_bodies(standing.graph, name)))
    count = sum(1 for child in standing.view.children if child.partition(".")[0] == body)
    if count == 0:
        if before != "ready":
            return before
        return _begin(standing, [_submit(standing, body, f"{body}.1", {})])
    outcome = _OF_CHILD.get(standing.view.children[f"{body}.{count}"].state, "running")
    if outcome != "done" or count >= step["spec"]["limits"]["max_iteration_count"]:
        return outcome
    again = control.truth(_value(standing, step["spec"]["condition"]))
    if not again:
        return "failed" if again is None else "done"
    given = jobs.mapped(
        step["spec"].get("mapping"), body, lambda port: _output(standing, body, port)
    )
    return _begin(standing, [_submit(standing, body, f"{body}.{count + 1}", given)])


def _items(standing: Standing, name: str, step: Step, before: Outcome) -> Outcome:
    body = next(iter(_bodies(standing.graph, name)))
    begun = {c: child for c, child in standing.view.children.items() if c.startswith(f"{body}.")}
    if not begun and before != "ready":
        return before
    items = control.items_of(_value(standing, step["spec"]["items"]))
    if items is None:
        return "failed"
    live = sum(child.state not in FINAL for child in begun.values())
    room = (step["spec"].get("max_concurrency") or len(items)) - live
    waiting = [key for key in items if f"{body}.{key}" not in begun]
    wanted = [_submit(standing, body, f"{body}.{k}", items[k]) for k in waiting[: max(0, room)]]
    outcome = _begin(standing, wanted) if wanted else "running"
    if live or (waiting and outcome == "running"):
        return "running"
    states = {child.state for child in begun.values()}
    if State.FAILED in states:
        return "failed"
    if State.CANCELED in states:
        return "canceled"
    return "blocked" if waiting else "done"


def _bodies(graph: Graph, name: str) -> Iterator[str]:
    return (other for other, step in graph["steps"].items() if step.get("owner") == name)


def _submit(standing: Standing, name: str, child: str, given: Mapping[str, Any]) -> Submit:
    step = standing.graph["steps"][name]
    return Submit(
        step=child,
        spec=jobs.job(
            standing.graph,
            name,
            standing.view.name,
            given,
            standing.view.children,
            item=child.partition(".")[2],
        ),
        deterministic=step["deterministic"],
        rerun=jobs.says(standing.graph["settings"], "force_rerun", False),
        notes=jobs.notes(step),
    )


def _value(standing: Standing, written: Any) -> Any:
    return jobs.value(standing.graph, standing.view.name, written, standing.view.children)


def _output(standing: Standing, body: str, port: str) -> Any:
    return _value(standing, f"${{{{parent.jobs.{body}.outputs.{port}}}}}")


def _cancel(children: list[ChildView], why: str) -> list[Decision]:
    return [Cancel(child.step, why) for child in children if not child.cancel_requested]


def _ends_all(standing: Standing) -> str:
    blamed = _blamed(standing)
    said = _short(_bad(standing, blamed)[0], blamed)
    return f"It stopped with the pipeline: {said}, and continue_on_step_failure is false."


def _finish(view: ParentView, standing: Standing) -> Finish:
    blamed = _blamed(standing)
    if bad := _bad(standing, blamed):
        return Finish(State.FAILED, _error(view, standing, bad, blamed))
    made = _Made()
    for name, step in standing.graph["steps"].items():
        for port, said in step["outputs"].items():
            if "promoted" in said:
                made.add(standing, name, port, said["promoted"])
    return Finish(
        State.COMPLETED, outputs=made.outputs, gathered=made.gathered, results=made.results
    )


@dataclass
class _Made:
    """The pipeline's own outputs, as `Finish` has them."""

    outputs: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    gathered: dict[str, str] = field(default_factory=dict[str, str])
    results: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, standing: Standing, name: str, port: str, target: str) -> None:
        graph, view = standing.graph, standing.view
        if (body := control.collected(graph, name)) is not None:
            self._add_all(standing, name, body, port, target)
        elif (child := jobs.last_child(graph, name, view.children)) is not None:
            self.outputs[target] = (child.step, port)
            found = child.notes.get("results", {})
            if port in found:
                self.results[target] = found[port]

    def _add_all(self, standing: Standing, name: str, body: str, port: str, target: str) -> None:
        if standing.outcomes[name] != "done":
            return
        view = standing.view
        found = jobs.gathered(standing.graph, view.name, body, port, view.children)
        if isinstance(found, str):
            self.results[target] = found
        else:
            self.gathered[target] = f"{body}.{port}"


def _error(
    view: ParentView, standing: Standing, bad: list[str], blamed: Mapping[str, ChildView]
) -> dict[str, Any]:
    outcomes, steps = standing.outcomes, standing.graph["steps"]
    blocked = [name for name, outcome in outcomes.items() if outcome == "blocked"]
    told_of = [name for name in bad if "owner" not in steps[name]]
    said = [_said(standing, name, blamed, first=name == told_of[0]) for name in told_of]
    shown = "; ".join(said[:3]) + (f"; and {len(said) - 3} more" if len(said) > 3 else "")
    behind = f" Not run because of it: {', '.join(blocked[:10])}." if blocked else ""
    first, advice = next(map(_culprit, blamed.values()), (view.name, ""))
    own = advice.rstrip(".") + ". " if advice else ""
    told = {"advice": advice} if advice else {}
    return {
        "code": "StepFailed",
        "message": f"{shown}.{behind}",
        "hint": f"{own}See its log: lazur job stream -n {first}. After a change of its code or "
        "settings submit the pipeline again: what was done is not done again. Nothing to change? "
        f"Go on from there: lazur job retry -n {view.name}",
        "steps": bad,
        "job": first,
        **told,
    }


def _culprit(child: ChildView) -> tuple[str, str]:
    """Of a pipeline within, the job that failed there; and what that one says to do next."""
    error = child.error or {}
    advice = error.get("advice") if "job" in error else error.get("hint")
    return str(error.get("job") or child.name), str(advice or "")


def _blamed(standing: Standing) -> dict[str, ChildView]:
    """Of each step that ended badly, the job to blame. First what failed, then what ended first:
    others may have been canceled because of it."""
    ended = [c for c in standing.view.children.values() if c.state in _BADLY]
    ended.sort(key=lambda c: (c.state is not State.FAILED, c.ended_at or 0.0))
    found: dict[str, ChildView] = {}
    for child in ended:
        found.setdefault(control.runner(standing.graph, child.step.partition(".")[0]), child)
    return found


_BADLY = {State.FAILED: "failed", State.CANCELED: "was canceled"}


def _bad(standing: Standing, blamed: Mapping[str, ChildView]) -> list[str]:
    """The steps that count as failed, the one to blame for the others first."""
    outcomes, places = standing.outcomes, {name: at for at, name in enumerate(blamed)}
    found = [name for name in outcomes if outcomes[name] in ("failed", "canceled")]
    last = len(places)
    return sorted(found, key=lambda n: (outcomes[n] != "failed", places.get(n, last)))


def _short(name: str, blamed: Mapping[str, ChildView]) -> str:
    child = blamed.get(name)
    return f"step {child.step} {_BADLY[child.state]}" if child else f"step {name} failed"


def _said(standing: Standing, name: str, blamed: Mapping[str, ChildView], *, first: bool) -> str:
    child = blamed.get(name)
    if child is None:
        return f"step {name} failed: {_UNCLEAR[standing.graph['steps'][name]['kind']]}"
    said = str((child.error or {}).get("message") or "").rstrip(".")
    tells = said and (first or child.state is State.FAILED)
    return _short(name, blamed) + (f": {said}" if tells else "")


_UNCLEAR = {
    "if_else": "its condition is neither true nor false",
    "do_while": "its condition is neither true nor false",
    "parallel_for": "its items are no list or mapping of mappings",
}
