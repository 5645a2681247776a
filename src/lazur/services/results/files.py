"""What a job left, and is leaving: logs, outputs. Readable while it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lazur.errors import Forbidden, NotFound
from lazur.safe import Entry, SafeRoot
from lazur.services.assets.places import in_artifacts, that_ran
from lazur.services.base import gathered, workspaces
from lazur.services.base.home import ARTIFACTSTORE, DATASTORES, Home
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.content import far
from lazur.services.content.far import Far
from lazur.services.jobs import jobs
from lazur.services.tracking import models
from lazur.services.tracking.folders import Folder
from lazur.spec import references
from lazur.spec.references import DatastorePath
from lazur.store.jobs import JobRow

_NAMED = "named-outputs"
_MOST = 100_000
MAIN_LOG = "user_logs/std_log.txt"
FIRST_LOG = "user_logs/std_log_process_0.txt"


@dataclass(frozen=True)
class Place:
    """A file of a job, not opened yet: `path` lies beneath `root`, and only SafeRoot opens it."""

    root: Path
    path: str

    def open(self) -> int:
        """A descriptor. Raises FileNotFoundError while the file is not there."""
        try:
            with SafeRoot(self.root) as root:
                return root.descriptor(self.path)
        except NotFound as error:
            raise FileNotFoundError(self.path) from error

    @property
    def full(self) -> Path:
        """For watching it only, never for opening it."""
        return self.root / self.path


def find(context: Context, workspace: str, name: str, prefix: str = "") -> dict[str, Any]:
    """All files, by path: `user_logs/…`, `outputs/…`, what MLflow logged, its models by their
    names, and `named-outputs/<output>/…`."""
    row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
    found = (file for file in _all(context, row, prefix) if file["path"].startswith(prefix))
    listed = list(islice(found, _MOST))
    return {"value": sorted(listed, key=lambda file: file["path"]), "next": None}


def outside(context: Context, workspace: str, name: str) -> list[tuple[str, Far]]:
    """Outputs that lie in datastores elsewhere, by `named-outputs/<output>`: those that the caller
    may see. They take the network, so it is the caller who asks for them."""
    row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
    home = workspaces.open_workspace(context, workspace, "workspaces/jobs/read")
    made: list[tuple[str, Far]] = []
    for label, _, output in _outputs(context, row):
        found = references.parse(output["uri"])
        if not output.get("remote") or not isinstance(found, DatastorePath):
            continue
        with suppress(Forbidden, NotFound):
            folder = far.at(context, home, found, file=output["type"] == "uri_file")
            made.append((f"{_NAMED}/{label}", folder))
    return made


def place(context: Context, workspace: str, name: str, path: str) -> Place:
    """Where a file of the job lies, whether or not it is there yet. Raises NotFound for what can
    never be."""
    row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
    top, _, rest = path.partition("/")
    if (model := _models(context, row).get(top)) is not None:
        return Place(model.root, f"{model.inside}/{rest}")
    if top != _NAMED and path:
        root, inside = _artifacts(context, row)
        return Place(root, f"{inside}/{path}")
    if top == _NAMED:
        for label, root, inside, only in _named(context, row):
            inner = rest.removeprefix(f"{label}/")
            if inner != rest and inner and only in (None, inner):
                return Place(root, f"{inside}/{inner}" if inside else inner)
    raise NotFound(
        f"Job {name!r} has no file {path[:200]!r}.",
        hint=f"See what there is: lazur job show --name {name}",
    )


def _all(context: Context, row: JobRow, prefix: str) -> Iterator[dict[str, Any]]:
    """More than begins with `prefix`, but for what is known not to."""
    if not prefix.startswith(f"{_NAMED}/"):
        yield from _scan(*_artifacts(context, row))
        for name, model in _models(context, row).items():
            yield from (_file(f"{name}/{entry.path}", entry) for entry in model.scan())
    for label, root, inside, only in _named(context, row):
        top = f"{_NAMED}/{label}/"
        if top.startswith(prefix) or prefix.startswith(top):
            found = _scan(root, inside) if only is None else _alone(root, inside, only)
            yield from ({**file, "path": f"{top}{file['path']}"} for file in found)


def _artifacts(context: Context, row: JobRow) -> tuple[Path, str]:
    """A datastore, and the job's folder in it. The job may put a link in place of its own folder,
    so the root that is trusted lies above it."""
    store = context.site.home.datastore(row.workspace, ARTIFACTSTORE)
    return store, in_artifacts(context, row).relative_to(store).as_posix()


def _models(context: Context, row: JobRow) -> dict[str, Folder]:
    """But for those whose name the run's own files have."""
    artifacts = in_artifacts(context, row)
    found = models.logged(context, that_ran(context, row))
    return {name: at for name, at in found.items() if not os.path.lexists(artifacts / name)}


def named_outputs(home: Home, row: JobRow) -> Iterator[tuple[str, Path, str, str | None]]:
    """(name, datastore, folder in it, the one file there or None for all) of each output that
    lies on this site."""
    for output in row.resolved["outputs"]:
        if (found := _lies(home, row, output)) is not None:
            yield output["name"], *found


def _named(context: Context, row: JobRow) -> Iterator[tuple[str, Path, str, str | None]]:
    """As `named_outputs`, and of all that a loop made what each item did, below it."""
    for label, maker, output in _outputs(context, row):
        if (found := _lies(context.site.home, maker, output)) is not None:
            yield label, *found


def _outputs(context: Context, row: JobRow) -> Iterator[tuple[str, JobRow, dict[str, Any]]]:
    """(name, who made it, what is known of it)"""
    for output in row.resolved["outputs"]:
        yield output["name"], row, output
        for item, maker, one in gathered.parts(context, row, output["uri"]):
            yield f"{output['name']}/{item}", maker, one


def _lies(home: Home, row: JobRow, output: dict[str, Any]) -> tuple[Path, str, str | None] | None:
    """From its URI: what `direct` hands to the command is text, and no place of ours."""
    found = references.parse(output["uri"])
    if output["mode"] == "direct" or not isinstance(found, DatastorePath):
        return None
    if output.get("remote") or found.datastore not in DATASTORES:
        return None  # it lies elsewhere
    store, place = home.datastore(row.workspace, found.datastore), found.path
    folder, _, file = place.strip("/").rpartition("/")
    if output["type"] == "uri_file":
        return store, folder, file
    return store, place.strip("/"), None


def _scan(root: Path, inside: str) -> Iterator[dict[str, Any]]:
    """Files beneath a folder of `root`, by their paths in that folder."""
    if not root.is_dir():
        return
    with SafeRoot(root) as safe:
        for entry in safe.scan(inside):
            yield _file(entry.path[len(inside) + 1 :] if inside else entry.path, entry)


def _alone(root: Path, folder: str, name: str) -> list[dict[str, Any]]:
    if not root.is_dir():
        return []
    with SafeRoot(root) as safe, suppress(NotFound):
        entry = safe.stat(f"{folder}/{name}" if folder else name)
        return [] if entry.folder else [_file(name, entry)]
    return []


def _file(path: str, entry: Entry) -> dict[str, Any]:
    return {"path": path, "size": entry.size, "modified": iso(entry.modified)}
