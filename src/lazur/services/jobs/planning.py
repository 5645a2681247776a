"""What submitting a job would do: which of its steps would run and why, which were done before,
and which environments would be built. Nothing is written.

It decides as the loop does, with steps that were done before as if they had just ended. Content
that is not on the server yet is no obstacle here: who asks says what is in it, so that a step's
reason to run names its files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from lazur.engine.decisions import ChildView, ParentView, Submit
from lazur.engine.recipe import Recipe
from lazur.engine.states import State
from lazur.errors import BlobsMissing, Invalid, LazurError
from lazur.kinds.pipelines import bindings, control, deciding
from lazur.kinds.pipelines import jobs as step_jobs
from lazur.kinds.pipelines.compiling import Graph, Step
from lazur.kinds.pipelines.steps import CONTROL, body, kind_of, mapping
from lazur.services.assets import environments
from lazur.services.base import checks
from lazur.services.base.access import Resource
from lazur.services.base.checks import CheckedJob
from lazur.services.base.lent import Lent
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs import drafts
from lazur.services.jobs.drafts import Place
from lazur.services.jobs.pipelines import Freezing
from lazur.services.jobs.reuse import Reuse
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.store import builds
from lazur.store.db import AnyRow

_NEW = "some of its content is not on the server yet"
_UNREAD = "what its environment is built from is not on the server yet"
_PREVIEW = "preview"


def plan(context: Context, workspace: str, spec: Any, manifests: Any = ()) -> dict[str, Any]:
    """`manifests`: of content that was not sent."""
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    home = open_workspace(context, workspace, "workspaces/jobs/write")
    is_told = isinstance(manifests, list | tuple) and all(
        isinstance(text, str) for text in cast("list[Any]", manifests)
    )
    if not isinstance(spec, dict) or not is_told:
        raise Invalid('The body must be {"job": {…}, "trees": ["…"]}.')
    checked = checks.job(cast("dict[str, Any]", spec))
    context.lent = Lent.of(cast("list[str]", manifests))
    work = _Tolerant(context, home)
    name = checked.model.name or _PREVIEW
    if checked.type == "pipeline":
        steps = _Walk(context, home, work, (name,), "").steps(checked)
    else:
        steps = [_alone(context, home, work, name, checked)]
    notes = [*checked.warnings, *told(work.problems)]
    return {
        "steps": steps,
        "environments": [
            *(_built(context, recipe, name) for recipe, name in work.recipes),
            *({"name": name, "state": "missing", "build": True} for name in work.unread.values()),
        ],
        "warnings": list(dict.fromkeys(notes)),
    }


def _alone(
    context: Context, home: AnyRow, work: Freezing, name: str, checked: CheckedJob
) -> dict[str, Any]:
    """A job without steps always runs."""
    why = "jobs that are submitted by themselves always run"
    try:
        draft = drafts.make(context, home, name, checked)
        if draft.found.recipe is not None:
            work.needs(draft.found.recipe, draft.found.environment_name)
        for recipe, of in draft.frozen.recipes if draft.frozen else ():
            work.needs(recipe, of)
    except BlobsMissing:
        why = _NEW
        work.step(dict(checked.value), ())
    return _step(checked.value.get("display_name") or name, checked.type, "run", why)


class _Tolerant(Freezing):
    """Looks everything up without what the client would still have to send."""

    def __init__(self, context: Context, home: AnyRow) -> None:
        super().__init__(context, home)
        self.unread: dict[str, str] = {}
        """Environments whose Dockerfile was not sent, by how they are written: their names."""

    def resolve(self, written: Any) -> environments.Found | None:
        try:
            return super().resolve(written)
        except BlobsMissing:
            self.unread[_text(written)] = environments.shown(written)
            return None

    def is_unread(self, spec: Mapping[str, Any]) -> bool:
        """Whether nobody can tell if this job's environment is the one that it was."""
        holders = spec, mapping(spec.get("task"))
        return any(_text(holder.get("environment")) in self.unread for holder in holders)


def _text(written: Any) -> str:
    return json.dumps(written, sort_keys=True)


class _Walk:
    """Of one pipeline. What runs stays unfinished, so that what needs it is left waiting."""

    def __init__(
        self,
        context: Context,
        home: AnyRow,
        work: _Tolerant,
        names: tuple[str, ...],
        prefix: str,
    ) -> None:
        """`names`: of the pipeline, and of those that it is a step of."""
        self._context = context
        self._home = home
        self._work = work
        self._names = names
        self._name = names[0]
        self._prefix = prefix
        self._children: dict[str, ChildView] = {}
        self._told: dict[str, list[dict[str, Any]]] = {}

    def steps(self, checked: CheckedJob) -> list[dict[str, Any]]:
        problems = self._work.problems
        known = len(problems) if len(self._names) > 1 else None
        value = self._work.expanded(checked.value, ())
        graph = self._graph = self._work.graph(value, self._name, ())
        raise_if_errors(problems)
        if known is not None:
            del problems[known:]  # of what lies within it was told where it stands
        for step in graph["steps"].values():
            # All items are told, not those alone that begin together.
            step["spec"].pop("max_concurrency", None)
        standing = self._standing = self._decide(graph)
        return [one for name in graph["order"] for one in self._lines(graph, standing, name)]

    def made(self) -> dict[str, Any] | None:
        """The outputs, where all steps were done before, as those that did them left them. None:
        nobody can tell one of them yet, as all that a loop made, which is found by the name of a
        job that is not there."""
        if deciding.BAD & set(self._standing.outcomes.values()):
            return None
        found: dict[str, Any] = {}
        for name, step in self._graph["steps"].items():
            for port, said in step["outputs"].items():
                if "promoted" not in said:
                    continue
                if control.collected(self._graph, name) is not None:
                    return None
                bound = f"${{{{parent.jobs.{name}.outputs.{port}}}}}"
                value = step_jobs.value(self._graph, self._name, bound, self._children)
                if value is not None:
                    found[said["promoted"]] = value
        return found if found.keys() == self._graph["outputs"].keys() else None

    def _decide(self, graph: Graph) -> deciding.Standing:
        while True:
            standing = deciding.look(self._view(graph))
            new = [one for one in standing.submits if one.step not in self._children]
            if not new:
                return standing
            for one in new:
                self._submit(graph, one)

    def _view(self, graph: Graph) -> ParentView:
        now = self._context.now()
        frozen = {"graph": graph}
        return ParentView(self._name, State.RUNNING, frozen, self._children, False, now, now)

    def _submit(self, graph: Graph, wanted: Submit) -> None:
        name, step = step_jobs.child_name(self._name, wanted.step), wanted.step
        state, made_by = State.RUNNING, name
        notes: dict[str, Any] = wanted.notes
        kind = graph["steps"][step.partition(".")[0]]["kind"]
        if kind == "pipeline":
            names, prefix = (name, *self._names), f"{self._prefix}{step}."
            inner = _Walk(self._context, self._home, self._work, names, prefix)
            below = inner.steps(checks.job(wanted.spec))
            will, why = _summed(below, "steps")
            self._told[step] = [self._step(step, kind, will, why), *below]
            if will == "reuse" and (made := inner.made()) is not None:
                state, notes = State.COMPLETED, {**notes, "results": made}
        elif (loop := self._gathered(graph, wanted)) is not None:
            why = f"it depends on what {loop} gives, whose items were done before"
            self._told[step] = [self._step(step, kind, "maybe", why)]
        else:
            found = self._look(name, wanted)
            row = found.row if isinstance(found, Reuse) else None
            will = "run" if row is None else "reuse"
            why = found.why if isinstance(found, Reuse) else found
            if why == _NEW and self._work.is_unread(wanted.spec):
                will, why = "maybe", _UNREAD
            self._told[step] = [self._step(step, kind, will, why, row.name if row else None)]
            if row is not None:
                state, made_by = State.COMPLETED, row.name
                kept: dict[str, Any] = row.notes or {}
                notes = {**notes, "results": kept.get("results", {})}
        self._children[step] = ChildView(step, made_by, made_by, state, False, notes)

    def _gathered(self, graph: Graph, wanted: Submit) -> str | None:
        """The loop whose items' outputs it takes all: which they are is known when it begins."""
        mine = f"azureml://jobs/{self._name}/outputs/"
        for one in mapping(wanted.spec.get("inputs")).values():
            path = str(mapping(one).get("path"))
            if path.startswith(mine):
                return control.runner(graph, path.removeprefix(mine).partition(".")[0])
        return None

    def _look(self, name: str, wanted: Submit) -> Reuse | str:
        """Whether it was done before; or why nobody can say so."""
        place = Place(
            parent_id=0,
            step=wanted.step,
            notes=wanted.notes,
            deterministic=wanted.deterministic,
            rerun=wanted.rerun,
            above=self._names,
        )
        try:
            draft = drafts.make(self._context, self._home, name, checks.job(wanted.spec), place)
        except BlobsMissing:
            return _NEW
        except LazurError as error:
            return f"it could not begin: {error.message}"
        return draft.reuse or "steps of this kind always run"

    def _lines(
        self, graph: Graph, standing: deciding.Standing, name: str
    ) -> Iterable[dict[str, Any]]:
        told = [self._told[s] for s in self._told if s == name or s.startswith(f"{name}.")]
        if told:
            return [line for lines in told for line in lines]
        return self._not_begun(graph, standing, name)

    def _not_begun(
        self, graph: Graph, standing: deciding.Standing, name: str
    ) -> list[dict[str, Any]]:
        step, outcome = graph["steps"][name], standing.outcomes[name]
        if outcome in ("running", "done") and (items := self._items(name)):
            return [self._step(name, step["kind"], *_summed(items, "items"))]
        if outcome == "waiting" and _begins(graph, name):
            waited = graph["steps"][control.runner(graph, name)]["needs"]
            inner = _within(step["spec"], f"{self._prefix}{name}.", step["kind"], name)
            return [self._step(name, step["kind"], *self._awaited(waited)), *inner]
        if (why := _undecided(step, outcome)) is not None:
            return [self._step(name, step["kind"], *why)]
        return self._after(graph, name)

    def _after(self, graph: Graph, name: str) -> list[dict[str, Any]]:
        """It waits: for data of a step that runs, or for its end alone."""
        step = graph["steps"][name]
        makers = {ref.step for ref in bindings.refs(step["inputs"]) if ref.kind == "step_output"}
        if not all(map(self._is_done, makers)):
            inner = _within(step["spec"], f"{self._prefix}{name}.", step["kind"], name)
            return [self._step(name, step["kind"], *self._awaited(makers)), *inner]
        spec = step_jobs.job(graph, name, self._name, {}, self._children)
        rerun = step_jobs.says(graph["settings"], "force_rerun", False)
        self._submit(
            graph, Submit(name, spec, step["deterministic"], rerun, step_jobs.notes(step))
        )
        return self._told[name]

    def _awaited(self, makers: Iterable[str]) -> tuple[str, str]:
        """Of a step that takes what these make, of which some are not done."""
        open_ = sorted(maker for maker in makers if not self._is_done(maker))
        wills = {self._will(maker) for maker in open_}
        if "run" in wills:
            return "run", f"its inputs come of {', '.join(open_)}, which runs"
        return "maybe", f"it depends on what {', '.join(open_)} gives"

    def _will(self, maker: str) -> str:
        if maker in self._told:
            return self._told[maker][0]["will"]
        items = self._items(maker)
        return _summed(items, "items")[0] if items else "run"

    def _items(self, loop: str) -> list[dict[str, Any]]:
        """What is told of the jobs that a loop begins; which rounds follow nobody knows."""
        found = self._graph["steps"]
        if found[loop]["kind"] != "parallel_for":
            return []
        return [
            lines[0]
            for step, lines in self._told.items()
            if found[step.partition(".")[0]].get("owner") == loop
        ]

    def _is_done(self, step: str) -> bool:
        child = self._children.get(step)
        return child is not None and child.state is State.COMPLETED

    def _step(
        self, name: str, kind: str, will: str, why: str, made_by: str | None = None
    ) -> dict[str, Any]:
        return _step(f"{self._prefix}{name}", kind, will, why, made_by)


def _summed(below: list[dict[str, Any]], parts: str) -> tuple[str, str]:
    """Of a pipeline within, by its steps; of a loop, by its items."""
    wills = {one["will"] for one in below}
    if "run" in wills:
        return "run", f"some of its {parts} run"
    if "maybe" in wills:
        return "maybe", f"some of its {parts} may run"
    return "reuse", f"all its {parts}"


def _begins(graph: Graph, name: str) -> bool:
    """Whether it is a loop, or the body of one, that goes around at least once, whatever the steps
    before it make: it waits for their end alone."""
    loop = graph["steps"][control.runner(graph, name)]
    if "guard" in loop or loop["on_failure"]:
        return False
    items = loop["spec"].get("items")
    is_written = "${{" not in str(items) and bool(control.items_of(items))
    return loop["kind"] == "do_while" or (loop["kind"] == "parallel_for" and is_written)


def _undecided(step: Step, outcome: deciding.Outcome) -> tuple[str, str] | None:
    """What will become of a step on which others decide, and why. None: it runs, sooner or
    later."""
    if outcome == "done":
        return "decide", "it is decided already"
    if outcome in deciding.OVER:
        return "skip", "its condition goes the other way"
    if step["on_failure"]:
        return "maybe", f"it runs if one of these fails: {', '.join(step['on_failure'])}"
    if "guard" in step:
        return "maybe", f"it depends on {step['guard'][0]}, which is not decided yet"
    if step["kind"] in CONTROL.values() or "owner" in step:
        return "maybe", "it depends on what steps before it make"
    return None


def _within(
    spec: Mapping[str, Any], prefix: str, kind: str, above: str
) -> Iterator[dict[str, Any]]:
    """The steps of a pipeline that waits: what they are given is not known, and so neither is
    which of them were done before."""
    if kind != "pipeline":
        return
    for name, step in mapping(spec.get("jobs")).items():
        inner = kind_of(mapping(step))
        yield _step(f"{prefix}{name}", inner, "maybe", f"it depends on what {above} is given")
        below = {"jobs": (body(mapping(step)) or mapping(step)).get("jobs")}
        yield from _within(below, f"{prefix}{name}.", inner, above)


def _step(name: str, kind: str, will: str, why: str, made_by: str | None = None) -> dict[str, Any]:
    """`will`: run, reuse, maybe, skip, decide."""
    return {"name": name, "type": kind, "will": will, "why": why, "reused_from": made_by}


def _built(context: Context, recipe: Recipe, name: str) -> dict[str, Any]:
    row = builds.by_key(context.db, context.site.builder.key(recipe))
    state = row.state if row is not None else "missing"
    return {"name": name, "state": state, "build": state not in ("ready", "building", "waiting")}
