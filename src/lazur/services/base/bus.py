"""What changed, said in this process after a commit. A lost word costs time, never truth: loops
also look by the
clock, and streams look again now and then."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

Listener = Callable[[str, str], None]


class Bus:
    """Topics are `job` (key `workspace/name`), `queue` (a compute's name, where jobs that wait may
    begin now), `line` (one that a job came to wait for), `build` (its key), `due` (a loop's
    name)."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}

    def listen(self, topic: str, listener: Listener) -> None:
        """`listener(topic, key)` is called from the thread that published and must not block."""
        self._listeners.setdefault(topic, []).append(listener)

    def publish(self, topic: str, key: str) -> None:
        for listener in self._listeners.get(topic, ()):
            try:
                listener(topic, key)
            except Exception:
                log.exception("a listener of %s failed", topic)
