"""Files of a run, whoever made it: where they lie, and what there is."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

from lazur.engine import paths
from lazur.errors import NotFound, TooLarge
from lazur.safe import Entry
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import folders, runs
from lazur.services.tracking.folders import Folder
from lazur.store.mlflow.find import RunRow

_MOST = 100_000


def opened(context: Context, workspace: str, name: str) -> tuple[RunRow, Folder]:
    home = open_workspace(context, workspace, runs.READ)
    row = runs.locate(context, home, name)
    folder = folders.at(context.site.home, home.name, home.id, row.artifact_uri)
    if folder is None:
        raise NotFound(
            f"The files of run {row.id} lie outside of this server.",
            hint=f"They are at {row.artifact_uri[:200]}.",
        )
    return row, folder


def find(folder: Folder) -> list[Entry]:
    """All of them, by path. Raises TooLarge rather than to give half of them for all."""
    found = list(islice(folder.scan(), _MOST + 1))
    if len(found) > _MOST:
        raise TooLarge(
            f"The run has more than {_MOST:,} files: they are not listed.",
            hint="Fetch them by MLflow, folder by folder: mlflow artifacts list -r RUN -a FOLDER",
        )
    return sorted(found, key=lambda entry: entry.path)


def one(folder: Folder, path: str) -> Entry:
    """Raises NotFound, also for a folder."""
    with suppress(NotFound):
        if not paths.fault(path) and not (entry := folder.stat(path)).folder:
            return entry
    raise NotFound(f"There is no file {paths.shown(path)}.")
