"""Statements given to the database's driver itself: by way of SQLAlchemy small ones, such as those
that begin and end transactions, cost ten times what SQLite needs for them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def run(db: Connection, statement: str) -> None:
    """One without values and without an answer."""
    try:
        of(db).execute(statement)
    except Exception as error:
        raise known(db, statement, error) from error


def execute(db: Connection, statement: str, values: Any) -> Any:
    """The driver's own cursor."""
    try:
        return of(db).execute(statement, values)
    except Exception as error:
        raise known(db, statement, error) from error


def of(db: Connection) -> Any:
    return db.connection.driver_connection


def known(db: Connection, statement: str, error: Exception) -> BaseException:
    """The error as SQLAlchemy names it, whichever driver it came from. Without the values: they
    are not for the log."""
    base: Any = db.dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        statement, None, error, base, hide_parameters=True, dialect=db.dialect
    )


def is_open(db: Connection) -> bool:
    """Whether a transaction is, whoever began it."""
    driver: Any = db.connection.driver_connection
    return driver is not None and bool(driver.in_transaction)


@contextmanager
def part(db: Connection) -> Generator[None]:
    """A part of a transaction that is kept whole, or undone without touching the rest."""
    run(db, "SAVEPOINT inner_part")
    try:
        yield
    except BaseException:
        # A database that took back the whole transaction by itself knows of no part any more.
        with suppress(DBAPIError):
            run(db, "ROLLBACK TO SAVEPOINT inner_part")
            run(db, "RELEASE SAVEPOINT inner_part")
        raise
    run(db, "RELEASE SAVEPOINT inner_part")
