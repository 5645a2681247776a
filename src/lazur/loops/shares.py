"""Shares what has to be copied from a store elsewhere first."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from lazur.errors import LazurError
from lazur.loops.base import Loop
from lazur.services.assets import shares, sharing
from lazur.services.base import access
from lazur.services.base.site import Site
from lazur.transfer import Manner, Progress, Stopped

log = logging.getLogger(__name__)

_AT_ONCE = 2


class Shares(Loop):
    name = "shares"
    longest = 5.0

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="shares")
        self._going: dict[Held, Future[None]] = {}
        shares.take_back(site)
        site.bus.listen("due", lambda _topic, key: self.hint() if key == self.name else None)

    def round(self) -> float:
        self._going = {held: future for held, future in self._going.items() if not future.done()}
        for held in self._going:
            held.keep()
        if len(self._going) < _AT_ONCE:
            for token, note in shares.take(self._site, _AT_ONCE - len(self._going)):
                held = Held(self._site, token, note)
                self._going[held] = self._pool.submit(self.share, held)
                self._going[held].add_done_callback(lambda _: self.hint())
        return self.longest

    def stop(self, timeout: float = 5.0) -> None:
        super().stop(timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def share(self, held: Held) -> None:
        """What is broken off here is taken up by whoever finds the lease over."""
        try:
            self._share(held)
        except Stopped:
            return
        except LazurError as error:
            held.fail(error)
        except Exception:
            log.exception("sharing %s failed", "/".join(held.note["of"]))
            held.fail(LazurError("The server failed to copy it; its log says why."))

    def _share(self, held: Held) -> None:
        who, note = access.acting_for(held.note["who"]), held.note
        kind, name, version = note["of"]
        with self._site.context(who, write=False) as context:
            wanted = sharing.look(context, note["workspace"], kind, name, version, note["as"])
        manner = Manner(progress=held.moved, stopped=lambda: self.stopping or held.is_lost)
        wanted = sharing.copied(self._site, who, wanted, manner)
        with held.lock, self._site.context(who) as context:
            shares.end(context, held.token, held.note, sharing.put(context, wanted))


class Held:
    """A note, for as long as this server is at it."""

    def __init__(self, site: Site, token: str, note: dict[str, Any]) -> None:
        self._site, self.token, self.note = site, token, note
        self._moved = [0, 0]
        self.is_lost = False
        self.lock = threading.Lock()

    def moved(self, now: Progress) -> None:
        self._moved = [now.bytes, now.total_bytes]

    def keep(self) -> None:
        with self.lock:
            held = shares.keep(self._site, self.token, self.note, self._moved)
            self.note, self.is_lost = held or self.note, held is None

    def fail(self, error: LazurError) -> None:
        with self.lock:
            shares.failed(self._site, self.token, self.note, error)
