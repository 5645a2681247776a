"""The node's cache of files of datastores: `objects/ab/<sha256>` (0444, to be linked to),
`index/ab/<key>` which says what content a version of a remote file had, `partial/<key>` what has
come of it so far.

Any number of processes share it. Who evicts removes objects: an index that leads nowhere is as
good as none.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from lazur.engine.contracts import Stored


class Cache:
    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source
        for name in ("objects", "index", "partial"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def object(self, sha256: str) -> Path:
        return self._folder / "objects" / sha256[:2] / sha256

    def find(self, item: Stored) -> str | None:
        """Not for files without a version: nobody can tell whether they changed."""
        if not item.version:
            return None
        try:
            sha256 = self._index(item).read_text()
            size = self.object(sha256).stat().st_size
            os.utime(self._index(item))  # when it was wanted last: see evict
        except OSError:
            return None
        return sha256 if size == item.size else None

    def drop(self, item: Stored) -> None:
        self._partial(item).unlink(missing_ok=True)

    @contextlib.contextmanager
    def partial(self, item: Stored) -> Iterator[BinaryIO]:
        """Held by one process at a time; the others wait and find it done."""
        path = self._partial(item)
        while True:
            with path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_still(path, file):
                    yield file
                    return

    def keep(self, item: Stored, file: BinaryIO, sha256: str) -> str:
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o444)
        target = self.object(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        index = self._index(item)
        index.parent.mkdir(mode=0o700, exist_ok=True)
        _write(index, sha256)
        self._partial(item).replace(target)  # last: who comes now waits for no lock of ours
        return sha256

    def _index(self, item: Stored) -> Path:
        key = self._key(item)
        return self._folder / "index" / key[:2] / key

    def _partial(self, item: Stored) -> Path:
        """Of this boot: after a loss of power nobody knows what has reached the disk."""
        return self._folder / "partial" / f"{self._key(item)}.{_boot()}"

    def _key(self, item: Stored) -> str:
        said = json.dumps([self._source, item.path, item.version, item.size])
        return hashlib.sha256(said.encode()).hexdigest()


def evict(folder: Path, limit: int) -> int:
    """Remove objects, those first that were wanted longest ago, until no more than `limit` bytes
    are left; returns the bytes of those removed. Who is about to link to one of them finds it gone
    and downloads again. Where another process is at it, this one leaves it to that."""
    with _alone(folder / "evicting") as alone:
        return _evicted(folder, limit) if alone else 0


def sweep(folder: Path, older_than: float) -> int:
    """Remove what broken-off downloads left before `older_than` (seconds since the epoch)."""
    left = [
        path for path, at in _stats((folder / "partial").glob("*")) if at.st_mtime < older_than
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


@cache
def _boot() -> str:
    """Where the system does not say, nothing is taken up that another process began."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return uuid.uuid4().hex


def _is_still(path: Path, file: BinaryIO) -> bool:
    """Who waited for the lock may hold what was moved away meanwhile."""
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _write(path: Path, text: str) -> None:
    fd, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    Path(draft).replace(path)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Whether no other process does now what the file stands for."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _evicted(folder: Path, limit: int) -> int:
    index = sorted((at.st_mtime, path) for path, at in _stats((folder / "index").glob("*/*")))
    names = {path: _text(path) for _, path in index}
    used = {names[path]: at for at, path in index}
    objects = {path: at.st_size for path, at in _stats((folder / "objects").glob("*/*"))}
    left = total = sum(objects.values())
    for path in sorted(objects, key=lambda path: used.get(path.name, 0.0)):
        if left <= limit:
            break
        left -= objects[path]
        path.unlink(missing_ok=True)
    for path, name in names.items():
        if not (folder / "objects" / name[:2] / name).is_file():
            path.unlink(missing_ok=True)
    return total - left


def _stats(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """Of those that are still there."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
