"""Blobs in a folder: `<root>/ab/<sha256>`, read-only, each written aside, synced, and renamed into
place.

Safe for any number of writing processes: whoever comes second replaces a file by an equal one. A
killed writer leaves a file in `<root>/tmp`, which `sweep` removes.

When a blob was last used is its file's time of access, which is set wherever somebody is told that
the blob is there. One that is discarded is taken away first, looked at again, and put back when it
was used meanwhile: whoever uses it sees it either gone, and sends it again, or has it kept. A kill
in between leaves it in `<root>/tmp` as `gone-<sha256>`, from where it comes back.
"""

# Plain strings, not pathlib: thousands of files at a time, several times faster.
# ruff: noqa: PTH102, PTH103, PTH104, PTH108, PTH110, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from lazur.engine.contracts import Adopts, Blobs, Collects, Sweeps
from lazur.engine.tree import is_digest
from lazur.errors import BackendError, Invalid, NotFound

_USED_EVERY = 3600.0
"""Noted no more often than that: a disk is asked to write for it."""
_GONE = "gone-"
_CHUNK = 1 << 20


class Local(Adopts, Blobs, Collects, Sweeps):
    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.fspath(root)
        self._tmp = os.path.join(self.root, "tmp")
        os.makedirs(self.root, mode=0o700, exist_ok=True)
        os.makedirs(self._tmp, mode=0o700, exist_ok=True)

    def path(self, digest: str) -> str:
        """Where the blob lies, or would. Raises Invalid for what is no SHA-256: no other name gets
        to the disk."""
        if not is_digest(digest):
            raise Invalid(f"{digest[:80]!r} is not a SHA-256 in lower-case hex.")
        return os.path.join(self.root, digest[:2], digest)

    def has(self, digest: str) -> bool:
        return os.path.exists(self.path(digest))

    def missing(self, digests: list[str]) -> list[str]:
        return [digest for digest in digests if self._use(digest) is None]

    def put(self, digest: str, chunks: Iterator[bytes]) -> int:
        """When the blob is there, `chunks` is not read."""
        if (there := self._use(digest)) is not None:
            return there
        with self._aside() as (temporary, fd):
            size = _write(fd, digest, chunks)
            os.fsync(fd)
            self._publish([(temporary, digest)])
        return size

    def put_many(self, blobs: Iterable[tuple[str, bytes]]) -> int:
        """Everything is written before the first is synced, so that the disk can do them together,
        and each folder is synced once: 2,000 blobs of 4 kB took about half the time of one by
        one. (`syncfs` was tried: no faster, and it waits for everybody else's writes too.)"""
        given = list(blobs)
        contents = dict(given)
        if wanted := self.missing(list(contents)):
            with self._scratch() as folder:
                self._store_together({digest: contents[digest] for digest in wanted}, folder)
        return len(given)

    def adopt(self, digest: str, path: str) -> None:
        """Renamed, or copied where it lies on another disk."""
        if self._use(digest) is not None:
            return
        with open(path, "rb") as file, _disk_errors(self.root):
            os.fchmod(file.fileno(), 0o444)
            os.utime(path)
            os.fsync(file.fileno())
            try:
                self._publish([(path, digest)])
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self.put(digest, iter(lambda: file.read(_CHUNK), b""))

    def open(self, digest: str) -> BinaryIO:
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError as error:
            raise _not_found(digest) from error

    def size(self, digest: str) -> int:
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError as error:
            raise _not_found(digest) from error

    def delete(self, digest: str) -> None:
        """Silent when it is gone already."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(digest))

    def unused(self, since: float) -> Iterator[str]:
        self._bring_back()
        for folder in os.scandir(self.root):
            if len(folder.name) == len("ab") and folder.is_dir(follow_symlinks=False):
                for entry in os.scandir(folder.path):
                    if is_digest(entry.name) and _used_at(entry.stat()) < since:
                        yield entry.name

    def discard(self, digest: str, since: float) -> int:
        path, gone = self.path(digest), os.path.join(self._tmp, _GONE + digest)
        with suppress(FileNotFoundError):  # somebody else was quicker, or brought it back
            os.rename(path, gone)
            status = os.stat(gone)
            if _used_at(status) < since:
                os.unlink(gone)
                return status.st_size
            os.rename(gone, path)
        return 0

    def sweep(self, older_than: float) -> int:
        """Remove what killed writers left before `older_than` (seconds since the epoch: well
        before any upload that can still be going on); returns the number of files."""
        removed = 0
        self._bring_back()
        for entry in os.scandir(self._tmp):
            with suppress(FileNotFoundError):  # its writer lives, and has just finished
                if entry.stat(follow_symlinks=False).st_mtime < older_than:
                    _remove(entry)
                    removed += 1
        return removed

    def _use(self, digest: str) -> int | None:
        """Its size where the blob is there, and it is noted that somebody relies on it. One of
        another account's, whose times are not ours to set, is replaced by one of our own."""
        path = self.path(digest)
        try:
            status = os.stat(path)
            if time.time() - _used_at(status) > _USED_EVERY:
                os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
        except (FileNotFoundError, PermissionError):
            return None
        return status.st_size

    def _bring_back(self) -> None:
        """What was taken away by one that was killed before it had decided. Taken from one that
        lives, it is kept too."""
        for entry in os.scandir(self._tmp):
            if entry.name.startswith(_GONE):
                with suppress(FileNotFoundError):
                    os.rename(entry.path, self.path(entry.name.removeprefix(_GONE)))

    @contextmanager
    def _aside(self) -> Iterator[tuple[str, int]]:
        fd, path = tempfile.mkstemp(dir=self._tmp)
        try:
            with _disk_errors(self.root):
                yield path, fd
        finally:
            os.close(fd)
            with suppress(FileNotFoundError):
                os.unlink(path)

    @contextmanager
    def _scratch(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory(dir=self._tmp) as folder, _disk_errors(self.root):
            yield folder

    def _store_together(self, blobs: dict[str, bytes], folder: str) -> None:
        written: list[tuple[str, str]] = []
        for digest, data in blobs.items():
            path = os.path.join(folder, digest)
            fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                _write(fd, digest, iter((data,)))
                _start_writing_back(fd)
            finally:
                os.close(fd)
            written.append((path, digest))
        for path, _ in written:
            _sync(path)
        self._publish(written)

    def _publish(self, written: list[tuple[str, str]]) -> None:
        """Only what is synced is renamed, and only when the names are synced too has the caller
        been told."""
        folders = {os.path.dirname(self.path(digest)) for _, digest in written}
        for folder in folders:
            self._make(folder)
        for path, digest in written:
            os.rename(path, self.path(digest))
        for folder in folders:
            _sync(folder)

    def _make(self, folder: str) -> None:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            return
        _sync(self.root)


def _used_at(status: os.stat_result) -> float:
    return max(status.st_atime, status.st_mtime)


def _write(fd: int, digest: str, chunks: Iterator[bytes]) -> int:
    hasher, size = hashlib.sha256(), 0
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
        _write_all(fd, chunk)
    if hasher.hexdigest() != digest:
        raise Invalid(
            f"The bytes sent for blob {digest} hash to {hasher.hexdigest()}.",
            hint="The file changed on the way, or the connection altered it: send it again.",
        )
    os.fchmod(fd, 0o444)
    return size


def _write_all(fd: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _start_writing_back(fd: int) -> None:
    """Lets the disk begin while we go on, so that the syncs afterwards find most of it done."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def _sync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _disk_errors(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BackendError(
            f"The disk that holds the blobs is full ({root}).",
            hint="Free some space there, then repeat: what was stored already is not sent again.",
        ) from error


def _not_found(digest: str) -> NotFound:
    return NotFound(f"There is no blob {digest}.")


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)
