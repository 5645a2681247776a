"""One database, two dialects: transactions that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Row, create_engine, event, make_url
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool

from lazur.errors import Conflict, Invalid, Unavailable
from lazur.store import driver
from lazur.store.group import Writer

AnyRow = Row[*tuple[Any, ...]]
"""A row as queries give it: columns by name."""

Taken = IntegrityError
"""Raised by an insert whose key is there already."""

_BUSY_SECONDS = 30
_KEPT = 8
"""Connections for reading."""


class Database:
    """Reads run beside each other; writes of one process on SQLite go through one `Writer`."""

    def __init__(self, url: str) -> None:
        self.url = _by_our_driver(make_url(url))
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.apart = not self.sqlite
        """Whether it may lose its power while the machines that jobs run on keep theirs."""
        self.engine = _sqlite_engine(url, "FULL") if self.sqlite else _server_engine(self.url)
        self._unsynced = _sqlite_engine(url, "NORMAL") if self.sqlite else self.engine
        self._readers: deque[Connection] = deque()
        self._unbegun = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = Writer(self.engine, self._unsynced)

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A consistent view. Nothing written inside is kept."""
        reading = self._read_file() if self.sqlite else self._read_server()
        with translated(), reading as connection:
            yield connection

    @contextmanager
    def write(self, *, synced: bool = True) -> Generator[Connection]:
        """All or nothing, and durable on return. Do no network or process work inside.

        Without `synced` it survives any crash of ours, but not a loss of power: for leases, and
        for what can be found out again from where the job runs. The next synced write takes it
        along.
        """
        with translated(), self._begin(synced) as connection:
            yield connection

    @contextmanager
    def rewriting(self) -> Generator[Connection]:
        """As `write`, for migrations. SQLite changes a table by making another one and dropping
        the first, which foreign keys in force would take for the deletion of its rows, and of all
        that refer to them: here they are looked at before the commit instead."""
        if not self.sqlite:
            with self.write() as connection:
                yield connection
            return
        with translated(), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                _check_references(connection)
                connection.commit()
            finally:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        self._writer.close()
        while self._readers:
            self._readers.pop().close()
        self.engine.dispose()
        self._unsynced.dispose()

    @contextmanager
    def _read_file(self) -> Generator[Connection]:
        """Connections are kept: to take one from the pool and to give it back costs as much as a
        small query. One that was read from without trouble is as good as new after a rollback."""
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            driver.run(connection, "BEGIN")
            yield connection
            connection.rollback()
            if driver.is_open(connection):  # nobody asked SQLAlchemy for anything
                driver.run(connection, "ROLLBACK")
        except BaseException:
            connection.close()
            raise
        if len(self._readers) < _KEPT:
            self._readers.append(connection)
        else:
            connection.close()

    @contextmanager
    def _read_server(self) -> Generator[Connection]:
        """In as few round trips as can be. Only what failed is rolled back, by the pool: the
        driver forgets all its prepared statements then."""
        with self._unbegun.connect() as connection:
            connection.exec_driver_sql(_READ_ONLY)
            yield connection
            connection.exec_driver_sql("COMMIT")

    def _begin(self, synced: bool) -> AbstractContextManager[Connection]:
        return self._writer.write(synced) if self.sqlite else self._on_server(synced)

    @contextmanager
    def _on_server(self, synced: bool) -> Generator[Connection]:
        with self.engine.begin() as connection:
            if not synced:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection


@contextmanager
def translated() -> Generator[None]:
    """The database's errors, as those are told that asked for something."""
    try:
        yield
    except OperationalError as error:
        raise _unreachable(error) from error
    except DataError as error:
        raise _unfit(error) from error


def _check_references(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if found is not None:
        raise Conflict(
            f"A row of {found[0]} would refer to one of {found[2]} that is not there.",
            hint="Nothing was changed. Please report it, with the versions before and after.",
        )


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def _by_our_driver(url: URL) -> URL:
    """Statements go to it directly, see store/mlflow/sql.py."""
    if url.get_backend_name() != "postgresql":
        return url
    return url.set(drivername="postgresql+psycopg")


_READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def _sqlite_engine(url: str, synchronous: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=16,
        max_overflow=64,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        json_deserializer=_loaded,
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


def _loaded(text: str) -> Any:
    """A row of a job has a dozen documents, and most are empty."""
    if text == "{}":
        return {}
    return [] if text == "[]" else json.loads(text)


def _server_engine(url: URL) -> Engine:
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
