"""PostgreSQL's rows in files: one for each table, in the text form of its COPY. The snapshot is
that of one REPEATABLE READ transaction, so that writers go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from lazur.errors import Invalid
from lazur.store import belongings
from lazur.store.belongings import Belonging, quoted

_ORDER = "order.json"
_CHUNK = 1 << 20


def dump(
    connection: Connection, folder: Path, rules: Sequence[Belonging], values: Mapping[str, Any]
) -> None:
    """`connection` is within its transaction."""
    folder.mkdir(mode=0o700)
    with _cursor(connection) as cursor:
        for rule in rules:
            names = ", ".join(map(quoted, rule.columns))
            chosen = f"SELECT {names} FROM {quoted(rule.table)} WHERE {_filled(rule, values)}"
            with (
                (folder / rule.table).open("wb") as file,
                cursor.copy(f"COPY ({chosen}) TO STDOUT") as rows,
            ):
                for piece in rows:
                    file.write(piece)
    order = [[rule.table, list(rule.columns)] for rule in rules]
    (folder / _ORDER).write_text(json.dumps(order))


def load(connection: Connection, folder: Path) -> None:
    """Into tables of the same schema, instead of what is in them."""
    order: list[tuple[str, list[str]]] = json.loads((folder / _ORDER).read_text())
    known = dict(belongings.every(connection))
    for table, columns in order:
        if not set(columns) <= set(known.get(table, ())):
            raise Invalid(f"The backup has a table {table!r} that does not fit this Lazur.")
    with _cursor(connection) as cursor:
        cursor.execute(f"TRUNCATE {', '.join(map(quoted, known))} CASCADE")
        for table, columns in order:
            names = ", ".join(map(quoted, columns))
            with (
                (folder / table).open("rb") as file,
                cursor.copy(f"COPY {quoted(table)} ({names}) FROM STDIN") as rows,
            ):
                while piece := file.read(_CHUNK):
                    rows.write(piece)
    _go_on_counting(connection, [table for table, _ in order])


def _go_on_counting(connection: Connection, tables: Sequence[str]) -> None:
    """Behind the highest number that was copied."""
    numbered = connection.execute(
        text(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
            " AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
        )
    ).all()
    for table, column in numbered:
        if table in tables:
            connection.execute(
                text(
                    "SELECT setval(pg_get_serial_sequence(:table, :column),"
                    f" GREATEST((SELECT MAX({quoted(column)}) FROM {quoted(table)}), 1))"
                ),
                {"table": quoted(table), "column": column},
            )


def _filled(rule: Belonging, values: Mapping[str, Any]) -> str:
    """COPY takes no parameters."""
    literal = import_module("psycopg.sql").Literal
    found = rule.where
    for name, value in sorted(belongings.asked(rule, values).items(), reverse=True):
        found = found.replace(f":{name}", literal(value).as_string(None))
    return found


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()
