"""SHA-256 of files, remembered: an unchanged folder costs a stat per file and no reading.

As git's index does, a file is taken for unchanged when device, inode, size and both times are the
same; and what was touched moments before it was read is not remembered, for it could change again
within the same tick of the clock.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lazur.errors import Invalid

SETTLED = 2_000_000_000
"""Nanoseconds after which a file's times tell versions apart, on any file system (FAT counts in
two seconds)."""

_CHUNK = 1 << 20
_KEEP_DAYS = 90
_VERSION = 1


class Hashed(NamedTuple):
    digest: str
    size: int


class Hashes:
    """The hashes of one folder's files, kept in `file` between runs (nowhere when that is None).
    Losing the file costs time and nothing else, so it is never synced, and a damaged one is begun
    anew."""

    def __init__(self, file: Path | None = None, *, now: Callable[[], int] = time.time_ns) -> None:
        self._file = file
        self._now = now
        self._known = _read(file)
        self._seen: dict[str, list[Any]] = {}
        self._changed = False

    @classmethod
    def of(cls, cache: Path | None, root: str, *, now: Callable[[], int] = time.time_ns) -> Hashes:
        """Those of the folder (or file) `root`, below a cache folder."""
        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        return cls(cache and cache / f"{name}.json", now=now)

    def of_file(self, path: str, found: os.stat_result) -> Hashed:
        """Raises OSError when it cannot be read, Invalid when it does not hold still."""
        key = f"{found.st_dev}:{found.st_ino}"
        known = self._known.get(key)
        if known is not None and known[:3] == _times(found):
            self._seen[key] = known
            return Hashed(known[3], known[0])
        started = self._now()
        digest, found = read(path)
        if started - max(found.st_mtime_ns, found.st_ctime_ns) > SETTLED:
            self._seen[key] = [*_times(found), digest]
            self._changed = True
        return Hashed(digest, found.st_size)

    def save(self) -> None:
        """Keeps those asked for since, and forgets the others."""
        if self._file is None or not (self._changed or len(self._seen) != len(self._known)):
            return
        new = not self._file.exists()
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"version": _VERSION, "files": self._seen}), "utf-8")
        temporary.replace(self._file)
        if new:
            _prune(self._file.parent, self._now() - _KEEP_DAYS * 86400 * 1_000_000_000)


def read(path: str) -> tuple[str, os.stat_result]:
    """Digest and state of a file that was the same before and after; a link at `path` is not
    followed."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        for _ in range(3):
            before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise Invalid(f"{path} is no longer a regular file.")
            digest, size = _digest(fd, before.st_size)
            after = os.fstat(fd)
            if _times(before) == _times(after) and size == after.st_size:
                return digest, after
            os.lseek(fd, 0, os.SEEK_SET)
    finally:
        os.close(fd)
    raise Invalid(
        f"{path} keeps changing while it is read.",
        hint="Wait until what writes it has finished, or leave it out by a line in .amlignore.",
    )


def _digest(fd: int, expected: int) -> tuple[str, int]:
    """Of what is there; a file that outgrows `expected` is given up, for it may never end."""
    hasher, size = hashlib.sha256(), 0
    while size <= expected and (chunk := os.read(fd, _CHUNK)):
        hasher.update(chunk)
        size += len(chunk)
    return hasher.hexdigest(), size


def _times(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(file: Path | None) -> dict[str, list[Any]]:
    if file is None:
        return {}
    try:
        body = json.loads(file.read_bytes())
        return body["files"] if body["version"] == _VERSION else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _prune(folder: Path, before: int) -> None:
    for other in folder.iterdir():
        if other.stat().st_mtime_ns < before:
            other.unlink(missing_ok=True)
