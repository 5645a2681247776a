"""Makes environments, one at a time per key, with a live log; removes those that were pruned."""

from __future__ import annotations

import contextlib
import logging
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from lazur.engine.contracts import Built
from lazur.engine.recipe import Recipe
from lazur.errors import BuildFailed, LazurError, Unavailable
from lazur.loops.base import Loop
from lazur.services.base.site import Site
from lazur.store import builds as store
from lazur.store import jobs
from lazur.store.db import AnyRow

log = logging.getLogger(__name__)

_WORKERS = 2
_RENEW_EVERY = 15.0
_AFTER_TROUBLE = 5.0


class Builds(Loop):
    name = "builds"

    def __init__(self, site: Site, pool: Executor | None = None) -> None:
        super().__init__()
        self._site = site
        self._pool = pool or ThreadPoolExecutor(_WORKERS, thread_name_prefix="build")
        self._running: dict[str, threading.Event] = {}
        """Builds of this process, and how to tell them to give up."""
        site.bus.listen("due", lambda _topic, key: self.hint() if key == self.name else None)

    def start(self) -> None:
        with self._site.db.write() as db:
            store.adopt(db, self._site.server)
        super().start()

    def round(self) -> float:
        now = self._site.now()
        self._pass_on_cancels()
        with self._site.db.read() as db:
            due = store.next_due(db)
        if due is None or due > now or len(self._running) >= _WORKERS:
            return due - now if due is not None and due > now else 3600.0
        with self._site.db.write(synced=False) as db:
            token, rows = store.take_due(db, now, _WORKERS - len(self._running), self._site.server)
        for row in rows:
            self._running[row.key] = threading.Event()
            self._pool.submit(self._work, row, token)
        return 1.0

    def stop(self, timeout: float = 5.0) -> None:
        """Builds that run are given up and begun again by the next server."""
        for give_up in list(self._running.values()):
            give_up.set()
        super().stop(timeout)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _pass_on_cancels(self) -> None:
        for key, give_up in list(self._running.items()):
            with self._site.db.read() as db:
                row = store.by_key(db, key)
            if row is not None and row.cancel_requested:
                give_up.set()

    def _work(self, row: AnyRow, token: str) -> None:
        try:
            if row.state == "removing":
                self._remove(row, token)
            elif row.cancel_requested:
                self._end(row, token, state="canceled", error=None)
            elif row.state in ("waiting", "building"):
                self._build(row, token)
            else:
                self._apply(row, token, due_at=None)
        except Exception:
            log.exception("build %s could not be moved on; it is looked at again", row.key)
            with contextlib.suppress(LazurError):
                self._apply(row, token, due_at=self._site.now() + _AFTER_TROUBLE)
        finally:
            self._running.pop(row.key, None)
            self.hint()

    def _build(self, row: AnyRow, token: str) -> None:
        started = self._site.now()
        with self._site.db.write() as db:
            store.change(db, row.key, state="building", started_at=started)
        self._tell_jobs(row.key)
        give_up = self._running[row.key]
        keeper = threading.Thread(
            target=self._keep_lease, args=(row.key, token, give_up), daemon=True
        )
        keeper.start()
        try:
            built = self._make(row, give_up)
        except LazurError as error:
            if self.stopping:
                self._apply(row, token, due_at=self._site.now())
                return
            canceled = give_up.is_set()
            state = "canceled" if canceled else "failed"
            self._end(row, token, state=state, error=error.to_dict()["error"])
        else:
            self._ready(row, token, built)
        finally:
            give_up.set()

    def _make(self, row: AnyRow, give_up: threading.Event) -> Built:
        path = self._site.home.build_log(row.key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb", buffering=0) as sink:
            try:
                return self._site.builder.build(Recipe.from_dict(row.recipe), sink, give_up.is_set)
            except LazurError:
                raise
            except Exception as error:
                log.exception("the builder failed on %s", row.key)
                raise BuildFailed(
                    f"The builder itself failed: {error}", hint="See the server's log."
                ) from error

    def _keep_lease(self, key: str, token: str, done: threading.Event) -> None:
        while not done.wait(_RENEW_EVERY):
            with contextlib.suppress(Unavailable), self._site.db.write(synced=False) as db:
                if not store.renew(db, key, token, self._site.now()):
                    done.set()

    def _ready(self, row: AnyRow, token: str, built: Built) -> None:
        facts = {
            "prefix": built.prefix,
            "python": built.python,
            "lock": built.lock,
            "warnings": built.warnings,
            "seconds": built.seconds,
        }
        self._end(row, token, state="ready", error=None, built=facts, size=built.size)

    def _remove(self, row: AnyRow, token: str) -> None:
        """Who asks for it meanwhile has it made again; what is whole is made in no time."""
        with self._site.db.read() as db:
            used = row.key in jobs.builds_in_use(db)
        if not used:
            self._site.builder.remove(row.key)
        with self._site.db.write() as db:
            if used or not store.remove(db, row.key, token):
                store.apply(db, row.key, token, state="waiting", due_at=self._site.now())

    def _end(self, row: AnyRow, token: str, **values: Any) -> None:
        now = self._site.now()
        if self._apply(row, token, due_at=None, ended_at=now, cancel_requested=False, **values):
            self._tell_jobs(row.key)

    def _apply(self, row: AnyRow, token: str, **values: Any) -> bool:
        with self._site.db.write() as db:
            return store.apply(db, row.key, token, **values)

    def _tell_jobs(self, key: str) -> None:
        with self._site.db.write() as db:
            woken = jobs.wake_for_build(db, key, self._site.now())
        self._site.bus.publish("build", key)
        for job_id in woken:
            self._site.bus.publish("due", f"jobs/{job_id}")
