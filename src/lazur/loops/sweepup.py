"""Housekeeping: what a kill at the wrong line left behind, and what has grown old."""

from __future__ import annotations

import logging

from lazur.engine.contracts import Sweeps
from lazur.engine.states import FINAL
from lazur.errors import LazurError
from lazur.loops.base import Loop
from lazur.services.assets import builds, registered_models
from lazur.services.azure import forgotten, staging
from lazur.services.base.site import Site
from lazur.services.content import collection, copies, leftovers, partials, stored
from lazur.services.jobs import run_hooks as hooks
from lazur.services.keeping import workspace_trash
from lazur.services.looks import desk
from lazur.services.resources import secrets
from lazur.services.results import chosen_places, uses
from lazur.services.tracking import trash
from lazur.store import builds as build_store
from lazur.store import holds, jobs, people, posts, records, sign_ins

log = logging.getLogger(__name__)

_EVERY = 60.0
_ROTATED_EVERY = 60.0
"""Vaults are asked for their key no more often."""
_SETTLED_EVERY = 600.0
"""Every run is looked at."""
_WEIGHED_EVERY = 3600.0
"""Every file is looked at where jobs chose a place for their outputs."""
_NOBODY_WAITS = 180.0
"""Seconds: no round of a job or a build asks to be looked at so late, whatever another server's
clock shows."""
_NO_POST_WAITS = 7200.0
_ANSWERS_KEPT = 86400.0
_LEFT = 86400.0
"""Nothing is still being written after a day."""


class Sweepup(Loop):
    name = "sweepup"
    longest = _EVERY

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._rotated = self._settled = self._weighed = 0.0
        site.bus.listen("due", lambda _topic, key: self.hint() if key == self.name else None)

    def round(self) -> float:
        now = self._site.now()
        self._bring_forward(now)
        with self._site.db.write() as db:
            records.forget_before(db, now - _ANSWERS_KEPT)
            people.drop_expired_tokens(db, now)
            sign_ins.drop_expired(db, now)
            holds.drop_ended(db, now)
        while not self.stopping and not trash.finish(self._site, seconds=1.0):
            """A purge that was interrupted."""
        while not self.stopping and not workspace_trash.finish(self._site, seconds=1.0):
            """So was one of a workspace, or it takes long."""
        with self._site.context() as context:
            hooks.settle(context)
            registered_models.settle(context)
        self._clean_attempts()
        self._sweep(now - _LEFT)
        self._prune()
        self._collect()
        desk.prune(self._site)
        self._account()
        self._rotate()
        return _EVERY

    def _bring_forward(self, now: float) -> None:
        """The clock was put back: what was due soon would be due in hours."""
        with self._site.db.write(synced=False) as db:
            found = {
                "jobs": jobs.bring_forward(db, now, _NOBODY_WAITS),
                "builds": build_store.bring_forward(db, now, _NOBODY_WAITS),
            }
            posts.bring_forward(db, now, _NO_POST_WAITS)
        for loop, count in found.items():
            if count:
                log.warning("the clock was put back: %d %s are looked at now", count, loop)
                self._site.bus.publish("due", loop)

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

    def _sweep(self, older_than: float) -> None:
        """Halves of uploads and unpacked trees whose writer was killed."""
        if isinstance(self._site.blobs, Sweeps):
            try:
                self._site.blobs.sweep(older_than)
            except LazurError as error:  # the rest does not wait for a store that is away
                log.warning("what uploads left is not removed: %s", error.message)
        copies.evict(self._site)
        leftovers.clear(self._site, lambda: self.stopping)
        partials.sweep(self._site.home, older_than)
        cache = self._site.home.cache
        patterns = ("trees/*.*.*", "imports/*")
        for draft in [found for pattern in patterns for found in cache.glob(pattern)]:
            if not self.stopping and draft.lstat().st_mtime < older_than:
                collection.remove(draft)
        staging.sweep(self._site.home, older_than)
        forgotten.clear(self._site, lambda: self.stopping)

    def _prune(self) -> None:
        """Environments that nobody used for long, and the longest unused of too many."""
        with self._site.context() as context:
            keep = self._site.keep
            pruned = builds.prune(context, keep.days, keep.bytes, dry_run=False)
        for build in pruned["removed"]:
            log.info(
                "environment %s (%s) was not used for long: removed", build["key"], build["name"]
            )

    def _account(self) -> None:
        """What jobs stored that have ended, and what was purged since."""
        while not self.stopping and not uses.weigh(self._site):
            """There are more."""
        stored.settle(self._site)
        if 0 <= self._site.now() - self._settled < _SETTLED_EVERY:
            return
        self._settled = self._site.now()
        stored.settle_runs(self._site)
        if not 0 <= self._site.now() - self._weighed < _WEIGHED_EVERY:
            self._weighed = self._site.now()
            chosen_places.settle(self._site, lambda: self.stopping)

    def _collect(self) -> None:
        """Bytes of what was purged, and of uploads that came to nothing."""
        try:
            freed = collection.collect_if_wanted(self._site)
        except LazurError as error:
            log.warning("bytes that nothing needs are not freed: %s", error)
        else:
            if freed.blobs:
                log.info(
                    "%d blobs that nothing needs are freed: %d bytes", freed.blobs, freed.bytes
                )

    def _rotate(self) -> None:
        """Secrets that a former root key wraps. What cannot be done now is tried again."""
        if 0 <= self._site.now() - self._rotated < _ROTATED_EVERY:
            return
        self._rotated = self._site.now()
        try:
            done = secrets.rotate(self._site, lambda: self.stopping)
        except LazurError as error:
            log.warning("some secrets are still wrapped by a former root key: %s", error)
        else:
            if done:
                log.info("%d secrets are wrapped by the current root key now", done)
