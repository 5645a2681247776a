"""What a job left, and is leaving: logs, outputs. Readable while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lazur.errors import NotFound
from lazur.safe import SafeRoot
from lazur.services import jobs
from lazur.services.places import in_artifacts
from lazur.services.site import Context
from lazur.services.times import iso
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
    """All files, by path: `user_logs/…`, `outputs/…`, what MLflow logged, and
    `named-outputs/<output>/…`."""
    row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
    found = [file for file in _all(context, row) if file["path"].startswith(prefix)]
    listed = list(islice(found, _MOST))
    return {"value": sorted(listed, key=lambda file: file["path"]), "next": None}


def place(context: Context, workspace: str, name: str, path: str) -> Place:
    """Where a file of the job lies, whether or not it is there yet. Raises NotFound for what can
    never be."""
    row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
    top, _, rest = path.partition("/")
    if top != _NAMED and path:
        return Place(in_artifacts(context, row), path)
    if top == _NAMED:
        output, _, inner = rest.partition("/")
        for label, root, only in _named_outputs(row):
            if label == output and inner and only in (None, inner):
                return Place(root, inner)
    raise NotFound(
        f"Job {name!r} has no file {path[:200]!r}.",
        hint=f"See what there is: lazur job show --name {name}",
    )


def _all(context: Context, row: JobRow) -> Iterator[dict[str, Any]]:
    yield from _scan(in_artifacts(context, row), "", "")
    for label, root, only in _named_outputs(row):
        yield from _scan(root, only or "", f"{_NAMED}/{label}/")


def _named_outputs(row: JobRow) -> Iterator[tuple[str, Path, str | None]]:
    """(name, folder, the one file in it or None for all) of each output that lies on this site."""
    for output in row.resolved["outputs"]:
        destination = Path(output["destination"])
        if not destination.is_absolute():
            continue
        if output["type"] == "uri_file":
            yield output["name"], destination.parent, destination.name
        else:
            yield output["name"], destination, None


def _scan(root: Path, inside: str, shown: str) -> Iterator[dict[str, Any]]:
    if not root.is_dir():
        return
    with SafeRoot(root) as safe:
        try:
            entries = list(safe.scan(inside))
        except NotFound:
            entries = _alone(safe, inside)
        for entry in entries:
            yield {"path": shown + entry.path, "size": entry.size, "modified": iso(entry.modified)}


def _alone(safe: SafeRoot, path: str) -> list[Any]:
    return [safe.stat(path)] if path and safe.exists(path) else []
