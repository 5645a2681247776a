"""Push when a file changes: inotify on the event loop, one watch per folder, no thread. Where
there is no inotify, followers look five times a second.

inotify is called through ctypes: it costs no import, and a change is seen in well under a
millisecond, where the packages for it collect changes for 50 ms and more in a thread of their own.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

POLL = 0.2
SLOW = 1.0
"""Seconds between looks at a file that inotify watches too: it is silent for changes made by other
machines."""
_MODIFY, _MOVED_TO, _CREATE, _ATTRIB = 0x2, 0x80, 0x100, 0x4
_OVERFLOW, _IGNORED = 0x4000, 0x8000
_EVENT = struct.Struct("iIII")

log = logging.getLogger(__name__)
Changed = Callable[[], None]


class Watcher:
    """Tells which watched file may have changed. Belongs to one event loop."""

    def __init__(self, *, inotify: bool = True) -> None:
        self._loop = asyncio.get_running_loop()
        self._inotify = _Inotify() if inotify and sys.platform == "linux" else None
        self._files: dict[Path, dict[str, list[Changed]]] = {}
        self._watches: dict[int, Path] = {}
        self._numbers: dict[Path, int] = {}
        self._missing: dict[Path, Changed] = {}
        if self._inotify and self._inotify.fd < 0:
            log.warning(
                "inotify is not to be had (%s); log tails look every %s s", self._inotify.why, POLL
            )
            self._inotify = None
        if self._inotify:
            self._loop.add_reader(self._inotify.fd, self._read)

    @property
    def pause(self) -> float:
        """How often a follower must look by itself."""
        return SLOW if self._inotify else POLL

    def add(self, path: Path, changed: Changed) -> None:
        """Call `changed` when the file may have grown, or has come to be; its folder need not
        exist yet."""
        self._files.setdefault(path.parent, {}).setdefault(path.name, []).append(changed)
        self._arm(path.parent)

    def remove(self, path: Path, changed: Changed) -> None:
        folder = path.parent
        names = self._files[folder]
        names[path.name].remove(changed)
        if not names[path.name]:
            del names[path.name]
        if not names:
            del self._files[folder]
            self._disarm(folder)

    def _arm(self, folder: Path) -> bool:
        if self._inotify is None or folder in self._numbers:
            return True
        number = self._inotify.add(folder)
        if number >= 0:
            self._numbers[folder] = number
            self._watches[number] = folder
        elif folder not in self._missing and folder != folder.parent:
            self._await(folder)
        return number >= 0

    def _await(self, folder: Path) -> None:
        """A folder that is not there is itself awaited in its parent, and so on up."""

        def appeared() -> None:
            if folder in self._missing and self._arm(folder):
                self.remove(folder, self._missing.pop(folder))
                self._tell(folder)

        self._missing[folder] = appeared
        self.add(folder, appeared)
        appeared()  # it may have come between the two looks

    def _disarm(self, folder: Path) -> None:
        if appeared := self._missing.pop(folder, None):
            self.remove(folder, appeared)
        number = self._numbers.pop(folder, None)
        if number is not None and self._inotify:
            self._watches.pop(number, None)
            self._inotify.remove(number)

    def close(self) -> None:
        if self._inotify:
            self._loop.remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None

    def _read(self) -> None:
        assert self._inotify is not None
        for number, mask, name in self._inotify.read():
            if mask & _OVERFLOW:
                for folder in list(self._files):
                    self._tell(folder)
            elif mask & _IGNORED:
                self._lost(number)
            elif folder := self._watches.get(number):
                for changed in list(self._files.get(folder, {}).get(name, ())):
                    changed()

    def _lost(self, number: int) -> None:
        """The folder was deleted; it may come again."""
        if folder := self._watches.pop(number, None):
            self._numbers.pop(folder, None)
            if folder in self._files:
                self._arm(folder)

    def _tell(self, folder: Path) -> None:
        for listeners in list(self._files.get(folder, {}).values()):
            for changed in list(listeners):
                changed()


class _Inotify:
    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.why = os.strerror(ctypes.get_errno()) if self.fd < 0 else ""

    def add(self, folder: Path) -> int:
        mask = _MODIFY | _MOVED_TO | _CREATE | _ATTRIB
        number: int = self._libc.inotify_add_watch(self.fd, os.fsencode(folder), mask)
        if number < 0 and ctypes.get_errno() not in {errno.ENOENT, errno.ENOTDIR}:
            log.warning("cannot watch %s: %s", folder, os.strerror(ctypes.get_errno()))
        return number

    def remove(self, number: int) -> None:
        self._libc.inotify_rm_watch(self.fd, number)

    def read(self) -> list[tuple[int, int, str]]:
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return []
        found: list[tuple[int, int, str]] = []
        at = 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            found.append((number, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))))
            at += length
        return found

    def close(self) -> None:
        os.close(self.fd)
