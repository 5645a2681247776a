"""Who follows which job: so that a log is printed though the job was over before."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Any

from lazur.engine.states import FINAL

RECENT = 600.0
"""Seconds: of a job that ended longer ago nobody is told that it is finalizing."""
_AGAIN = 30.0
"""Seconds after which somebody who was told the end begins to follow anew."""
_MOST = 10_000


class Streams:
    """In memory alone: another server, or this one after a start, tells it once more."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        """By caller and job's id here: when the end was told; 0 where it has not been."""
        self._lock = Lock()

    def holds(self, who: str, home: str, view: dict[str, Any], now: float) -> bool:
        """Whether the end of a job is kept back from this caller: once, where they have not asked
        while it was under way. `home`: of which server it is."""
        key = (who, f"{home}{view['id']}")
        over, ended = view["status"] in FINAL, view.get("ended_at")
        with self._lock:
            told = self._told.get(key)
            is_new = told is None or (told > 0 and now - told > _AGAIN)
            recent = bool(ended) and now - datetime.fromisoformat(ended).timestamp() < RECENT
            held = over and is_new and recent
            self._told[key] = now if over and not held else 0.0
            self._told.move_to_end(key)
            while len(self._told) > _MOST:
                self._told.popitem(last=False)
        return held
