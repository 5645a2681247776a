"""One builder per environment at a time, over all processes of the machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lazur.builders._uv import CanceledError

_TICK = 0.1


@contextmanager
def taken(
    path: Path, waiting: Callable[[str], None], cancelled: Callable[[], bool]
) -> Iterator[int]:
    """Hold the lock file; gives its descriptor, so that children can inherit it: what outlives a
    killed server still keeps others away from the folder it writes to. `waiting(pid)` is called
    once when it is held elsewhere.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, waiting, cancelled)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield descriptor
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


@contextmanager
def tried(path: Path) -> Iterator[bool]:
    """Hold the lock file if nobody does; says whether."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _try(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int, waiting: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
    told = False
    while not _try(descriptor):
        if not told:
            waiting(os.pread(descriptor, 32, 0).decode("ascii", "replace") or "unknown")
            told = True
        if cancelled():
            raise CanceledError
        time.sleep(_TICK)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
