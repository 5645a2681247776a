"""What a job's token may write: its own run, and every run that is no other job's. A parent's and
a child's run are its own too."""

from __future__ import annotations

from lazur.errors import Forbidden
from lazur.services.base.site import Context
from lazur.spec.names import fold
from lazur.store.mlflow import models, spaces
from lazur.store.mlflow import rights as store


def require_writable(context: Context, run: str) -> None:
    """For a run of the caller's workspace, after the access decision about the route."""
    who = context.who
    if who.job is None or (found := store.job_of_run(context.db, run)) is None:
        return
    own = store.job_named(context.db, fold(who.workspace or ""), who.job)
    if own is None or (own.id not in {found.id, found.parent} and own.parent != found.id):
        raise Forbidden(
            f"The run {run} is that of job {found.name!r}, and this is the token of {who.job!r}.",
            hint="A job writes to its own run, its parent's and its children's, and to runs that "
            "no job has: mlflow.start_run() makes one.",
        )


def require_writable_model(context: Context, workspace_id: int, model: str) -> None:
    """A model that a run logged is that run's."""
    found = models.find(context.db, spaces.name(workspace_id), model)
    if found is not None and found.run:
        require_writable(context, found.run)
