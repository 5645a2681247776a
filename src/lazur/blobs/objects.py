"""Blobs in an object store, and copies of some of them on this machine:
`<prefix>content/ab/<sha256>/<generation>`, and `_marks` beside.

What comes in is written to this machine first, where it is hashed, and is sent once it is right:
stores show an object whole or not at all. What goes out is fetched to this machine first, and
hashed again. So whoever needs files (jobs, what looks into data) finds them where a server without
an object store has its blobs.

Whoever sends a blob makes a generation of its own, and deleting names generations: so what is
deleted is never what somebody has just sent, however late the store gets to it. Two senders may
leave two; either is the blob.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO, TypeVar, cast

from lazur.blobs._copies import Folder
from lazur.blobs._marks import Marks
from lazur.engine.contracts import (
    Adopts,
    Blobs,
    Collects,
    Copies,
    Datastore,
    Stored,
    Sweeps,
    Writes,
)
from lazur.engine.tree import is_digest
from lazur.errors import BackendError, Invalid, NotFound, Unavailable

T = TypeVar("T")
R = TypeVar("R")

_CONTENT = "content"
_CHUNK = 1 << 20
_THREADS = 16
_TRUSTED = 3600.0
"""Seconds for which it is not asked again whether a blob is there: who asked has noted its use."""
_MOST_TRUSTED = 500_000
_IN_USE = 2 * 3600.0
"""Copies are left alone for so long after they were wanted: a job is about to read them."""
_DELETING = 600.0
"""Seconds after which whoever deletes gives up: the mark that says so is good for a day."""
_NOTES_KEPT = 6 * 86400.0
_SWEPT_EVERY = 3600.0


class Objects(Adopts, Blobs, Collects, Copies, Sweeps):
    """Below the folder `prefix` of `store`, which nothing else writes to; copies in `copies`."""

    def __init__(self, store: Datastore, prefix: str, copies: Folder) -> None:
        if not isinstance(store, Writes):
            raise Invalid("Content cannot be kept in a store that takes no files.")
        self._store, self._writes = store, store
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._copies = copies
        self._marks = Marks(store, self._prefix)
        self._trusted: dict[str, tuple[float, int]] = {}
        self._listed: dict[str, int] = {}
        """Sizes of what is listed just now, so that nobody asks for each."""
        self._swept: float | None = None

    def has(self, digest: str) -> bool:
        return bool(self._generations(digest))

    def missing(self, digests: list[str]) -> list[str]:
        there = self._use(digests)
        return [digest for digest in digests if digest not in there]

    def put(self, digest: str, chunks: Iterator[bytes]) -> int:
        """When the blob is there, `chunks` is not read."""
        if (there := self._use([digest]).get(digest)) is not None:
            return there
        self._copies.put(digest, chunks)
        return self._send(digest)

    def put_many(self, blobs: Iterable[tuple[str, bytes]]) -> int:
        given = list(blobs)
        contents = dict(given)
        if wanted := self.missing(list(contents)):
            self._copies.put_many([(digest, contents[digest]) for digest in wanted])
            _together(self._send, wanted)
        return len(given)

    def adopt(self, digest: str, path: str) -> None:
        if digest not in self._use([digest]):
            with open(path, "rb") as file:  # noqa: PTH123
                self._deliver(digest, file, os.fstat(file.fileno()).st_size)
            # Last: a store that did not take it would have cost the file that it came from.
            self._copies.adopt(digest, path)

    def open(self, digest: str) -> BinaryIO:
        self.fetch([digest])
        return self._copies.open(digest)

    def size(self, digest: str) -> int:
        if (known := self._listed.get(digest)) is not None:
            return known
        try:
            return self._copies.size(digest)
        except NotFound:
            return self._found(digest).size

    def delete(self, digest: str) -> None:
        for found in self._generations(digest):
            self._writes.delete(found.path)
        self._forget(digest)

    def unused(self, since: float) -> Iterator[str]:
        used, newest = self._marks.used(since), dict[str, float]()
        self._listed = {}
        for found in self._store.list(f"{self._prefix}{_CONTENT}"):
            if is_digest(digest := found.path.split("/")[-2]):
                newest[digest] = max(newest.get(digest, 0.0), found.modified)
                self._listed[digest] = found.size
        try:
            yield from (d for d, at in newest.items() if at < since and d not in used)
        finally:
            self._listed = {}

    def discard(self, digest: str, since: float) -> int:
        return self.discard_many([digest], since)[0]

    def discard_many(self, digests: Sequence[str], since: float) -> list[int]:
        """A few requests for all of them, and then two for each, many at once."""
        before = time.monotonic()
        found = dict(zip(digests, _together(self._generations, digests), strict=True))
        old = {d: all_ for d, all_ in found.items() if all(one.modified < since for one in all_)}
        going = [_generation(one) for all_ in old.values() for one in all_]
        if not going:
            return [0 for _ in digests]
        with self._marks.going(going):
            used = self._marks.used(since)
            doomed = {digest: all_ for digest, all_ in old.items() if digest not in used}

            def drop(found: Stored) -> None:
                if time.monotonic() - before > _DELETING:
                    raise Unavailable("The store of content is too slow to delete from it.")
                self._writes.delete(found.path)

            for digest in doomed:
                self._forget(digest)
            _together(drop, [one for all_ in doomed.values() for one in all_])
        return [sum(one.size for one in doomed.get(digest, ())) for digest in digests]

    def lacking(self, digests: list[str]) -> list[str]:
        return self._copies.missing(digests)

    def fetch(self, digests: Iterable[str], cancelled: Callable[[], bool] = lambda: False) -> None:
        wanted = self.lacking(list(dict.fromkeys(digests)))
        _together(partial(self._fetch, cancelled=cancelled), wanted)

    def send(self, digests: list[str]) -> int:
        return len(_together(self._send, self.missing(digests)))

    def stream(self, digest: str) -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(_Body(digest, self._opened), _CHUNK))

    def evict(self, most: int) -> int:
        now, left, found = time.time(), 0, list[tuple[float, int, str]]()
        for digest in self._copies.unused(float("inf")):
            try:
                status = os.stat(self._copies.path(digest))  # noqa: PTH116 - as in `local`
            except FileNotFoundError:
                continue
            left += status.st_size
            if status.st_nlink == 1:  # else it is part of an unpacked tree, and frees nothing
                found.append((max(status.st_atime, status.st_mtime), status.st_size, digest))
        for used, size, digest in sorted(found):
            if left <= most or used > now - _IN_USE:
                break
            self._copies.delete(digest)
            left -= size
        return left

    def sweep(self, older_than: float) -> int:
        """Asks the store now and then only: it costs."""
        now = time.monotonic()
        swept = self._copies.sweep(older_than)
        if self._swept is not None and now - self._swept < _SWEPT_EVERY:
            return swept
        self._swept = now
        return swept + self._marks.sweep(older_than - _NOTES_KEPT, older_than)

    def _use(self, digests: Iterable[str]) -> dict[str, int]:
        """Sizes of those that are there, and it is noted that somebody relies on them: before it
        is looked what is going, and that before it is looked what is there."""
        wanted, now = list(dict.fromkeys(digests)), time.monotonic()
        there = {d: self._trusted[d][1] for d in wanted if self._is_trusted(d, now)}
        if asked := [digest for digest in wanted if digest not in there]:
            for digest in asked:
                self._copies.path(digest)  # raises for what is none
            self._marks.note(asked)
            gone = self._marks.gone()
            for digest, found in zip(asked, _together(self._generations, asked), strict=True):
                if staying := [one for one in found if _generation(one) not in gone]:
                    there[digest] = self._trust(digest, staying[0].size, now)
        return there

    def _is_trusted(self, digest: str, now: float) -> bool:
        known = self._trusted.get(digest)
        return known is not None and now - known[0] < _TRUSTED

    def _trust(self, digest: str, size: int, now: float) -> int:
        if len(self._trusted) > _MOST_TRUSTED:
            self._trusted = {}
        self._trusted[digest] = (now, size)
        return size

    def _forget(self, digest: str) -> None:
        self._trusted.pop(digest, None)
        self._listed.pop(digest, None)
        self._copies.delete(digest)

    def _send(self, digest: str) -> int:
        with self._copies.open(digest) as file:
            return self._deliver(digest, file, self._copies.size(digest))

    def _deliver(self, digest: str, file: BinaryIO, size: int) -> int:
        now = time.monotonic()
        path = f"{self._folder(digest)}/{uuid.uuid4().hex[:12]}"
        self._writes.put(path, iter(lambda: file.read(_CHUNK), b""), size)
        return self._trust(digest, size, now)

    def _fetch(self, digest: str, cancelled: Callable[[], bool]) -> None:
        with self.stream(digest) as file:

            def pieces() -> Iterator[bytes]:
                while piece := file.read(_CHUNK):
                    if cancelled():
                        raise Unavailable("Content is not fetched: somebody asked to stop.")
                    yield piece

            self._copies.put(digest, pieces())

    def _opened(self, digest: str) -> BinaryIO:
        return self._store.open(self._found(digest).path)

    def _found(self, digest: str) -> Stored:
        for found in self._generations(digest):
            return found
        raise NotFound(f"There is no blob {digest}.")

    def _generations(self, digest: str) -> list[Stored]:
        return list(self._store.list(self._folder(digest)))

    def _folder(self, digest: str) -> str:
        self._copies.path(digest)  # raises for what is no digest
        return f"{self._prefix}{_CONTENT}/{digest[:2]}/{digest}"


class _Body(io.RawIOBase):
    """Opened when it is first read. Its end is an error unless all of it was right."""

    def __init__(self, digest: str, opened: Callable[[str], BinaryIO]) -> None:
        super().__init__()
        self._digest, self._open = digest, opened
        self._file: BinaryIO | None = None
        self._hasher = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._file is None:
            self._file = self._open(self._digest)
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._hasher.update(data)
        if not data and self._hasher.hexdigest() != self._digest:
            raise BackendError(
                f"What the store of content has as {self._digest} is something else now.",
                hint="Look after the store, and restore the object from a backup.",
            )
        return len(data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _generation(found: Stored) -> str:
    return "/".join(found.path.split("/")[-2:])


def _together(do: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Many requests at once: each waits for the network alone. The first failure is raised once
    all are done."""
    if len(things) < 2:
        return [do(thing) for thing in things]
    with ThreadPoolExecutor(min(_THREADS, len(things))) as pool:
        return list(pool.map(do, things))
