"""Takes jobs that are due or that something has happened to, and moves each a round forward."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from lazur.engine.decisions import JobKind, Kind, Parent
from lazur.errors import LazurError
from lazur.loops.base import Loop
from lazur.loops.gathering import Gathering
from lazur.loops.leaves import LeafRound
from lazur.loops.parents import ParentRound, Plans
from lazur.registry import find
from lazur.services.base.site import Site
from lazur.services.content.copies import Deliveries
from lazur.store import jobs
from lazur.store.jobs import JobRow

log = logging.getLogger(__name__)

_AT_ONCE = 64
_WORKERS = 4
_AFTER_TROUBLE = 5.0
_GATHERING = 0.1
"""Seconds between two looks at a parent whose steps wait in line for slots: nothing that it
decides could begin sooner, and with thousands of steps each look is long."""


class Jobs(Loop):
    name = "jobs"

    def __init__(self, site: Site, pool: Executor | None = None) -> None:
        super().__init__()
        self._site = site
        self.deliveries = Deliveries(site)
        self._pool = pool or ThreadPoolExecutor(_WORKERS, thread_name_prefix="job")
        self._busy: Counter[int] = Counter()
        """How often each job is in the pool now."""
        self._changed: set[int] = set()
        """Of those, the ones to look at once more afterwards: they changed meanwhile."""
        self._lock = threading.Lock()
        self._plans = Plans(site)
        self._gathering = Gathering(self.look_at, _GATHERING) if pool is None else None
        site.bus.listen("due", self._heard)

    def start(self) -> None:
        with self._site.db.write() as db:
            jobs.adopt(db, self._site.now(), self._site.runner, self._site.server)
        super().start()

    def round(self) -> float:
        now = self._site.now()
        with self._site.db.read() as db:
            due = jobs.next_due(db, self._site.runner)
        if due is not None and due <= now:
            with self._site.db.write(synced=False) as db:
                token, rows = jobs.take_due(
                    db, now, self._site.runner, _AT_ONCE, self._site.server
                )
            for row in rows:
                self._put(row.id, token)
            if len(rows) == _AT_ONCE:
                return 0.0
            with self._site.db.read() as db:
                due = jobs.next_due(db, self._site.runner)
        return due - now if due is not None else 3600.0

    def take(self, ids: Sequence[int], token: str) -> None:
        """Jobs that the dispatcher has just placed, leased with `token`."""
        for job_id in ids:
            self._put(job_id, token)

    def look_at(self, job_id: int) -> None:
        """This job may have changed: look now, without waiting for its turn."""
        self._put(job_id, None)

    def stop(self, timeout: float = 5.0) -> None:
        super().stop(timeout)
        self.deliveries.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _heard(self, _topic: str, key: str) -> None:
        loop, _, job = key.partition("/")
        if loop != self.name:
            return
        if not job:
            self.hint()
        elif self._gathering and int(job) in self._plans.in_no_hurry:
            self._gathering.hear(int(job))
        else:
            self.look_at(int(job))

    def _put(self, job_id: int, token: str | None) -> None:
        with self._lock:
            if self.stopping:
                return
            if self._busy[job_id] and token is None:
                self._changed.add(job_id)
                return
            self._busy[job_id] += 1
        self._pool.submit(self._work, job_id, token)

    def _work(self, job_id: int, token: str | None) -> None:
        over = False
        try:
            over = self._one(job_id, token)
        except Exception:
            log.exception("job %s could not be moved on; it is looked at again", job_id)
        finally:
            again = self._leave(job_id)
        if again and not over:
            self._put(job_id, None)

    def _leave(self, job_id: int) -> bool:
        """Whether the job changed while it was in the pool."""
        with self._lock:
            self._busy[job_id] -= 1
            if self._busy[job_id]:
                return False
            del self._busy[job_id]
            again = job_id in self._changed
            self._changed.discard(job_id)
            return again

    def _one(self, job_id: int, token: str | None) -> bool:
        """Whether it is over now, and nothing is left to do."""
        now = self._site.now()
        if token is None:
            with self._site.db.write(synced=False) as db:
                token, row = jobs.take_one(db, job_id, now, self._site.runner, self._site.server)
        else:
            with self._site.db.read() as db:
                row = jobs.by_id(db, job_id)
        if row is None or row.lease_token != token:
            return False
        kind = find("kinds.jobs", row.type, JobKind)()
        try:
            if isinstance(kind, Parent):
                ParentRound(self._site, self._plans, self.look_at, row, token).run(kind)
                return False
            assert isinstance(kind, Kind)
            leaf = LeafRound(self._site, self.deliveries, self.look_at, row, token)
            leaf.run(kind)
            return leaf.over
        except Exception:
            self._give_back(row, token)
            raise

    def _give_back(self, row: JobRow, token: str) -> None:
        """Trouble is no reason to wait for the end of the lease."""
        now = self._site.now()
        with contextlib.suppress(LazurError), self._site.db.write(synced=False) as db:
            jobs.release(db, row, token, now, now + _AFTER_TROUBLE)
