"""What a TensorBoard shows: the event files of one or several jobs and runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any, cast

from lazur.engine.states import FINAL
from lazur.errors import Invalid, LazurError
from lazur.safe import Entry
from lazur.services.base.access import Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs import jobs
from lazur.services.results import files
from lazur.services.tracking import folders, runs
from lazur.services.tracking.folders import Folder
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.mlflow.find import RunRow

READ = "workspaces/jobs/read"
MOST = 100
"""Runs on one board."""
SEPARATOR = ","
"""Between names in an address; no name holds it."""


_EVENTS = "tfevents"
"""In the name of every event file."""
_LOOKED_AT = 100_000


@dataclass(frozen=True)
class Shown:
    """A folder, and where TensorBoard finds it: `happy_pen_1/named-outputs/logs`."""

    path: str
    folder: Folder


@dataclass(frozen=True)
class Board:
    """No row anywhere: its address says all that it is, and whoever asks for it is asked for
    their rights."""

    workspace: str
    names: tuple[str, ...]
    shown: tuple[Shown, ...]

    @property
    def id(self) -> str:
        return SEPARATOR.join(self.names)

    @property
    def page(self) -> str:
        return f"/tensorboard/{self.workspace}/{self.id}"


def find(context: Context, workspace: str, names: Any) -> Board:
    """Each of `names` is a job's or a run's. Raises NotFound, also for what the caller may not
    read."""
    home = open_workspace(context, workspace, READ)
    rows = runs.locate_all(context, home, _checked(names))
    shown = [part for row in rows for part in _of_run(context, home, row)]
    return Board(home.name, tuple(_name(row) for row in rows), tuple(shown))


def named(context: Context, workspace: str, board: str) -> Board:
    """As `find`, by a board's id."""
    return find(context, workspace, board.split(SEPARATOR))


def is_empty(board: Board) -> bool:
    """There are no event files yet; where there are too many others to say so, False."""
    files = chain.from_iterable(_files(shown.folder) for shown in board.shown)
    seen = 0
    for file in islice(files, _LOOKED_AT):
        if _EVENTS in PurePosixPath(file.path).name:
            return False
        seen += 1
    return seen < _LOOKED_AT


def view(site: Site, board: Board, *, running: bool) -> dict[str, Any]:
    return {
        "id": board.id,
        "jobs": list(board.names),
        "status": "Running" if running else "Stopped",
        "endpoint": site.url() + board.page,
    }


def _checked(names: Any) -> list[str]:
    given = cast("list[Any]", names) if isinstance(names, list) else []
    if 1 <= len(given) <= MOST and all(isinstance(name, str) and name for name in given):
        return given
    raise Invalid(
        f"A TensorBoard shows 1 to {MOST} jobs or runs, given by their names.",
        hint='Send {"jobs": ["happy_pen_1"]}.',
    )


def _of_run(context: Context, home: AnyRow, row: RunRow) -> Iterator[Shown]:
    if row.job is None:
        context.require(runs.READ, Resource(home.name))
        job = None
    else:
        job = jobs.find_row(context, home.name, row.job, READ)
    if (folder := folders.at(context.site.home, home.name, home.id, row.artifact_uri)) is not None:
        yield Shown(_name(row), folder)
    if job is not None:
        yield from _outputs(context, job)


def _outputs(context: Context, job: JobRow) -> Iterator[Shown]:
    """Named outputs that are folders on this site. One that is moved to its place at the end is
    shown where the job writes it until then."""
    drafts = {o["name"] for o in job.resolved["outputs"] if o["mode"] == "upload"}
    for name, root, inside, only in files.named_outputs(context.site.home, job):
        path = f"{job.name}/named-outputs/{name}"
        if name in drafts and job.state not in FINAL:
            yield Shown(path, folders.draft(context.site.home, job, name))
        elif only is None:
            yield Shown(path, Folder(root, inside))


def _files(folder: Folder) -> Iterator[Entry]:
    """What cannot be read is not there, as for TensorBoard itself."""
    with suppress(LazurError, OSError):
        yield from folder.scan()


def _name(row: RunRow) -> str:
    return row.job or row.id
