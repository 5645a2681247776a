"""What is written down when a job ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazur.engine import causes, waterfall
from lazur.engine.contracts import Backend, Handle
from lazur.engine.decisions import Finish
from lazur.engine.plan import Exit, Status
from lazur.engine.states import State
from lazur.services.assets import assets, edges, far_models
from lazur.services.base import events, gathered, values_made
from lazur.services.base.site import Context, Site
from lazur.services.jobs import job_runs as tracking
from lazur.services.results import posts, uses
from lazur.store import jobs, parents, people
from lazur.store.jobs import JobRow

_TAIL = 16 << 10


@dataclass(frozen=True)
class Ending:
    state: State
    values: dict[str, Any]


def ending(
    site: Site, backend: Backend, row: JobRow, status: Status | None, decision: Finish
) -> Ending:
    """Everything about the end, gathered outside of any transaction."""
    now = site.now()
    decision = _by_its_run(site, row, decision)
    phases = waterfall.merge(row.phases, status.phases if status else [])
    ended = _end(status) or now
    values: dict[str, Any] = {
        "state": decision.state.value,
        "waiting_for": None,
        "placed": False,
        "due_at": None,
        "phases": waterfall.close(phases, ended),
        "ended_at": ended,
        "error": _error(backend, row, status, decision, phases),
    }
    if row.started_at is None:
        values["started_at"] = started_at(phases)
    if decision.state is State.COMPLETED and (results := values_made.read(site, row)):
        values["notes"] = {**(row.notes or {}), "results": results}
    if status and status.exit and status.exit.warnings:
        values["warnings"] = [*row.warnings, *status.exit.warnings]
    if decision.state is State.COMPLETED and (outputs := far_models.of_outputs(site, row)):
        values["resolved"] = {**row.resolved, "outputs": outputs}
    return Ending(decision.state, values)


def of_parent(context: Context, row: JobRow, decision: Finish, *, started: bool) -> Ending:
    """Of a job that only decided: what it made is what its steps made."""
    now = context.now()
    outputs: list[dict[str, Any]] = [
        {**made, "name": name, **_asset(row, name)}
        for name, (step, port) in sorted(decision.outputs.items())
        if (made := _made(context, row, step, port)) is not None
    ]
    written: dict[str, Any] = row.spec.get("outputs") or {}
    for name, found in sorted(decision.gathered.items()):
        outputs.append(gathered.output(row.name, name, found, written.get(name) or {}))
    values: dict[str, Any] = {
        "state": decision.state.value,
        "waiting_for": None,
        "due_at": None,
        "ended_at": now,
        "phases": waterfall.close(row.phases, now),
        "error": decision.error or _canceled(row, decision),
        "resolved": {**row.resolved, "outputs": outputs},
        "properties": {**row.properties, **decision.properties},
    }
    if decision.results:
        values["notes"] = {**(row.notes or {}), "results": dict(decision.results)}
    if not started:
        values["started_at"] = now
    return Ending(decision.state, values)


def _asset(row: JobRow, name: str) -> dict[str, Any]:
    """A sweep's output becomes an asset once, of its best trial; a pipeline's is its step's."""
    outputs: dict[str, Any] = row.spec.get("outputs") or {}
    said: dict[str, Any] = (outputs.get(name) or {}) if row.type == "sweep" else {}
    return {"asset_name": said.get("name"), "asset_version": said.get("version")}


def _made(context: Context, row: JobRow, step: str, port: str) -> dict[str, Any] | None:
    child = parents.child(context.db, row.id, step)
    if child is None:
        return None
    outputs: list[dict[str, Any]] = child.resolved["outputs"]
    found = next((output for output in outputs if output["name"] == port), None)
    return {**found, "of": [child.name, port]} if found is not None else None


def record(context: Context, row: JobRow, ended: Ending) -> None:
    """Inside the transaction that ends the job: its outputs become assets, its tokens end."""
    tracking.end(context, row, ended.values)
    uses.record(context, row, ended.values)
    made = (jobs.by_id(context.db, row.id) if "resolved" in ended.values else None) or row
    if ended.state is State.COMPLETED and (notes := assets.register_outputs(context, made)):
        warnings = [*ended.values.get("warnings", row.warnings), *notes]
        jobs.change(context.db, row.id, context.now(), warnings=warnings)
    if row.started_at or ended.values.get("started_at"):
        edges.of_places(context, row)
    posts.ended(context, row, ended.values)
    people.drop_job_tokens(context.db, row.workspace, row.name)
    if row.step is not None and parents.wake(context.db, row.parent_id, context.now()):
        context.publish("due", f"jobs/{row.parent_id}")
    error: dict[str, Any] | None = ended.values["error"]
    code = error.get("code") if error else None
    events.record(context, row, "jobs", row.name, "state", state=ended.state.value, code=code)


def _by_its_run(site: Site, row: JobRow, decision: Finish) -> Finish:
    """A script may end its run as failed and leave with 0: it knows better than its exit."""
    if decision.state is State.COMPLETED and tracking.says_failed(site, row):
        return Finish(State.FAILED, _SAID_FAILED)
    return decision


_SAID_FAILED = {
    "code": "RunFailed",
    "message": "The command exited with 0, but its MLflow run was ended as failed.",
    "hint": "The log says why. MLflow ends a run as failed when an exception leaves "
    "`with mlflow.start_run()`.",
}


def started_at(phases: list[dict[str, Any]]) -> float | None:
    """When the command began."""
    return next((phase["start"] for phase in phases if phase["name"] == "running"), None)


def _end(status: Status | None) -> float | None:
    if status is None or not status.phases:
        return None
    last = status.phases[-1]
    return last.start if last.name == "end" else last.end


def _error(
    backend: Backend,
    row: JobRow,
    status: Status | None,
    decision: Finish,
    phases: list[dict[str, Any]],
) -> dict[str, Any] | None:
    if decision.state is State.COMPLETED:
        return None
    ended_well = status is not None and status.exit is not None and status.exit.reason == "ok"
    if status is None or ended_well or (status.exit is None and status.state != "lost"):
        said = decision.error or _canceled(row, decision)
        return said and {**said, "phase": _last(phases)}
    found = status.exit or Exit("lost")
    phase = _failed_in(phases, found)
    tail = _log_tail(backend, row)
    why = causes.explain(found, phase, tail, row.resolved.get("environment_name"), row.name)
    return {**why, **(_canceled(row, decision) or {})}


def _canceled(row: JobRow, decision: Finish) -> dict[str, Any] | None:
    """Whoever asked for it is the reason, however the command took it."""
    if decision.state is not State.CANCELED or row.canceled_for is None:
        return None
    return {"code": "Canceled", "message": row.canceled_for, "hint": None}


def _log_tail(backend: Backend, row: JobRow) -> str:
    """The last bytes of the log, however long it is: a backend reads by offset, so its end is
    looked for."""
    if row.handle is None:
        return ""
    end = _log_end(backend, row.handle)
    start = max(0, end - _TAIL)
    return backend.logs(row.handle, start, _TAIL).decode("utf-8", "replace")


def _log_end(backend: Backend, handle: Handle) -> int:
    below, beyond = 0, _TAIL
    while backend.logs(handle, beyond, 1):
        below, beyond = beyond, beyond * 2
    while below < beyond:
        middle = (below + beyond) // 2
        if backend.logs(handle, middle, 1):
            below = middle + 1
        else:
            beyond = middle
    return below


def _failed_in(phases: list[dict[str, Any]], found: Exit) -> str:
    """The phase that the failure belongs to: keeping outputs afterwards is not its cause."""
    if found.reason in ("output", "internal", "lost"):
        return _last(phases)
    return _last([phase for phase in phases if phase["name"] != "finalizing"])


def _last(phases: list[dict[str, Any]]) -> str:
    return str(phases[-1]["name"]) if phases else "queued"
