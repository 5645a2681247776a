"""The database of a release as text: how to make its tables on either database, and its rows.

<version>/sqlite.sql, postgresql.sql    the statements that make the tables
<version>/rows.jsonl                    [table, {column: value}], as `rows` tells them
<version>/api.json                      what its clients know of the API: {route: {parameter: how}}
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect, select, text

from lazur.store.db import Database

FOLDER = Path(__file__).parent
BETWEEN = "\n\n----\n\n"
Row = tuple[str, dict[str, Any]]


def releases() -> list[Path]:
    return sorted(path.parent for path in FOLDER.glob("*/rows.jsonl"))


def rows(connection: Connection) -> Iterator[Row]:
    """Every row of every table, in an order and a form that say nothing of the database."""
    for table in _tables(connection):
        keys = [column.name for column in table.primary_key] or list(table.columns.keys())
        found = [
            {name: _plain(value) for name, value in row.items()}
            for row in connection.execute(select(table)).mappings()
        ]
        for row in sorted(found, key=lambda row: json.dumps([row[key] for key in keys])):
            yield table.name, row


def write(folder: Path, scripts: dict[str, list[str]], found: Iterable[Row]) -> None:
    folder.mkdir(parents=True)
    for dialect, statements in scripts.items():
        (folder / f"{dialect}.sql").write_text(BETWEEN.join(statements) + "\n")
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in found]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")


def read(folder: Path) -> list[Row]:
    lines = (folder / "rows.jsonl").read_text().splitlines()
    return [(table, row) for table, row in map(json.loads, lines)]


def api(described: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Of an OpenAPI description, what a client relies on: routes, and what must come with them."""
    return {
        f"{method.upper()} {path}": {
            f"{p['in']} {p['name']}": "required" if p.get("required") else "optional"
            for p in operation.get("parameters", [])
        }
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def broken(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> list[str]:
    """What a client of before can no longer do."""
    found: list[str] = []
    for route, parameters in before.items():
        if route not in now:
            found.append(f"{route} is gone")
            continue
        gone = parameters.keys() - now[route].keys()
        found += [f"{route}: {name} is gone" for name in sorted(gone)]
        wanted = {name for name, how in now[route].items() if how == "required"}
        had = {name for name, how in parameters.items() if how == "required"}
        found += [f"{route}: {name} must be given" for name in sorted(wanted - had)]
    return found


def statements(folder: Path, dialect: str) -> list[str]:
    return (folder / f"{dialect}.sql").read_text().strip().split(BETWEEN)


def load(db: Database, folder: Path) -> None:
    """Into an empty database."""
    dialect = "sqlite" if db.sqlite else "postgresql"
    with db.rewriting() as connection:
        if not db.sqlite:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements(folder, dialect):
            connection.exec_driver_sql(statement)
        tables = {table.name: table for table in _tables(connection)}
        for name, row in read(folder):
            table = tables[name]
            connection.execute(
                table.insert().values(
                    {key: _stored(table, key, value) for key, value in row.items()}
                )
            )
        if not db.sqlite:
            _count_on(connection, tables.values())


def _tables(connection: Connection) -> list[Table]:
    """As the database has them, whatever this version thinks of them."""
    found = MetaData()
    names = sorted(inspect(connection).get_table_names())
    return [Table(name, found, autoload_with=connection) for name in names]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Decimal | datetime):
        return str(value)
    if isinstance(value, bool):
        return int(value)
    return value


def _stored(table: Table, key: str, value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"bytes"}:
        return base64.b64decode(value["bytes"])
    kind = table.columns[key].type.python_type
    return bool(value) if kind is bool and value is not None else value


def _count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Numbers that are given next come after those that are there."""
    for table in tables:
        for column in table.primary_key:
            asked = text("SELECT pg_get_serial_sequence(:table, :column)")
            where = {"table": table.name, "column": column.name}
            if sequence := connection.execute(asked, where).scalar():
                most = f"SELECT MAX({column.name}) FROM {table.name}"
                connection.exec_driver_sql(f"SELECT setval('{sequence}', ({most}))")
