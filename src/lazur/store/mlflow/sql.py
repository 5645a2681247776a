"""Statements as text, the same for both databases: named values are written `:name`.

They go to the driver directly. SQLAlchemy's way to it costs several times what SQLite needs to
answer, and these are written thousands of times a second.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from lazur.store import driver

logging.getLogger("psycopg").addFilter(
    lambda record: not str(record.msg).startswith("error ignored terminating")
)
"""Of several rows in which one fails it says so twice: it raises, and warns that what it had sent
with it failed as well. A row that is there already is nothing to warn of."""

Values = Mapping[str, Any]
Columns = Mapping[str, str]
"""Names, and PostgreSQL's types."""

_AT_ONCE = 250
"""Rows in one statement of `insert`."""


def rows(db: Connection, statement: str, values: Values | None = None) -> list[tuple[Any, ...]]:
    """Plain tuples: thousands of them are read at once."""
    return _execute(db, statement, values or {}).fetchall()


def row(db: Connection, statement: str, values: Values | None = None) -> tuple[Any, ...] | None:
    return _execute(db, statement, values or {}).fetchone()


def execute(db: Connection, statement: str, values: Values | None = None) -> int:
    """How many rows it touched. Raises `store.db.Taken` where a key is there already."""
    return _execute(db, statement, values or {}).rowcount


def execute_many(db: Connection, statement: str, values: Sequence[Values]) -> int:
    """How many rows it touched in all."""
    if not values:
        return 0
    if len(values) == 1:  # without psycopg's pipeline, which costs more than it saves
        return execute(db, statement, values[0])
    with_driver = _spelled(statement, _is_sqlite(db))
    cursor = driver.of(db).cursor()
    try:
        cursor.executemany(with_driver, values)
    except Exception as error:
        raise driver.known(db, statement, error) from error
    return cursor.rowcount


def insert(
    db: Connection,
    table: str,
    columns: Columns,
    rows: Sequence[Sequence[Any]],
    conflict: str = "",
) -> None:
    """Many rows in few statements: with one for each row this thread gives the interpreter's lock
    away a thousand times, and waits for it as often."""
    from_rows = _values if _is_sqlite(db) else _arrays
    into = f"INSERT INTO {table} ({', '.join(columns)})"
    for start in range(0, len(rows), _AT_ONCE):
        source, values = from_rows(columns, rows[start : start + _AT_ONCE])
        try:
            driver.of(db).execute(f"{into} {source} {conflict}", values)
        except Exception as error:
            raise driver.known(db, into, error) from error


def listed(prefix: str, items: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """`:p0, :p1, …` for `IN (…)`, and the values behind the names. Of none: what nothing is."""
    values = {f"{prefix}{number}": item for number, item in enumerate(items)}
    return ", ".join(f":{name}" for name in values) or "NULL", values


def _execute(db: Connection, statement: str, values: Values) -> Any:
    return driver.execute(db, _spelled(statement, _is_sqlite(db)), values)


def _is_sqlite(db: Connection) -> bool:
    return db.dialect.name == "sqlite"


def _values(columns: Columns, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    one = "(" + ", ".join("?" * len(columns)) + ")"
    return "VALUES " + ", ".join([one] * len(rows)), list(chain.from_iterable(rows))


def _arrays(columns: Columns, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """A third of what thousands of single values take psycopg."""
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return f"SELECT * FROM unnest({arrays})", [list(column) for column in zip(*rows, strict=True)]


@lru_cache(maxsize=1000)  # every filter of a search is a statement of its own
def _spelled(statement: str, sqlite: bool) -> str:
    """SQLite understands `:name`; psycopg wants `%(name)s`. `::type` is left alone."""
    if sqlite:
        return statement
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%"))
