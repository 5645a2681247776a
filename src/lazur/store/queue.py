"""Writes of many requests, by one thread: all that wait share one transaction and one sync.

For what is written thousands of times a second. A request alone is written at once; sixteen that
come together are one commit.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection

from lazur.errors import Unavailable
from lazur.store.db import Database

log = logging.getLogger("lazur.store")

T = TypeVar("T")
Part = Callable[[Connection], Any]

_LARGEST = 256


class WriteQueue:
    """`run` returns when its part is on the disk, and raises what the part raised, which is then
    undone without touching the others'."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._parts: deque[tuple[Part, Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    async def run(self, part: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self.submit(part))

    def submit(self, part: Callable[[Connection], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._wake:
            if self._stopped:
                raise Unavailable("The server stops.", hint="Try again in a moment.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="writes", daemon=True)
                self._thread.start()
            self._parts.append((part, future))
            self._wake.notify()
        return future

    def stop(self) -> None:
        """What was accepted is written; nothing more is accepted."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while group := self._take():
            _deliver(group, self._write([part for part, _ in group]))

    def _take(self) -> list[tuple[Part, Future[Any]]]:
        with self._wake:
            self._wake.wait_for(lambda: self._parts or self._stopped)
            return [self._parts.popleft() for _ in range(min(len(self._parts), _LARGEST))]

    def _write(self, parts: list[Part]) -> list[tuple[Any, BaseException | None]]:
        """What each part answered, or raised."""
        try:
            with self._db.write() as db:
                alone = len(parts) == 1
                return [(parts[0](db), None)] if alone else [_kept_whole(db, p) for p in parts]
        except BaseException as error:  # noqa: BLE001 - raised again, where each part was asked for
            return [(None, error)] * len(parts)


def _kept_whole(db: Connection, part: Part) -> tuple[Any, BaseException | None]:
    """Where the database took back the whole transaction, the last lines raise, and all are
    told."""
    db.exec_driver_sql("SAVEPOINT request")
    try:
        answer = part(db)
    except Exception as error:  # noqa: BLE001 - as above
        db.exec_driver_sql("ROLLBACK TO SAVEPOINT request")
        db.exec_driver_sql("RELEASE SAVEPOINT request")
        return None, error
    db.exec_driver_sql("RELEASE SAVEPOINT request")
    return answer, None


def _deliver(
    group: list[tuple[Part, Future[Any]]], answers: list[tuple[Any, BaseException | None]]
) -> None:
    for (_, future), (answer, error) in zip(group, answers, strict=True):
        if not future.set_running_or_notify_cancel():
            continue
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)
