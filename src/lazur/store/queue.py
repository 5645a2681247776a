"""Writes of many requests, by one thread: all that wait share one transaction and one sync.

For what is written thousands of times a second. A request alone is written at once; sixteen that
come together are one commit, and their event loop is woken once for all of them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from lazur.errors import Unavailable
from lazur.store.db import Database, translated
from lazur.store.mlflow import sql

log = logging.getLogger(__name__)

T = TypeVar("T")
Part = Callable[[Connection], Any]

_LARGEST = 256


class _Asked(NamedTuple):
    part: Part
    future: asyncio.Future[Any]


class _Outcome(NamedTuple):
    answer: Any
    error: BaseException | None


class WriteQueue:
    """`run` returns when its part is on the disk, and raises what the part raised, which is then
    undone without touching the others'. A part may be run twice, and only the second run counts:
    first all are tried as one, since savepoints cost more than many a part."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asked: deque[_Asked] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    async def run(self, part: Callable[[Connection], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._stopped:
                raise Unavailable("The server stops.", hint="Try again in a moment.")
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="writes", daemon=True)
                self._thread.start()
            self._asked.append(_Asked(part, future))
            self._wake.notify()
        return await future

    def stop(self) -> None:
        """What waits is written first."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        group: list[_Asked] = []
        try:
            while group := self._take():
                _deliver(group, self._write([asked.part for asked in group]))
        except BaseException as error:
            log.exception("The thread that writes ended; the next write starts another one.")
            self._give_up(group, error)

    def _take(self) -> list[_Asked]:
        """What waits; nothing once the queue is stopped and empty."""
        with self._wake:
            self._wake.wait_for(lambda: self._asked or self._stopped)
            group = list(islice(self._asked, _LARGEST))
            for _ in group:  # now that nothing can get lost for want of memory
                self._asked.popleft()
            return group

    def _give_up(self, group: list[_Asked], error: BaseException) -> None:
        """Memory was short, say. Whoever was told before this hears it no more."""
        with self._wake:
            self._thread = None
            told = [*group, *self._asked]
            self._asked.clear()
        _deliver(told, [_Outcome(None, error)] * len(told))

    def _write(self, parts: list[Part]) -> list[_Outcome]:
        """What each part answered, or raised."""
        try:
            with suppress(_Failed), self._db.write() as db:
                if len(parts) == 1:
                    return [_Outcome(parts[0](db), None)]
                return [_Outcome(_tried(db, part), None) for part in parts]
            with self._db.write() as db:
                return [_kept_whole(db, part) for part in parts]
        except BaseException as error:  # noqa: BLE001 - raised again, where each part was asked for
            return [_Outcome(None, error)] * len(parts)


class _Failed(Exception):
    """A part did, and not the commit: that may have been done all the same."""


def _tried(db: Connection, part: Part) -> Any:
    try:
        return part(db)
    except Exception as error:
        raise _Failed from error


def _kept_whole(db: Connection, part: Part) -> _Outcome:
    """Where the database took back the whole transaction, the last lines raise, and all are
    told."""
    sql.execute(db, "SAVEPOINT request")
    try:
        with translated():
            answer = part(db)
    except Exception as error:  # noqa: BLE001 - as above
        sql.execute(db, "ROLLBACK TO SAVEPOINT request")
        sql.execute(db, "RELEASE SAVEPOINT request")
        return _Outcome(None, error)
    sql.execute(db, "RELEASE SAVEPOINT request")
    return _Outcome(answer, None)


def _deliver(group: list[_Asked], outcomes: list[_Outcome]) -> None:
    """Each event loop is woken once: that costs as much as a small write."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Outcome]]] = {}
    for (_, future), outcome in zip(group, outcomes, strict=True):
        loops.setdefault(future.get_loop(), []).append((future, outcome))
    for loop, waiting in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, waiting)
        except RuntimeError:  # it is closed
            log.info("Nobody waited any more for the answers to %d writes.", len(waiting))


def _settle(waiting: list[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, (answer, error) in waiting:
        if future.done():
            continue
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)
