"""Wakes sweeps whose trials have just reported a metric: pushed by the wire that it came in by,
and gathered, so that a script that logs a thousand times a second wakes its sweep a few times.

Runs that are no trials are never heard of. A word that is lost costs seconds: a sweep that stops
trials also looks by the clock.
"""

from __future__ import annotations

import threading

from lazur.loops.base import Loop
from lazur.services.base.site import Site
from lazur.store import parents

_APART = 0.2
"""Seconds between two looks at a sweep: a trial is stopped within two of what decides."""
_REMEMBERED = 10_000


class Reports(Loop):
    name = "reports"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._heard: set[int] = set()
        self._lock = threading.Lock()
        self._listening: dict[int, bool] = {}
        """Whether each parent decides by reports."""
        site.bus.listen("reported", self._hear)

    def round(self) -> float:
        with self._lock:
            heard, self._heard = self._heard, set()
        for parent_id in heard:
            if self._listens(parent_id):
                self._wake_up(parent_id)
        if heard:
            self._stop.wait(_APART)
        return 0.0 if self._heard else 3600.0

    def _hear(self, _topic: str, key: str) -> None:
        with self._lock:
            self._heard.add(int(key))
        self.hint()

    def _wake_up(self, parent_id: int) -> None:
        with self._site.db.write(synced=False) as db:
            woken = parents.wake(db, parent_id, self._site.now())
        if woken:
            self._site.bus.publish("due", f"jobs/{parent_id}")

    def _listens(self, parent_id: int) -> bool:
        known = self._listening.get(parent_id)
        if known is None:
            with self._site.db.read() as db:
                plan = parents.plan(db, parent_id)
            known = plan is not None and bool(plan.plan.get("sweep", {}).get("early_termination"))
            if len(self._listening) > _REMEMBERED:
                self._listening.clear()
            self._listening[parent_id] = known
        return known
