"""MLflow's address of a workspace, and what a client's names stand for there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from lazur.services.base.home import ARTIFACTSTORE, Home
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.store import jobs
from lazur.store.mlflow import spaces


@dataclass(frozen=True)
class Place:
    id: int
    name: str
    mlflow: str
    """MLflow's name for it."""
    default_experiment: str
    """What clients call experiment 0. It stays `0` where the workspace has none of that name."""


def find(context: Context, workspace: str) -> Place:
    row = open_workspace(context, workspace, "workspaces/read")
    space = spaces.name(row.id)
    default = spaces.experiment(context.db, space, spaces.DEFAULT_EXPERIMENT)
    return Place(row.id, row.name, space, str(default) if default is not None else "0")


def share(home: Home, place: Place) -> None:
    """Let upstream's server see the artifacts of the workspace, and nothing else of the home.
    Twice is once."""
    artifacts = home.datastore(place.name, ARTIFACTSTORE)
    artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    link = home.mlflow / "workspaces" / place.mlflow
    link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(artifacts, target_is_directory=True)


def run_id(context: Context, workspace_id: int, job: str) -> str | None:
    """The run of a job, None where no job is called so."""
    row = jobs.by_name(context.db, workspace_id, job)
    return str(row.run_id) if row is not None else None
