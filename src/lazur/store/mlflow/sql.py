"""Statements as text, the same for both databases: named values are written `:name`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection

Values = Mapping[str, Any]


def rows(db: Connection, statement: str, values: Values | None = None) -> list[tuple[Any, ...]]:
    """Plain tuples: thousands of them are read at once."""
    return _execute(db, statement, values or {}).cursor.fetchall()


def row(db: Connection, statement: str, values: Values | None = None) -> tuple[Any, ...] | None:
    return _execute(db, statement, values or {}).cursor.fetchone()


def execute(db: Connection, statement: str, values: Values | None = None) -> int:
    """How many rows it touched. Raises `store.db.Taken` where a key is there already."""
    return _execute(db, statement, values or {}).rowcount


def execute_many(db: Connection, statement: str, values: Sequence[Values]) -> None:
    if values:
        db.exec_driver_sql(_spelled(statement, _is_sqlite(db)), [dict(v) for v in values])


def listed(prefix: str, items: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """`:p0, :p1, …` for `IN (…)`, and the values behind the names."""
    values = {f"{prefix}{number}": item for number, item in enumerate(items)}
    return ", ".join(f":{name}" for name in values), values


def _execute(db: Connection, statement: str, values: Values) -> Any:
    return db.exec_driver_sql(_spelled(statement, _is_sqlite(db)), dict(values))


def _is_sqlite(db: Connection) -> bool:
    return db.dialect.name == "sqlite"


@cache
def _spelled(statement: str, sqlite: bool) -> str:
    """SQLite understands `:name`; psycopg wants `%(name)s`. `::type` is left alone."""
    if sqlite:
        return statement
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%"))
