"""What became of each mini-batch, appended line by line: what a person was told, and what the next
attempt goes on from, whichever process was killed.

One process writes it, and a lock makes sure of that. Lines are on the disk within a second; what a
power cut takes is run again. So a mini-batch may run twice, but it counts once, and its results
are those that its one line points to.
"""

from __future__ import annotations

import fcntl
import json
import os
import time

from lazur.runtime.parallel.settings import Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SYNC = 1.0


class Ledger:
    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Wrong("another process is at work on this job's mini-batches") from None
        self._lines: list[str] = []
        self._synced_at = time.monotonic()
        self._dirty = False

    def entries(self) -> list[dict[str, Any]]:
        """What is in it. A line that was half written when somebody was killed is none."""
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            data = file.read()
        if data and not data.endswith(b"\n"):
            os.write(self._fd, b"\n")
        return [entry for entry in map(_parsed, data.split(b"\n")) if entry]

    def add(self, entry: dict[str, Any]) -> None:
        self._lines.append(json.dumps(entry, separators=(",", ":")))

    def flush(self) -> None:
        """All that was added since the last time, in one write."""
        if self._lines:
            data = memoryview(("\n".join(self._lines) + "\n").encode())
            while data:
                data = data[os.write(self._fd, data) :]
            self._lines.clear()
            self._dirty = True
        if self._dirty and time.monotonic() - self._synced_at >= _SYNC:
            self.sync()

    def sync(self) -> None:
        os.fsync(self._fd)
        self._dirty = False
        self._synced_at = time.monotonic()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]
