"""What follows for a job when somebody touched its run, by whatever wire.

The run says what is, and the job is made to agree; so all of it can be repeated, and a touch that
nobody told of is found later (`settle`). The other direction is `tracking.jobs`, which writes both
at once: the two never chase each other.
"""

from __future__ import annotations

from typing import Any

from lazur.engine.states import FINAL
from lazur.errors import Conflict
from lazur.services.base import events
from lazur.services.base.site import Context
from lazur.services.jobs import cancellation
from lazur.services.jobs.job_runs import NAME_TAG, NOTE_TAG, repeat_end, run_name, told_tags
from lazur.spec.names import fold
from lazur.store import jobs as job_rows
from lazur.store.jobs import JobRow
from lazur.store.mlflow import jobs as store
from lazur.store.mlflow import spaces
from lazur.store.mlflow.jobs import RunState

_AT_ONCE = 1000


def updated(
    context: Context, run_id: str, status: str | None = None, name: str | None = None
) -> None:
    """A run has got this status or name; `tagged` and it are the same for a job."""
    if status is not None or name is not None:
        agree(context, run_id)


def tagged(context: Context, run_id: str, *keys: str) -> None:
    """Tags of a run were set or deleted."""
    row = _job(context, run_id)
    if row is not None and {NOTE_TAG, NAME_TAG, *row.tags} & set(keys):
        agree(context, run_id)


def deleted(context: Context, run_id: str) -> None:
    """Raises Conflict where the run is a live job's: the transaction that deletes it is undone."""
    row = _job(context, run_id)
    if row is None:
        return
    if row.state not in FINAL:
        raise Conflict(
            f"The run {run_id} is that of job {row.name!r}, which has not ended.",
            hint=f"Cancel it first: lazur job cancel -n {row.name}",
        )
    _change(context, row, {} if row.archived else {"archived": True})


def restored(context: Context, run_id: str) -> None:
    row = _job(context, run_id)
    if row is not None and row.archived:
        _change(context, row, {"archived": False})


def chosen(context: Context, run_id: str, experiment: str) -> None:
    """A job's script is about to begin its own run, and wants it in this experiment."""
    row = _job(context, run_id)
    if row is None or not _is_own(context, row) or row.experiment_name == experiment:
        return
    found = store.find_experiment(context.db, spaces.name(row.workspace_id), experiment)
    if found is not None and found.active:
        store.move(context.db, run_id, found.id)
        agree(context, run_id)


def agree(context: Context, run_id: str) -> None:
    """Make the job, if the run is one's, what its run says. Twice is once."""
    row = _job(context, run_id)
    run = store.state(context.db, run_id) if row is not None else None
    if row is None or run is None:
        return
    if row.state in FINAL:
        repeat_end(context, row)
    else:
        _agree_live(context, row, run)
    _change(context, row, _told(row, run, store.tags(context.db, run_id)))


def settle(context: Context, workspace_id: int | None = None) -> int:
    """Find the jobs whose runs say otherwise, since somebody went past the hooks: in one
    workspace, or in all. Returns how many."""
    found = store.disagreeing(context.db, workspace_id, _AT_ONCE)
    for run_id in found:
        agree(context, run_id)
    return len(found)


def _job(context: Context, run_id: str) -> JobRow | None:
    job_id = store.job_id(context.db, run_id)
    return job_rows.by_id(context.db, job_id) if job_id is not None else None


def _is_own(context: Context, row: JobRow) -> bool:
    """Another workspace may have a job of this name."""
    who = context.who
    return (fold(row.workspace), row.name) == (fold(who.workspace or ""), who.job)


def _agree_live(context: Context, row: JobRow, run: RunState) -> None:
    if run.status == "KILLED":
        cancellation.ask(
            context, row.id, cancellation.told(context, "Its MLflow run was ended as KILLED")
        )
    if run.deleted:
        # Its script writes to it.
        store.restore(context.db, row.run_id)


def _told(row: JobRow, run: RunState, tags: dict[str, str]) -> dict[str, Any]:
    """What the run says of the job and the job does not say itself."""
    changes: dict[str, Any] = {}
    if run.name != run_name({"name": row.name, "display_name": row.display_name}):
        changes["display_name"] = run.name if run.name != row.name else None
    if run.experiment != row.experiment_name:
        changes["experiment_name"] = run.experiment
    if row.state in FINAL and run.deleted != row.archived:
        changes["archived"] = run.deleted
    known = told_tags({"tags": row.tags, "description": row.description})
    if tags.get(NOTE_TAG) != known.get(NOTE_TAG):
        changes["description"] = tags.get(NOTE_TAG)
    mine = {key: value for key, value in known.items() if key != NOTE_TAG}
    if any(tags.get(key) != value for key, value in mine.items()):
        other = {key: value for key, value in row.tags.items() if key not in mine}
        changes["tags"] = {**other, **{key: tags[key] for key in mine if key in tags}}
    return changes


def _change(context: Context, row: JobRow, changes: dict[str, Any]) -> None:
    if not changes:
        return
    job_rows.change(context.db, row.id, context.now(), **changes)
    events.record(context, row, "jobs", row.name, "updated", fields=sorted(changes))
    context.publish("job", f"{row.workspace}/{row.name}")
