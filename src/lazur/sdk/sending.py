"""What all ways of sending blobs share: how far it is, and files that may change meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from lazur.errors import Invalid
from lazur.sdk.hashes import read

CHUNK = 256 << 10

Progress = Callable[[int, int], None]
"""Bytes sent so far, and bytes in all; called from several threads, one at a time."""


class Counter:
    """Adds up what the parts have sent. A part that is sent again begins at nothing."""

    stopped = False
    """Another part has failed: there is no use in going on."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self._progress = progress
        self._done = 0
        self._lock = Lock()

    def part(self) -> Part:
        return Part(self)

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            if self._progress and count:
                self._progress(self._done, self.total)


class Part:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._sent = 0

    @property
    def stopped(self) -> bool:
        return self._counter.stopped

    def at(self, offset: int) -> None:
        """So much of it is there."""
        self._counter.add(offset - self._sent)
        self._sent = offset

    def counted(self, piece: tuple[bytes, int]) -> bytes:
        self._sent += piece[1]
        self._counter.add(piece[1])
        return piece[0]


def pieces(path: str, start: int, count: int) -> Iterator[bytes]:
    """Of a file, which must still have them."""
    with opened(path) as file:
        file.seek(start)
        while count:
            chunk = file.read(min(count, CHUNK))
            if not chunk:
                raise changed(path)
            count -= len(chunk)
            yield chunk


def opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise changed(path) from error


def check_same(digest: str, path: str) -> None:
    """The server found a blob to be other than its name says: find out whether this is why."""
    try:
        found = read(path)[0]
    except OSError as error:
        raise changed(path) from error
    if found != digest:
        raise changed(path)


def changed(path: str) -> Invalid:
    return Invalid(
        f"{path} changed or vanished after the snapshot was taken.",
        hint="Submit again when nothing writes to it, or leave it out by a line in .amlignore.",
    )
