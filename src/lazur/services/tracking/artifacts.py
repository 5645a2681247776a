"""Artifacts as files: one class through which MLflow's side reads and writes them, so that another
kind of store can take its place.

An upload is a draft in a folder of its own until it is whole and synced; then it is renamed to
where it belongs. Whoever writes a draft holds a lock on it, which a kill takes away: what nobody
holds any more is swept.
"""

from __future__ import annotations

import fcntl
import mimetypes
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lazur.engine import paths
from lazur.errors import Conflict, Forbidden, Invalid, NotFound
from lazur.safe import Entry, SafeRoot

DRAFTS = ".lazur-uploads"
"""At the top of a store; no artifact has this name."""
_SCRIPTS = ("javascript", "ecmascript", "jscript", "livescript")
_RESERVED = ".artifact.uploading."
"""Upstream's own drafts begin so; it lists none and takes none."""
JOBS = "ExperimentRun"
"""The folder in which each job has its own."""
_SYNC = 256 << 20
"""Bytes after which a draft is synced: else the last sync of a large one would outlast its
client's patience."""
_YOUNG = 60.0
"""Seconds in which a draft may be made and not locked yet."""
_TEXT = frozenset(
    "txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv "
    "tsv md rst ipynb MLmodel MLproject".split()
)
"""What upstream calls text, by ending, or by name where there is none."""


class File(NamedTuple):
    """An artifact, open: whoever has it closes `descriptor`."""

    descriptor: int
    size: int
    modified: float
    tag: str
    """Another one when the content is."""


class Artifacts:
    """A workspace's. Paths are relative to its artifact store, and nothing in them leads out of
    it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, path: str) -> File:
        """Raises NotFound, and Invalid for a folder."""
        check(path)
        with self._root() as root:
            if root.stat(path).folder:
                raise Invalid(f"Artifact path refers to a directory, not a file: '{path}'")
            descriptor = root.descriptor(path)
        found = os.fstat(descriptor)
        tag = f"{found.st_mtime_ns:x}-{found.st_size:x}"
        return File(descriptor, found.st_size, found.st_mtime, tag)

    def entries(self, path: str) -> list[Entry]:
        """What lies directly in a folder, by name. Nothing where there is no such folder."""
        with self._root() as root, suppress(NotFound):
            if path:
                check(path)
            return [entry for entry in root.entries(path) if not _is_draft(entry.path)]
        return []

    def size(self, path: str) -> int:
        """Bytes of a file, or of all in a folder; 0 where there is neither."""
        check(path)
        with self._root() as root, suppress(NotFound):
            if not root.stat(path).folder:
                return root.stat(path).size
            return sum(entry.size for entry in root.scan(path))
        return 0

    def draft(self) -> Draft:
        """The beginning of an upload."""
        with self._root() as root:
            root.make_folder(DRAFTS)
            name = f"{DRAFTS}/{secrets.token_hex(16)}"
            return Draft(self, name, root.descriptor(name, "xb"))

    def publish(self, draft: str, path: str) -> None:
        """A file that is there is replaced."""
        check(path)
        folder = path.rpartition("/")[0]
        with self._root() as root:
            if folder:
                _make_folder(root, folder)
            root.rename(draft, path)
            root.sync(folder)

    def remove(self, path: str) -> None:
        """A file, or a folder with all that is in it. Fine when it is not there."""
        if path.casefold() in {"", JOBS.casefold()}:
            raise Forbidden(
                "This would delete the artifacts of many runs.",
                hint="Delete those of one run, or purge runs: lazur run purge",
            )
        check(path)
        with self._root() as root, suppress(NotFound):
            if root.stat(path).folder:
                root.remove_tree(path)
            else:
                root.remove(path)

    def forget(self, draft: str) -> None:
        with self._root() as root, suppress(NotFound):
            root.remove(draft)

    def sweep(self) -> int:
        """Remove what interrupted uploads left; how many there were."""
        if not (self._folder / DRAFTS).is_dir():
            return 0
        oldest = time.time() - _YOUNG
        with self._root() as root:
            left = [entry for entry in root.entries(DRAFTS) if entry.modified < oldest]
            return sum(_swept(root, entry.path) for entry in left)

    def _root(self) -> SafeRoot:
        try:
            return SafeRoot(self._folder)
        except NotFound:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return SafeRoot(self._folder)


class Draft:
    """An upload that goes on. One thread at a time; ends with `publish` or `discard`."""

    def __init__(self, artifacts: Artifacts, name: str, descriptor: int) -> None:
        self._artifacts = artifacts
        self._name = name
        self._descriptor = descriptor
        self._unsynced = 0
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def write(self, parts: list[bytes]) -> None:
        left = memoryview(parts[0] if len(parts) == 1 else b"".join(parts))
        self._unsynced += len(left)
        while left:
            left = left[os.write(self._descriptor, left) :]
        if self._unsynced > _SYNC:
            self._sync()

    def publish(self, path: str) -> None:
        """It is whole: synced, then visible at `path`."""
        self._sync()
        self._artifacts.publish(self._name, path)
        os.close(self._descriptor)
        self._descriptor = -1

    def discard(self) -> None:
        """Leave nothing of it. Does nothing after it was published."""
        if self._descriptor >= 0:
            self._artifacts.forget(self._name)
            os.close(self._descriptor)
            self._descriptor = -1

    def _sync(self) -> None:
        os.fsync(self._descriptor)
        self._unsynced = 0


def media_type(path: str) -> str:
    """As upstream guesses it; but never a script, which pages of this origin could load."""
    name = PurePosixPath(path).name
    if (PurePosixPath(path).suffix.removeprefix(".") or name) in _TEXT:
        return "text/plain"
    found = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "text/plain" if found.endswith(_SCRIPTS) else found


def check(path: str) -> None:
    """Before a draft is begun, too: who uploads shall not send all of it in vain."""
    paths.check(path)
    if _is_draft(path):
        raise Invalid(
            f"Invalid artifact file name: '{path[:200]}'.",
            hint=f"Names beginning with '{_RESERVED}' and the folder '{DRAFTS}' are reserved.",
        )


def _is_draft(path: str) -> bool:
    parts = path.split("/")
    return parts[0].casefold() == DRAFTS or parts[-1].startswith(_RESERVED)


def _make_folder(root: SafeRoot, folder: str) -> None:
    try:
        root.make_folder(folder)
    except NotFound as error:
        raise Conflict(
            f"There can be no file in {folder[:200]!r}: a part of this path is a file, or a link.",
            hint="Choose another path, or delete what is there.",
        ) from error


def _swept(root: SafeRoot, path: str) -> bool:
    try:
        descriptor = root.descriptor(path)
    except NotFound:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        root.remove(path)
    except (BlockingIOError, NotFound):
        return False
    finally:
        os.close(descriptor)
    return True
