"""What a worker is at, in a page of memory that it shares with who looks after it: telling costs
no message."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile

IDLE, INIT, LOADING, RUNNING, ENDING = range(5)
_FORM = struct.Struct("<qqdq")


class Slot:
    """Made by who looks after the worker, and opened by the worker through an inherited
    descriptor."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._own = descriptor is None
        self.descriptor = _page_file() if descriptor is None else descriptor
        self._page = mmap.mmap(self.descriptor, _FORM.size)

    def put(self, phase: int, number: int, since: float, log: int) -> None:
        """`log`: how much the worker's log held when it began with the mini-batch."""
        _FORM.pack_into(self._page, 0, phase, number, since, log)

    def get(self) -> tuple[int, int, float, int]:
        return _FORM.unpack_from(self._page, 0)

    def close(self) -> None:
        self._page.close()
        if self._own:
            os.close(self.descriptor)


def _page_file() -> int:
    with tempfile.TemporaryFile() as file:
        file.truncate(_FORM.size)
        return os.dup(file.fileno())
