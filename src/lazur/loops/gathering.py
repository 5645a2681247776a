"""News that can wait for a moment, so that one look answers many."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Gathering:
    """Calls `look` with a number some time after it was first heard of, once for all that was
    heard in between."""

    def __init__(self, look: Callable[[int], None], seconds: float) -> None:
        self._look = look
        self._seconds = seconds
        self._lock = threading.Lock()
        self._heard: set[int] = set()

    def hear(self, number: int) -> None:
        with self._lock:
            if number in self._heard:
                return
            self._heard.add(number)
        timer = threading.Timer(self._seconds, self._tell, [number])
        timer.daemon = True
        timer.start()

    def _tell(self, number: int) -> None:
        with self._lock:
            self._heard.discard(number)
        self._look(number)
