"""Where the files of a run lie on this site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lazur.errors import NotFound
from lazur.safe import Entry, SafeRoot
from lazur.services.base.home import ARTIFACTSTORE, BLOBSTORE, Home
from lazur.services.base.job_views import default_output_uri
from lazur.services.tracking.artifacts import JOBS
from lazur.store.jobs import JobRow
from lazur.store.mlflow import spaces


@dataclass(frozen=True)
class Folder:
    """`inside` lies beneath `root`, and only SafeRoot goes there: a job may have put a link in its
    place."""

    root: Path
    inside: str

    def scan(self) -> Iterator[Entry]:
        """Files by their paths in the folder."""
        if not self.root.is_dir():
            return
        with SafeRoot(self.root) as root:
            for entry in root.scan(self.inside):
                yield entry._replace(path=entry.path[len(self.inside) + 1 :])

    def stat(self, path: str) -> Entry:
        """Raises NotFound."""
        with SafeRoot(self.root) as root:
            return root.stat(f"{self.inside}/{path}")._replace(path=path)

    def remove(self) -> None:
        """Twice is once."""
        try:
            with SafeRoot(self.root) as root:
                root.remove_tree(self.inside)
        except NotFound:
            return


def at(home: Home, workspace: str, workspace_id: int, uri: str) -> Folder | None:
    """The folder that an artifact URI means; None where it is not the workspace's own."""
    prefix = spaces.artifact_root(spaces.name(workspace_id)) + "/"
    if not uri.startswith(prefix):
        return None
    return Folder(home.datastore(workspace, ARTIFACTSTORE), uri[len(prefix) :].strip("/"))


def own(folder: Folder | None, owner: str) -> Folder | None:
    """The topmost folder that belongs to `owner` alone, since its name is in the path. What
    somebody pointed elsewhere is not ours to remove; neither is the folder of all jobs, though one
    of them may be called as it is."""
    parts = folder.inside.split("/") if folder else []
    mine = f"dcid.{owner}" if parts[0:1] == [JOBS] else owner
    if folder is None or mine not in parts:
        return None
    return Folder(folder.root, "/".join(parts[: parts.index(mine) + 1]))


def draft(home: Home, row: JobRow, output: str) -> Folder:
    """Where a running job writes an output that is moved to its place at the end."""
    attempt = home.attempt(row.workspace, row.name, row.attempt)
    return Folder(
        home.path / "jobs",
        f"{attempt.relative_to(home.path / 'jobs').as_posix()}/named-outputs/{output}",
    )


def of_job(home: Home, row: JobRow) -> list[Folder]:
    """Its attempts, and the outputs that were given no place of their own."""
    attempts = home.attempt(row.workspace, row.name, 1).parent.relative_to(home.path / "jobs")
    found = [Folder(home.path / "jobs", attempts.as_posix())]
    if any(o["uri"] == default_output_uri(row.name, o["name"]) for o in row.resolved["outputs"]):
        found.append(Folder(home.datastore(row.workspace, BLOBSTORE), f"azureml/{row.name}"))
    return found
