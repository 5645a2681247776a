"""Housekeeping: what a kill at the wrong line left behind, and what has grown old."""

from __future__ import annotations

import logging

from lazur.engine.states import FINAL
from lazur.loops.base import Loop
from lazur.services.site import Site
from lazur.store import jobs, records

log = logging.getLogger(__name__)

_EVERY = 600.0
_ANSWERS_KEPT = 86400.0


class Sweepup(Loop):
    name = "sweepup"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site

    def round(self) -> float:
        now = self._site.now()
        with self._site.db.write() as db:
            records.forget_before(db, now - _ANSWERS_KEPT)
            records.drop_expired_tokens(db, now)
        self._clean_attempts()
        return _EVERY

    def _clean_attempts(self) -> None:
        """Working folders of jobs that ended: their loop was killed between the last write and the
        cleaning."""
        for attempt in self._site.home.path.glob("jobs/*/*/*/wd"):
            if self.stopping:
                return
            workspace, name = attempt.parts[-4:-2]
            with self._site.db.read() as db:
                job_id = jobs.id_of(db, workspace, name)
                row = jobs.by_id(db, job_id) if job_id is not None else None
            if row is not None and row.state in FINAL and row.handle is not None:
                self._site.backend(row.compute_type, row.compute_settings).clean(row.handle)
