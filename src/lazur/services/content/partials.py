"""Large blobs that come in parts: a file beside the blobs grows from its beginning, whichever
connection brings the next bytes, until it is whole, hashes to its name, and becomes a blob
(contributing/content.md).

What it holds is the beginning of what was sent, at any line that a process is killed at: so
nothing but its length says where to go on. It belongs to a workspace; who sends the same content
at the same time helps to send it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from lazur.engine.contracts import Adopts
from lazur.errors import BackendError, Conflict, Invalid, NotFound, Unavailable
from lazur.services.base.home import Home
from lazur.services.base.site import Site

_CHUNK = 1 << 20
_PATIENCE = 5.0
_NAMES = 256


def state(site: Site, workspace_id: int, digest: str) -> dict[str, Any]:
    """How much of it is there: all of it, where it is a blob."""
    if not site.blobs.missing([digest]):
        with suppress(NotFound):
            return {"offset": site.blobs.size(digest), "complete": True}
    return {"offset": _size(_path(site.home, workspace_id, digest)), "complete": False}


def append(site: Site, workspace_id: int, digest: str, offset: int, piece: bytes) -> int:
    """Where it ends now. Raises Conflict where it did not end at `offset`."""
    path = _path(site.home, workspace_id, digest)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path, make=not offset, patience=_PATIENCE) as descriptor:
        there = os.fstat(descriptor).st_size
        if there != offset:
            raise _elsewhere(there, offset)
        os.fchmod(descriptor, 0o600)  # somebody may have been killed who was about to settle it
        try:
            _write(path, offset, piece)
        except OSError as error:
            raise _full(error) from error
        _hashes.follow(path, offset, piece)
    return offset + len(piece)


def finish(site: Site, workspace_id: int, digest: str, size: int) -> dict[str, Any]:
    """It is whole: a blob from now on. `complete` is false while another call does that. Raises
    Invalid where its bytes are not those of its name; then they are gone."""
    path = _path(site.home, workspace_id, digest)
    try:
        with _locked(path) as descriptor:
            if (there := os.fstat(descriptor).st_size) != size:
                raise _elsewhere(there, size)
            _settle(site, path, digest, descriptor)
    except _Busy:
        return {"offset": size, "complete": False}
    except Conflict:
        # It was finished while this call waited to begin.
        if not (found := state(site, workspace_id, digest))["complete"]:
            raise
        return found
    return {"offset": size, "complete": True}


def held(home: Home, workspace_id: int, *, but: str = "") -> int:
    """Bytes that have come so far in a workspace, without those of the blob called so."""
    found = _folder(home, workspace_id).glob("*")
    return sum(_size(path) for path in found if path.name != but)


def sweep(home: Home, older_than: float) -> int:
    """Forget those that nobody has added to since; returns how many."""
    removed = 0
    for path in (home.blobs / "drafts").glob("*/*"):
        with suppress(Conflict, _Busy), _locked(path) as descriptor:
            if os.fstat(descriptor).st_mtime < older_than:
                path.unlink()
                removed += 1
    return removed


def remove(home: Home, workspace_id: int) -> None:
    """All of a workspace's."""
    shutil.rmtree(_folder(home, workspace_id), ignore_errors=True)


def _settle(site: Site, path: Path, digest: str, descriptor: int) -> None:
    found = _hashes.taken(path, os.fstat(descriptor).st_size) or _hash(descriptor)
    if found != digest:
        path.unlink()
        raise Invalid(
            f"The bytes sent for blob {digest} hash to {found}.",
            hint="The file changed on the way, or the connection altered it: send it again.",
        )
    if isinstance(site.blobs, Adopts):
        site.blobs.adopt(digest, str(path))
    else:
        site.blobs.put(digest, _chunks(descriptor))
    path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path, *, make: bool = False, patience: float = 0.0) -> Generator[int]:
    """The file, for this call alone. Raises Conflict where there is none, _Busy where another
    call has it for longer than `patience`."""
    until = time.monotonic() + patience
    while True:
        with closing(_Opened(path, make=make)) as opened:
            if opened.lock():
                yield opened.descriptor
                return
        if time.monotonic() > until:
            raise _Busy("Another request is at this upload just now.", retry_after=1)
        time.sleep(0.01)


class _Busy(Unavailable):
    """Another request is at it."""


class _Opened:
    def __init__(self, path: Path, *, make: bool) -> None:
        self._path = path
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if make else 0)
        try:
            self.descriptor = os.open(path, flags, 0o600)
        except FileNotFoundError:
            raise _elsewhere(0, None) from None

    def lock(self) -> bool:
        """False: somebody else has it, or has finished it and it is no longer called so."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._path.stat().st_ino == os.fstat(self.descriptor).st_ino
        except (BlockingIOError, FileNotFoundError):
            return False

    def close(self) -> None:
        os.close(self.descriptor)


class _Hashes:
    """Of those that this process has seen grow from their first byte, so that nothing is read
    again at the end. Others are."""

    def __init__(self) -> None:
        self._known = OrderedDict[Path, tuple[int, Any]]()
        self._lock = Lock()

    def follow(self, path: Path, offset: int, piece: bytes) -> None:
        """Under the file's lock."""
        with self._lock:
            seen, hasher = self._known.pop(path, (0, None))
        if not offset:
            seen, hasher = 0, hashlib.sha256()
        if hasher is None or seen != offset:
            return
        hasher.update(piece)
        with self._lock:
            self._known[path] = offset + len(piece), hasher
            if len(self._known) > _NAMES:
                self._known.popitem(last=False)

    def taken(self, path: Path, size: int) -> str | None:
        with self._lock:
            seen, hasher = self._known.pop(path, (0, None))
        return hasher.hexdigest() if hasher is not None and seen == size else None


_hashes = _Hashes()


def _folder(home: Home, workspace_id: int) -> Path:
    return home.blobs / "drafts" / str(workspace_id)


def _path(home: Home, workspace_id: int, digest: str) -> Path:
    return _folder(home, workspace_id) / digest


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _write(path: Path, offset: int, piece: bytes) -> None:
    with path.open("r+b", buffering=0) as file:
        file.seek(offset)
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]


def _hash(descriptor: int) -> str:
    hasher = hashlib.sha256()
    for chunk in _chunks(descriptor):
        hasher.update(chunk)
    return hasher.hexdigest()


def _chunks(descriptor: int) -> Iterator[bytes]:
    at = 0
    while chunk := os.pread(descriptor, _CHUNK, at):
        at += len(chunk)
        yield chunk


def _elsewhere(there: int, offset: int | None) -> Conflict:
    asked = "" if offset is None else f", not {offset:,}"
    return Conflict(
        f"So far {there:,} bytes of this blob are there{asked}.",
        hint="Ask how much there is (GET …/draft), and go on from there.",
        offset=there,
    )


def _full(error: OSError) -> Exception:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return BackendError(
        "The disk that holds the blobs is full.",
        hint="Free some space there, then repeat: what was stored already is not sent again.",
    )
