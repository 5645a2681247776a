"""Following steps that wait in line while nothing else of their pipeline goes on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lazur.errors import LazurError
from lazur.sdk.lines import Lines
from lazur.sdk.scope import Scope

PATIENCE = 2.0
"""Seconds. Each step stands in line for a moment, and nobody wants to read of that."""
_BUSY = frozenset({"Preparing", "Running"})
_LOOPS = frozenset({"if_else", "do_while", "parallel_for"})


class QueueWatch:
    """Says of the steps that wait for slots for what, once, when that lasts."""

    def __init__(self, scope: Scope, lines: Lines, prefix: str) -> None:
        self._scope = scope
        self._lines = lines
        self._prefix = prefix
        self._said: set[str] = set()
        self._timer: threading.Timer | None = None
        self._over = False

    def look(self, steps: Sequence[dict[str, Any]]) -> None:
        self._stop()
        goes_on = any(s["status"] in _BUSY and s["type"] not in _LOOPS for s in steps)
        queued = [step for step in steps if step["status"] == "Queued"]
        if goes_on or not any(step["name"] not in self._said for step in queued):
            return
        self._timer = threading.Timer(PATIENCE, self._say, (queued,))
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        self._over = True
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _say(self, queued: Sequence[dict[str, Any]]) -> None:
        first, others = queued[0], len(queued) - 1
        # Whoever follows the whole sees the same trouble, and says so.
        with suppress(LazurError, BrokenPipeError):
            path = self._scope.path("jobs", first["job"])
            job = self._scope.http.request("GET", path).json()
            if self._over or job["status"] != "Queued" or not job.get("waiting_for"):
                return
            also = f", and so {'do' if others > 1 else 'does'} {others} more" if others else ""
            said = self._lines.style("Queued   ", "Queued")
            name = self._prefix + first["name"]
            self._lines.say(f"{name}  {said}  waits for {job['waiting_for']}{also}")
            self._said.update(step["name"] for step in queued)
