"""Group commit for SQLite: writers that come while another is committing share the next sync.

SQLite has one writer, and most of what a small durable write costs is waiting for the disk. Here
each writer does its
part inside the open transaction, under a savepoint of its own; whoever finds nobody waiting behind
it commits for all,
and all return when that commit is on the disk. One writer alone commits at once, as without any of
this.

There is one writer at a time, so its connection is kept, and what begins and ends its part goes to
the driver: both cost more than a small write otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from lazur.store import driver

_LARGEST = 64
"""Writers in one group: so that the first does not wait for ever while others keep coming."""


class Group:
    """One transaction, and who waits for its commit."""

    def __init__(self, connection: Connection, synced: bool) -> None:
        self.connection = connection
        self.synced = synced
        self.size = 0
        self.error: BaseException | None = None
        self.done = threading.Event()


class Writer:
    """All writes of one process. `synced` and `unsynced` are engines on the same file."""

    def __init__(self, synced: Engine, unsynced: Engine) -> None:
        self._engines = {True: synced, False: unsynced}
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: Group | None = None
        self._kept: dict[bool, Connection] = {}

    @contextmanager
    def write(self, synced: bool) -> Generator[Connection]:
        self._enter()
        try:
            group = self._join(synced)
            try:
                with _part(group.connection):
                    yield group.connection
            except BaseException as error:
                if not driver.is_open(group.connection):
                    self._give_up(group, error)
                raise
        finally:
            self._leave()
        group.done.wait()
        if group.error is not None:
            raise group.error

    def _enter(self) -> None:
        with self._counting:
            self._waiting += 1
        self._lock.acquire()
        with self._counting:
            self._waiting -= 1

    def _join(self, synced: bool) -> Group:
        """The open group, where it is good enough for this write; else a new one."""
        if self._group is not None and synced and not self._group.synced:
            self._commit(self._group)
        if self._group is None:
            connection = self._kept.pop(synced, None) or self._engines[synced].connect()
            try:
                driver.run(connection, "BEGIN IMMEDIATE")
            except BaseException:
                connection.close()
                raise
            self._group = Group(connection, synced)
        self._group.size += 1
        return self._group

    def _leave(self) -> None:
        """Leave the commit to the next in line, if there is one."""
        try:
            if self._group is not None and (not self._waiting or self._group.size >= _LARGEST):
                self._commit(self._group)
        finally:
            self._lock.release()

    def _give_up(self, group: Group, error: BaseException) -> None:
        """SQLite took back the whole transaction by itself, as it may when the disk is full: what
        the others wrote is gone too."""
        self._group = None
        group.error = error
        group.connection.invalidate()
        group.connection.close()
        group.done.set()

    def _commit(self, group: Group) -> None:
        """A commit that fails has failed for everybody in the group, and each is told."""
        self._group = None
        try:
            group.connection.commit()
            if driver.is_open(group.connection):  # nobody asked SQLAlchemy for anything
                driver.run(group.connection, "COMMIT")
        except BaseException as error:  # noqa: BLE001 - raised again, in every writer's own thread
            group.error = error
            group.connection.invalidate()
            group.connection.close()
        else:
            self._kept[group.synced] = group.connection
        finally:
            group.done.set()

    def close(self) -> None:
        """What is kept; the next write opens another."""
        with self._lock:
            while self._kept:
                self._kept.popitem()[1].close()


@contextmanager
def _part(connection: Connection) -> Generator[None]:
    """One writer's part: kept whole, or undone without touching the others'."""
    driver.run(connection, "SAVEPOINT part")
    try:
        yield
    except BaseException:
        if driver.is_open(connection):
            driver.run(connection, "ROLLBACK TO part")
            driver.run(connection, "RELEASE part")
        raise
    driver.run(connection, "RELEASE part")
