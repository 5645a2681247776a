"""One thread that waits for any number of supervisors to end."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable

from lazur.backends import _processes
from lazur.backends._processes import Identity

log = logging.getLogger(__name__)

_GLANCE = 0.2
"""Seconds between looks at what no descriptor tells: attempts not yet claimed, systems without
pidfd."""


class Watcher:
    """Started with the first attempt, and a daemon: it holds nothing that would be missed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[str, tuple[Callable[[], Identity | None], Callable[[], None]]] = {}
        self._unclear: set[str] = set()
        self._descriptors: dict[int, str] = {}
        self._poll = select.poll()
        self._wake_reader, self._wake_writer = os.pipe()
        self._poll.register(self._wake_reader, select.POLLIN)
        os.set_blocking(self._wake_writer, False)
        self._thread: threading.Thread | None = None
        self._glances = True
        """Whether it looks again by itself: nobody need wake it for one more to look at."""

    def add(
        self, name: str, owner: Callable[[], Identity | None], changed: Callable[[], None]
    ) -> None:
        """`owner()` is None until the attempt is claimed."""
        with self._lock:
            if name in self._watched:
                return
            self._watched[name] = (owner, changed)
            self._unclear.add(name)
            glances = self._glances
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
                self._thread.start()
        if not glances:
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake_writer, b"x")

    def drop(self, name: str) -> None:
        """Its end is no news any more."""
        with self._lock:
            self._watched.pop(name, None)
            self._unclear.discard(name)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._glances = bool(self._unclear)
            ready = self._poll.poll(_GLANCE * 1000 if self._glances else None)
            for descriptor, _ in ready:
                if descriptor == self._wake_reader:
                    os.read(descriptor, 4096)
                else:
                    self._ended(descriptor)
            self._look()

    def _look(self) -> None:
        with self._lock:
            unclear = list(self._unclear)
        for name in unclear:
            try:
                self._look_at(name)
            except _processes.WRONG:
                self._tell(name)  # who asks next sees it

    def _look_at(self, name: str) -> None:
        watched = self._watched.get(name)
        owner = watched[0]() if watched else None
        if owner is None:
            return
        descriptor = _open(owner.pid)
        if not _processes.is_alive(owner):
            if descriptor is not None:
                os.close(descriptor)
            self._tell(name)
        elif descriptor is not None:
            with self._lock:
                self._unclear.discard(name)
            self._descriptors[descriptor] = name
            self._poll.register(descriptor, select.POLLIN)

    def _ended(self, descriptor: int) -> None:
        name = self._descriptors.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        self._tell(name)

    def _tell(self, name: str) -> None:
        with self._lock:
            self._unclear.discard(name)
            watched = self._watched.pop(name, None)
        _processes.reap()
        if watched:
            try:
                watched[1]()
            except Exception:  # the others' ends are news as well
                log.exception("nobody was told of the end of %s", name)


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or it is gone already
        return None
