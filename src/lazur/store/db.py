"""One database, two dialects: transactions that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, create_engine, event, make_url
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.pool import QueuePool

from lazur.errors import Invalid, Unavailable

AnyRow = Row[*tuple[Any, ...]]
"""A row as queries give it: columns by name."""

_BUSY_SECONDS = 30


class Database:
    """Reads run beside each other; writes of one process on SQLite queue for one lock, since
    SQLite has one writer and its own waiting is a sleep that grows to a tenth of a second."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url, "FULL") if self.sqlite else _server_engine(url)
        self._unsynced = _sqlite_engine(url, "NORMAL") if self.sqlite else self.engine
        self._writer = threading.Lock()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A consistent view. Nothing written inside is kept."""
        with self._connect() as connection:
            connection.exec_driver_sql("BEGIN" if self.sqlite else _READ_ONLY)
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self, *, synced: bool = True) -> Generator[Connection]:
        """All or nothing, and durable on return. Do no network or process work inside.

        Without `synced` it survives any crash of ours, but not a loss of power: for leases, and
        for
        what can be found out again from where the job runs. The next synced write takes it along.
        """
        if not self.sqlite:
            with self._connect() as connection, connection.begin():
                if not synced:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield connection
            return
        engine = self.engine if synced else self._unsynced
        with self._writer, self._connect(engine) as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        self.engine.dispose()
        self._unsynced.dispose()

    @contextmanager
    def _connect(self, engine: Engine | None = None) -> Generator[Connection]:
        try:
            connection = (engine or self.engine).connect()
        except OperationalError as error:
            raise _unreachable(error) from error
        try:
            with connection:
                yield connection
        except OperationalError as error:
            raise _unreachable(error) from error
        except DataError as error:
            raise _unfit(error) from error


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


_READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


def _sqlite_engine(url: str, synchronous: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=16,
        max_overflow=64,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = (
            None  # transactions are begun by Database, in the form each one needs
        )
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            "cache_size=-16000",
            "temp_store=MEMORY",
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _server_engine(url: str) -> Engine:
    return create_engine(url, pool_size=16, max_overflow=32, pool_pre_ping=True)


def _unfit(error: DataError) -> Invalid:
    """What models let pass and a database cannot hold: text with a zero character or longer than
    its column, a number beyond its range."""
    reason = str(error.orig).strip().splitlines()[0]
    return Invalid(f"The database cannot hold a value that was sent: {reason}")


def _unreachable(error: OperationalError) -> Unavailable:
    reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
    full = "full" in reason and "disk" in reason
    return Unavailable(
        f"The database did not answer: {reason}",
        hint="Free some disk space." if full else "Try again; the server's log says more.",
    )
