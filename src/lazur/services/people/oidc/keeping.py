"""What a provider says of itself, asked for now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from lazur.errors import LazurError

T = TypeVar("T")
FRESH = 3600.0
STALE = 86400.0
"""So long it is still believed while the provider does not answer."""
BETWEEN = 60.0


class Kept(Generic[T]):
    """One value, safe to share between threads: whoever comes while it is asked for waits."""

    def __init__(self, ask: Callable[[], T], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[T, float] | None = None
        self._tried = 0.0

    def get(self) -> T:
        """At most an hour old, or a day while nobody answers. Raises what asking raises."""
        with self._lock:
            if self._held is None or self._age() >= STALE:
                return self._asked()
            if self._age() >= FRESH:
                self._try()
            return self._held[0]

    def renewed(self) -> T:
        """Asked for again, unless that was done within the last minute."""
        with self._lock:
            if self._held is None:
                return self._asked()
            self._try()
            return self._held[0]

    def _try(self) -> None:
        if 0 <= self._clock() - self._tried < BETWEEN:
            return
        try:
            self._asked()
        except LazurError:
            return  # what is held stays good until it is STALE; then `get` raises this

    def _asked(self) -> T:
        self._tried = self._clock()
        value = self._ask()
        self._held = value, self._tried
        return value

    def _age(self) -> float:
        assert self._held is not None
        return abs(self._clock() - self._held[1])
