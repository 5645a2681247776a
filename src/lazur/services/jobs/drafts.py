"""A job on its way in: everything is looked up first, then it is written in one go.

People's jobs and those that other jobs submit come in by the same two steps. See
contributing/composite.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lazur.engine.lineage import BUILDS, JOBS, Edge, Node
from lazur.engine.states import State
from lazur.errors import Conflict, LazurError
from lazur.kinds.jobs.common import Job
from lazur.services.assets import builds, edges, injections
from lazur.services.base import events, strangers
from lazur.services.base.checks import CheckedJob
from lazur.services.base.site import Context
from lazur.services.content import stored
from lazur.services.jobs import input_places, output_places, resolve, reuse
from lazur.services.jobs import job_runs as tracking
from lazur.services.jobs.freezing import Frozen, freeze
from lazur.services.jobs.resolve import Resolved
from lazur.services.jobs.reuse import Reuse
from lazur.services.people import quotas
from lazur.services.resources import clusters
from lazur.services.tracking import names
from lazur.store import driver, parents
from lazur.store import jobs as store
from lazur.store.db import AnyRow, Taken
from lazur.store.mlflow import runs

_PRIORITIES = {"low": 1, "medium": 2, "high": 3}
_TOLD = ("type", "display_name", "description", "experiment_name", "tags", "properties")


@dataclass(frozen=True)
class Place:
    """Whose step a job is."""

    parent_id: int
    step: str
    notes: dict[str, Any] = field(default_factory=dict[str, Any])
    deterministic: bool = False
    rerun: bool = False
    at_once: int | None = None
    retried_id: int | None = None
    """The job of this step in the attempt before: if that ended well, it will do."""
    above: tuple[str, ...] = ()
    """Names of the jobs that it is a step of, from within, where these are no rows."""


@dataclass(frozen=True)
class Draft:
    name: str
    checked: CheckedJob
    found: Resolved
    edges: list[Edge]
    place: Place | None = None
    frozen: Frozen | None = None
    reuse: Reuse | None = None
    error: dict[str, Any] | None = None
    """It cannot begin; as a step it is there, and has failed."""
    above: int | None = None
    """The job that a person says it belongs to."""
    retried_id: int | None = None

    @property
    def is_over(self) -> bool:
        """Before it begins: it cannot, or was done before."""
        return bool(self.error or (self.reuse and self.reuse.row is not None))


def make(
    early: Context, home: AnyRow, name: str, checked: CheckedJob, place: Place | None = None
) -> Draft:
    """Reads only. Raises what a person can mend: NotFound, BlobsMissing, Invalid."""
    if place is None:  # of a step it was asked with its whole
        notes = strangers.noted(early, home, checked.value)
        checked = replace(checked, warnings=[*checked.warnings, *notes])
    before = reuse.ended_well(early, home, place.retried_id) if place else None
    if before is not None:
        found = resolve.nothing(resolve.anywhere(early), checked)
        return Draft(name, checked, found, [], place, reuse=before)
    filled = input_places.filled(early, home, name, checked)
    frozen = freeze(early, home, name, filled)
    if frozen is not None:
        given = frozen.inputs, frozen.compute, frozen.warnings
        found = resolve.parent(early, home, name, filled, *given)
        came_of = edges.of_job(early, home, name, filled.model, None)
        return Draft(name, checked, found, came_of, place, frozen)
    found = resolve.job(early, home, name, filled)
    came_of = edges.of_job(early, home, name, filled.model, _environment(early, home, found))
    known = reuse.look(early, home, filled, found, place) if place else None
    return Draft(name, checked, found, came_of, place, None, known)


def failed(
    early: Context, name: str, spec: Mapping[str, Any], place: Place, error: LazurError
) -> Draft:
    """Of a step that cannot begin."""
    value = {key: part for key, part in spec.items() if key in _TOLD}
    checked = CheckedJob(str(spec.get("type") or "command"), Job(), value, [])
    found = resolve.nothing(resolve.anywhere(early), checked)
    return Draft(name, checked, found, [], place, error=error.to_dict()["error"])


def accept(context: Context, home: AnyRow, draft: Draft) -> int:
    """When this is committed the job will run, whatever is killed. Returns its id."""
    values = _row(context, home, draft)
    found = draft.found
    begun = not draft.is_over
    if begun:
        _begin(context, home, draft, values)
    else:
        _end(context, draft, values)
    job_id = _add(context, home, values, draft)
    if draft.frozen is not None:
        retried = draft.place.retried_id if draft.place else draft.retried_id
        parents.add_plan(context.db, job_id, draft.frozen.plan, retried)
    edges.write(context, _edges(home, draft))
    if begun:
        output_places.check(context, home, draft.name, found.outputs)
        if found.cluster:
            clusters.hold(context, home, found.cluster)
        quotas.admit(context, home, found.demand, waits=draft.place is None)
    if draft.place is None:
        whole = {"spec": values["spec"], "plan": draft.frozen.plan if draft.frozen else {}}
        stored.keep_trees(context, home.id, whole, values["experiment_name"])
    events.record(context, home, "jobs", draft.name, "created", state=values["state"])
    injections.record(context, home, draft.name, found.secret_variables)
    context.publish("job", f"{home.name}/{draft.name}")
    if values["state"] == State.QUEUED.value:
        context.publish("line", found.compute.name)
    elif draft.frozen is not None:
        context.publish("due", f"jobs/{job_id}")
    return job_id


def _begin(context: Context, home: AnyRow, draft: Draft, values: dict[str, Any]) -> None:
    now, found = context.now(), draft.found
    if draft.frozen is not None:
        for recipe, name in draft.frozen.recipes:
            builds.want(context, home.id, recipe, name)
        state, phase, waits = State.NOT_STARTED, "queued", None
    elif found.recipe is None:
        state, phase, waits = State.QUEUED, "queued", None
    else:
        build = builds.want(context, home.id, found.recipe, found.environment_name)
        values["build_key"] = build.key
        ready = build.state == "ready"
        state, phase = (State.QUEUED, "queued") if ready else (State.PREPARING, "environment")
        waits = None if ready else "its environment, which waits to be built"
    values["state"] = state.value
    values["waiting_for"] = waits
    values["due_at"] = None if state is State.QUEUED else now
    values["phases"] = [{"name": phase, "start": now}]


def _end(context: Context, draft: Draft, values: dict[str, Any]) -> None:
    """It is over before it begins: its step was done before, or cannot be done."""
    now = context.now()
    state = State.FAILED if draft.error else State.COMPLETED
    values |= {
        "state": state.value,
        "phases": [],
        "due_at": None,
        "started_at": now,
        "ended_at": now,
        "error": draft.error,
    }
    if draft.reuse is not None and (row := draft.reuse.row) is not None:
        values["reused_id"] = row.id
        values["notes"] = {**(values["notes"] or {}), **_results(row)}
        values["resolved"] = {**values["resolved"], "outputs": row.resolved["outputs"]}


def _results(row: AnyRow) -> dict[str, Any]:
    notes: dict[str, Any] = row.notes or {}
    return {key: notes[key] for key in ("results",) if key in notes}


def _add(context: Context, home: AnyRow, values: dict[str, Any], draft: Draft) -> int:
    """The job's row and its run. Another workspace may take the run's id at the same moment."""
    for run_id in names.candidates(home.id, values["name"]):
        if runs.exists(context.db, run_id):
            continue
        values["run_id"] = run_id
        try:
            with driver.part(context.db):
                job_id = store.add(context.db, values)
        except Taken:
            if runs.exists(context.db, run_id):
                continue
            if store.by_name(context.db, home.id, values["name"]) is None:
                raise
            raise Conflict(
                f"A job named {values['name']!r} exists already in workspace {home.name!r}.",
                hint="Leave `name` out to get a fresh one, or choose another.",
            ) from None
        tracking.begin(context, home, values, draft.found)
        if values.get("ended_at") is not None and (row := store.by_id(context.db, job_id)):
            tracking.end(context, row, values)
        return job_id
    raise AssertionError("candidates never end")


def _edges(home: AnyRow, draft: Draft) -> list[Edge]:
    """What was there before was not made again: it comes of the job that made it."""
    if draft.reuse is None or (row := draft.reuse.row) is None:
        return draft.edges
    return [Edge(Node(home.id, JOBS, row.name), Node(home.id, JOBS, draft.name), "reused")]


def _environment(context: Context, home: AnyRow, found: Resolved) -> Node | None:
    """What the job runs in, as lineage knows it."""
    if found.recipe is None:
        return None
    if found.environment_home is None:
        return Node(home.id, BUILDS, context.site.builder.key(found.recipe))
    name, _, version = found.environment_name.rpartition(":")
    return Node(found.environment_home, "environments", name, version)


def _row(context: Context, home: AnyRow, draft: Draft) -> dict[str, Any]:
    checked, found, now = draft.checked, draft.found, context.now()
    spec = checked.value
    queue: Any = getattr(checked.model, "queue_settings", None)
    place = draft.place
    return {
        "workspace_id": home.id,
        "name": draft.name,
        "parent_id": place.parent_id if place else draft.above,
        "step": place.step if place else None,
        "notes": place.notes if place else None,
        "reuse_key": draft.reuse.key if draft.reuse else None,
        "type": checked.type,
        "experiment_name": spec.get("experiment_name") or "Default",
        "display_name": spec.get("display_name"),
        "description": spec.get("description"),
        "tags": spec.get("tags") or {},
        "properties": spec.get("properties") or {},
        "spec": _brief(spec, draft.frozen),
        "resolved": _resolved(draft),
        "warnings": found.warnings,
        "compute_id": found.compute.id,
        "cluster": found.cluster,
        "nodes": found.nodes,
        "at_once": place.at_once if place else None,
        "priority": _PRIORITIES[queue.priority if queue else "medium"],
        "cpus": found.demand.cpus,
        "memory": found.demand.memory,
        "gpus": found.demand.gpus,
        "cancel_requested": False,
        "attempt": 1,
        "placed": False,
        "gpu_ids": [],
        "archived": False,
        "created_at": now,
        "created_by": context.who.name,
        "updated_at": now,
        "version": 1,
    }


def _brief(spec: Mapping[str, Any], frozen: Frozen | None) -> dict[str, Any]:
    """What lists and rounds read. The steps may be thousands: they are kept beside it."""
    return {k: v for k, v in spec.items() if frozen is None or k not in frozen.apart}


def _resolved(draft: Draft) -> dict[str, Any]:
    made = draft.found.to_dict()
    return {**made, "reuse": draft.reuse.to_dict()} if draft.reuse else made
