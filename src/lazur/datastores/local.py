"""Files in a folder of this machine, or of one that is mounted here. Settings: `path`, absolute.

Which folders may be named is decided where the datastore is made: the server's owner alone.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from lazur.egress import PUBLIC, Rule
from lazur.engine import paths
from lazur.engine.contracts import Datastore, Stored, Sweeps, Writes
from lazur.errors import Conflict, Invalid, NotFound
from lazur.safe import Entry, SafeRoot

DRAFTS = ".lazur-drafts"
"""Beside the files, since only within one file system a rename is one step."""


class Local(Datastore, Writes, Sweeps):
    def __init__(
        self,
        settings: dict[str, Any],
        credentials: dict[str, Any] | None = None,
        *,
        rule: Rule = PUBLIC,
        ambient: bool = False,
    ) -> None:
        super().__init__(settings, credentials, rule=rule, ambient=ambient)
        self.root = Path(str(settings.get("path") or ""))
        if not self.root.is_absolute():
            raise Invalid(f"A local datastore needs its path, an absolute one: {self.root!s:.80}.")

    def list(self, prefix: str = "") -> Iterator[Stored]:
        with SafeRoot(self.root) as root:
            for entry in root.scan(prefix):
                if not _is_draft(entry.path):
                    yield _stored(root, entry)

    def info(self, path: str) -> Stored:
        _check(path)
        with SafeRoot(self.root) as root:
            return _of(root, path)

    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        """A file that is replaced meanwhile is read to its end as it was."""
        _check(path)
        with SafeRoot(self.root) as root:
            file = root.open(path)
        if version and _version(os.fstat(file.fileno())) != version:
            file.close()
            raise Conflict(f"{paths.shown(path)} was changed meanwhile.", hint="Begin again.")
        file.seek(offset)
        return file

    def put(self, path: str, chunks: Iterator[bytes], size: int) -> Stored:
        _check(path)
        draft = f"{DRAFTS}/{uuid.uuid4().hex}"
        with SafeRoot(self.root) as root:
            root.make_folder(DRAFTS)
            try:
                _write(root, draft, chunks, size)
                return _publish(root, draft, path)
            finally:
                _remove(root, draft)

    def delete(self, path: str) -> None:
        _check(path)
        with SafeRoot(self.root) as root:
            _remove(root, path)

    def check(self) -> None:
        with SafeRoot(self.root) as root:
            root.entries()

    def sweep(self, older_than: float) -> int:
        with SafeRoot(self.root) as root:
            left = [entry for entry in root.scan(DRAFTS) if entry.modified < older_than]
            for entry in left:
                _remove(root, entry.path)
        return len(left)


def _check(path: str) -> None:
    paths.check(path)
    if _is_draft(path):
        raise NotFound(f"There is no {paths.shown(path)}.")


def _is_draft(path: str) -> bool:
    return path.partition("/")[0] == DRAFTS


def _write(root: SafeRoot, draft: str, chunks: Iterator[bytes], size: int) -> None:
    written = 0
    with root.open(draft, "xb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > size:
                break
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if written != size:
        raise Invalid(f"{size} bytes were announced, {written} came.")


def _publish(root: SafeRoot, draft: str, path: str) -> Stored:
    folder = path.rpartition("/")[0]
    if folder:
        root.make_folder(folder)
    if root.exists(path) and root.stat(path).folder:
        raise Conflict(f"{paths.shown(path)} is a folder.")
    root.rename(draft, path)
    root.sync(folder)
    return _of(root, path)


def _remove(root: SafeRoot, path: str) -> None:
    try:
        if not root.stat(path).folder:
            root.remove(path)
    except NotFound:
        return


def _of(root: SafeRoot, path: str) -> Stored:
    entry = root.stat(path)
    if entry.folder:
        raise NotFound(f"{paths.shown(path)} is a folder.")
    return _stored(root, entry)


def _stored(root: SafeRoot, entry: Entry) -> Stored:
    descriptor = root.descriptor(entry.path)
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return Stored(entry.path, found.st_size, _version(found), found.st_mtime)


def _version(found: os.stat_result) -> str:
    """The number of the file too: one that replaces another within the clock's tick differs."""
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"
