"""A loop: lease, load, advance, act (outside any transaction), apply if the lease is still mine.

Every loop may be killed at any line and run again, and several servers may run the same one: what
counts is in the
database and in the engines behind, and the lease decides whose result is written. A hint makes a
loop look sooner; it
also looks by the clock.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from lazur.errors import Unavailable

log = logging.getLogger(__name__)

LONGEST_SLEEP = 10.0
AFTER_TROUBLE = 1.0


class Loop(ABC):
    """One thread that calls `round` when something is due."""

    name: str
    longest = LONGEST_SLEEP
    """Seconds after which it looks again, whatever a round said."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    @abstractmethod
    def round(self) -> float:
        """Do what is due now. Returns how many seconds may pass until the next round, if nobody
        hints."""

    def start(self) -> None:
        self._thread.start()

    def hint(self) -> None:
        """Something changed: look now. From any thread; costs nothing."""
        self._wake.set()

    def stop(self, timeout: float = 5.0) -> None:
        """Finish the round that is running, and no more."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def _run(self) -> None:
        while not self.stopping:
            self._wake.clear()
            pause = self._guarded()
            self._wake.wait(pause)

    def _guarded(self) -> float:
        try:
            return max(0.0, min(self.longest, self.round()))
        except Unavailable as error:
            log.warning("%s: %s", self.name, error.message)
        except Exception:
            log.exception("%s failed; it goes on in %s s", self.name, AFTER_TROUBLE)
        return AFTER_TROUBLE
