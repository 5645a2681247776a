"""Where a server keeps what it keeps: one folder, see contributing/backbone.md."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BLOBSTORE = "workspaceblobstore"
ARTIFACTSTORE = "workspaceartifactstore"
DATASTORES = (BLOBSTORE, ARTIFACTSTORE, "workspacefilestore", "workspaceworkingdirectory")
"""Of each workspace, in the home; the first is its default."""
MOVABLE = tuple(name for name in DATASTORES if name != ARTIFACTSTORE)
"""Those that lie in the server's own object store, where it has one. Logs and artifacts grow while
somebody reads them, which no object does."""


@dataclass(frozen=True)
class Home:
    path: Path

    @property
    def database(self) -> Path:
        return self.path / "lazur.db"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def token(self) -> Path:
        return self.path / "token"

    @property
    def authority(self) -> Path:
        """Whom clients of this home's server trust, where it speaks TLS."""
        return self.path / "tls" / "ca.pem"

    @property
    def mlflow(self) -> Path:
        """What MLflow's own server sees of the home: links to the workspaces' artifacts."""
        return self.path / "mlflow"

    def datastore(self, workspace: str, name: str) -> Path:
        return self.path / "workspaces" / workspace / name

    def artifacts(self, workspace: str, run_id: str) -> Path:
        return self.datastore(workspace, ARTIFACTSTORE) / "ExperimentRun" / f"dcid.{run_id}"

    def attempt(self, workspace: str, job: str, attempt: int) -> Path:
        return self.path / "jobs" / workspace / job / str(attempt)

    def build_log(self, key: str) -> Path:
        return self.path / "builds" / key / "log"

    def prepare(self) -> None:
        """Make the folders, for the owner's eyes only."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.blobs, self.cache, self.run, self.path / "logs"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def owner_token(self) -> str:
        """The owner's token, made at the first start."""
        return _once(self.token, lambda: "lzr_" + secrets.token_urlsafe(32))

    def key(self, name: str) -> str:
        """A secret of this home's, made when it is first needed."""
        keys = self.path / "keys"
        keys.mkdir(mode=0o700, exist_ok=True)
        return _once(keys / name, lambda: secrets.token_urlsafe(32))

    def identity(self) -> str:
        """Which home this is, whatever the machine is called today: made at the first start."""
        return _once(self.path / "id", lambda: secrets.token_hex(8))


def _once(path: Path, make: Callable[[], str]) -> str:
    """The text in `path`, which is made whole and synced where it is not there; the first of
    several makers wins."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    made = make()
    new = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        made = path.read_text().strip()
    finally:
        new.unlink()
    return made
