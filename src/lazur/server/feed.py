"""One growing file, however many follow it: its end is read once, and what was read lately serves
all."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lazur.server.watcher import Watcher

CHUNK = 256 << 10
RECENT = 4
GAP = 0.01
"""A file that is written without pause wakes its followers this often, not at every write."""

OpenFile = Callable[[], int]
"""Opens the file and returns its descriptor, or raises FileNotFoundError: it is not there yet."""


def open_plainly(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


class Feed:
    """Followers put their event in `listeners` and read by offset; the event is set when there may
    be more."""

    def __init__(self, path: Path, open_file: OpenFile, watcher: Watcher) -> None:
        self.path = path
        self.listeners: set[asyncio.Event] = set()
        self._open_file = open_file
        self._watcher = watcher
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = None
        self._size = 0
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)
        self._woke = 0.0
        self._pending: asyncio.TimerHandle | None = None
        self._watcher.add(path, self._changed)
        self._timer = self._loop.call_later(watcher.pause, self._tick)

    async def read(self, offset: int) -> bytes:
        """Up to CHUNK bytes from `offset`, empty at the end. Far from the end it reads in a
        thread: that part may come from a slow disk, while the end is in memory."""
        for start, data in self._recent:
            if start <= offset < start + len(data):
                return data[offset - start :] if offset > start else data
        if not self._open():
            return b""
        assert self._descriptor is not None
        if offset + CHUNK < self._size:
            copy = os.dup(self._descriptor)
            return await asyncio.to_thread(_read_and_close, copy, offset)
        data = os.pread(self._descriptor, CHUNK, offset)
        if data:
            self._recent.append((offset, data))
        return data

    def close(self) -> None:
        self._timer.cancel()
        if self._pending:
            self._pending.cancel()
        self._watcher.remove(self.path, self._changed)
        self._let_go()

    def _open(self) -> bool:
        if self._descriptor is None:
            with suppress(FileNotFoundError, NotADirectoryError):
                self._descriptor = self._open_file()
                self._size = os.fstat(self._descriptor).st_size
        return self._descriptor is not None

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._recent.clear()

    def _changed(self) -> None:
        if self._pending is None:
            wait = self._woke + GAP - self._loop.time()
            if wait <= 0:
                self._wake()
            else:
                self._pending = self._loop.call_later(wait, self._wake)

    def _wake(self) -> None:
        self._pending = None
        self._woke = self._loop.time()
        self._look()
        for event in self.listeners:
            event.set()

    def _look(self) -> bool:
        """Whether the file has another size than before, or is another file."""
        if self._descriptor is None:
            return self._open()
        before, now = self._size, os.fstat(self._descriptor)
        self._size = now.st_size
        with suppress(OSError):
            named = self.path.stat(follow_symlinks=False)
            if (named.st_ino, named.st_dev) != (now.st_ino, now.st_dev):
                self._let_go()
                return self._open()
        return before != self._size

    def _tick(self) -> None:
        """Sees what the watcher cannot: changes made by other machines, and everything where there
        is no inotify."""
        self._timer = self._loop.call_later(self._watcher.pause, self._tick)
        if self._look():
            self._wake()


def _read_and_close(descriptor: int, offset: int) -> bytes:
    try:
        return os.pread(descriptor, CHUNK, offset)
    finally:
        os.close(descriptor)
