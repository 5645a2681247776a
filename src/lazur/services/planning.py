"""What submitting a job would do: which of its steps would run and why, which were done before,
and which environments would be built. Nothing is written.

It decides as the loop does, with steps that were done before as if they had just ended. Content
that is not on the server yet is no obstacle here: a step that it belongs to runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lazur.engine.decisions import ChildView, ParentView, Submit
from lazur.engine.recipe import Recipe
from lazur.engine.states import State
from lazur.errors import BlobsMissing, LazurError
from lazur.kinds.pipelines import bindings, deciding
from lazur.kinds.pipelines import jobs as step_jobs
from lazur.kinds.pipelines.compiling import Graph
from lazur.services import checks, drafts, environments
from lazur.services.access import Resource
from lazur.services.checks import CheckedJob
from lazur.services.drafts import Place
from lazur.services.pipelines import Freezing
from lazur.services.reuse import Reuse
from lazur.services.site import Context
from lazur.services.workspaces import open_workspace
from lazur.spec.diagnostics import raise_if_errors, warnings_of
from lazur.store import builds
from lazur.store.db import AnyRow

_NEW = "some of its content is not on the server yet"
_PREVIEW = "preview"


def plan(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    checked = checks.job(spec)
    home = open_workspace(context, workspace, "workspaces/jobs/write")
    work = _Tolerant(context, home)
    name = checked.model.name or _PREVIEW
    if checked.type == "pipeline":
        steps = _Walk(context, home, work, name, "").steps(checked)
    else:
        steps = [_alone(context, home, work, name, checked)]
    return {
        "steps": steps,
        "environments": [_built(context, recipe, name) for recipe, name in work.recipes],
        "warnings": [*checked.warnings, *(d.message for d in warnings_of(work.problems))],
    }


def _alone(
    context: Context, home: AnyRow, work: Freezing, name: str, checked: CheckedJob
) -> dict[str, Any]:
    """A job without steps always runs."""
    why = "jobs that are submitted by themselves always run"
    try:
        found = drafts.make(context, home, name, checked).found
        if found.recipe is not None:
            work.needs(found.recipe, found.environment_name)
    except BlobsMissing:
        why = _NEW
        written = checked.value.get("environment")
        if written is not None and (resolved := work.resolve(written)) is not None:
            work.needs(resolved.recipe, resolved.name)
    return _step(checked.value.get("display_name") or name, checked.type, "run", why)


class _Tolerant(Freezing):
    """Looks everything up without what the client would still have to send."""

    def check(self, spec: dict[str, Any], kind: str, path: tuple[str, ...]) -> None:
        try:
            super().check(spec, kind, path)
        except BlobsMissing:
            return

    def resolve(self, written: Any) -> environments.Found | None:
        try:
            return super().resolve(written)
        except BlobsMissing:
            return None


class _Walk:
    """Of one pipeline. What runs stays unfinished, so that what needs it is left waiting."""

    def __init__(
        self, context: Context, home: AnyRow, work: Freezing, name: str, prefix: str
    ) -> None:
        self._context = context
        self._home = home
        self._work = work
        self._name = name
        self._prefix = prefix
        self._children: dict[str, ChildView] = {}
        self._told: dict[str, list[dict[str, Any]]] = {}

    def steps(self, checked: CheckedJob) -> list[dict[str, Any]]:
        value = self._work.expanded(checked.value, ())
        graph = self._work.graph(value, self._name, ())
        raise_if_errors(self._work.problems)
        standing = self._decide(graph)
        return [one for name in graph["order"] for one in self._lines(graph, standing, name)]

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
            inner = _Walk(self._context, self._home, self._work, name, f"{self._prefix}{step}.")
            below = inner.steps(checks.job(wanted.spec))
            runs = any(one["will"] != "reuse" for one in below)
            will, why = ("run", "some of its steps run") if runs else ("reuse", "all its steps")
            self._told[step] = [self._step(step, kind, will, why), *below]
        else:
            found = self._look(name, wanted)
            row = found.row if isinstance(found, Reuse) else None
            will = "run" if row is None else "reuse"
            why = found.why if isinstance(found, Reuse) else found
            self._told[step] = [self._step(step, kind, will, why, row.name if row else None)]
            if row is not None:
                state, made_by = State.COMPLETED, row.name
                kept: dict[str, Any] = row.notes or {}
                notes = {**notes, "results": kept.get("results", {})}
        self._children[step] = ChildView(step, made_by, made_by, state, False, notes)

    def _look(self, name: str, wanted: Submit) -> Reuse | str:
        """Whether it was done before; or why nobody can say so."""
        place = Place(0, wanted.step, wanted.notes, wanted.deterministic, wanted.rerun)
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
        return [self._not_begun(graph, standing, name)]

    def _not_begun(self, graph: Graph, standing: deciding.Standing, name: str) -> dict[str, Any]:
        step, outcome = graph["steps"][name], standing.outcomes[name]
        if outcome == "done":
            return self._step(name, step["kind"], "decide", "it is decided already")
        if outcome in deciding.OVER:
            return self._step(name, step["kind"], "skip", "its condition goes the other way")
        if step["on_failure"]:
            others = ", ".join(step["on_failure"])
            return self._step(
                name, step["kind"], "maybe", f"it runs if one of these fails: {others}"
            )
        if "guard" in step:
            why = f"it depends on {step['guard'][0]}, which is not decided yet"
            return self._step(name, step["kind"], "maybe", why)
        if step["kind"] in ("if_else", "do_while", "parallel_for") or "owner" in step:
            why = "it depends on what steps before it make"
            return self._step(name, step["kind"], "maybe", why)
        return self._after(graph, name)

    def _after(self, graph: Graph, name: str) -> dict[str, Any]:
        """It waits: for data of a step that runs, or for its end alone."""
        step = graph["steps"][name]
        makers = {ref.step for ref in bindings.refs(step["inputs"]) if ref.kind == "step_output"}
        runs = [maker for maker in makers if not self._is_done(maker)]
        if runs:
            is_anew = all(self._told.get(m, [{}])[0].get("will") == "reuse" for m in runs)
            how = "whose job is a new one" if is_anew else "which runs"
            why = f"its inputs come of {', '.join(sorted(runs))}, {how}"
            return self._step(name, step["kind"], "run", why)
        spec = step_jobs.job(graph, name, self._name, {}, self._children)
        rerun = step_jobs.says(graph["settings"], "force_rerun", False)
        self._submit(
            graph, Submit(name, spec, step["deterministic"], rerun, step_jobs.notes(step))
        )
        return self._told[name][0]

    def _is_done(self, step: str) -> bool:
        child = self._children.get(step)
        return child is not None and child.state is State.COMPLETED

    def _step(
        self, name: str, kind: str, will: str, why: str, made_by: str | None = None
    ) -> dict[str, Any]:
        return _step(f"{self._prefix}{name}", kind, will, why, made_by)


def _step(name: str, kind: str, will: str, why: str, made_by: str | None = None) -> dict[str, Any]:
    """`will`: run, reuse, maybe, skip, decide."""
    return {"name": name, "type": kind, "will": will, "why": why, "reused_from": made_by}


def _built(context: Context, recipe: Recipe, name: str) -> dict[str, Any]:
    row = builds.by_key(context.db, context.site.builder.key(recipe))
    state = row.state if row is not None else "missing"
    return {"name": name, "state": state, "build": state not in ("ready", "building", "waiting")}
