"""Schedules: finds the ticks that are due, and submits their jobs."""

from __future__ import annotations

import logging

from lazur.loops.base import Loop
from lazur.services.base.site import Site
from lazur.services.schedules import firing
from lazur.store import schedules as store
from lazur.store import ticks

log = logging.getLogger(__name__)

_AT_ONCE = 20
"""All of a round stay within their lease."""
_KEPT = 180 * 86400.0
"""What became of ticks is told for half a year."""
_FORGETS_EVERY = 3600.0
_LONGEST_WAIT = 600.0
"""No tick waits so long for its next try."""


class Schedules(Loop):
    name = "schedules"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._forgot = site.now()
        with site.db.write(synced=False) as db:
            ticks.take_back(db, site.server)
        site.bus.listen("due", lambda _topic, key: self.hint() if key == self.name else None)

    def round(self) -> float:
        more = firing.decide(self._site)
        with self._site.db.write(synced=False) as db:
            ticks.bring_forward(db, self._site.now(), _LONGEST_WAIT)
            token, due = ticks.take(db, self._site.now(), _AT_ONCE, self._site.server)
        for tick in due:
            if self.stopping:
                return 0.0
            try:
                firing.fire(self._site, tick, token)
            except Exception as error:
                log.exception("a tick of schedule %s failed", tick.schedule_id)
                firing.give_up(self._site, tick, token, error)
        self._forget()
        return 0.0 if more or len(due) == _AT_ONCE else self._pause()

    def _pause(self) -> float:
        with self._site.db.read() as db:
            known = [store.next_due(db), ticks.next_due(db)]
        coming = [due - self._site.now() for due in known if due is not None]
        return min(coming, default=self.longest)

    def _forget(self) -> None:
        now = self._site.now()
        if 0 <= now - self._forgot < _FORGETS_EVERY:
            return
        self._forgot = now
        with self._site.db.write(synced=False) as db:
            ticks.forget_before(db, now - _KEPT)
