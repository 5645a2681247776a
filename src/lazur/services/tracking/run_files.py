"""Files of a run, whoever made it: where they lie, and what there is."""

from __future__ import annotations

from itertools import islice

from lazur.errors import NotFound
from lazur.safe import Entry
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import folders, runs
from lazur.services.tracking.folders import Folder
from lazur.store.mlflow.find import RunRow

MOST = 10_000


def find(context: Context, workspace: str, name: str) -> tuple[RunRow, Folder, list[Entry]]:
    """By path. At most `MOST`."""
    home = open_workspace(context, workspace, runs.READ)
    row = runs.locate(context, home, name)
    folder = folders.at(context.site.home, home.name, home.id, row.artifact_uri)
    if folder is None:
        raise NotFound(
            f"The files of run {row.id} lie outside of this server.",
            hint=f"They are at {row.artifact_uri[:200]}.",
        )
    found = sorted(islice(folder.scan(), MOST), key=lambda entry: entry.path)
    return row, folder, found
