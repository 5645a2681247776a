"""Models that a job's run logged: MLflow 3 keeps them beside the run, where MLflow 2 had them
below it. To a person both are files of the job."""

from __future__ import annotations

from lazur.services.base.site import Context
from lazur.services.tracking import folders
from lazur.services.tracking.folders import Folder
from lazur.store.jobs import JobRow
from lazur.store.mlflow import models as store
from lazur.store.mlflow import spaces


def logged(context: Context, row: JobRow) -> dict[str, Folder]:
    """By the models' names. What lies on other machines is not there."""
    space = spaces.name(row.workspace_id)
    found = {
        name: folders.at(context.site.home, row.workspace, row.workspace_id, uri)
        for name, uri in store.logged_by(context.db, space, row.run_id).items()
    }
    return {name: folder for name, folder in found.items() if folder is not None}
