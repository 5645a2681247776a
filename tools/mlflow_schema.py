"""What upstream's own migration tool makes of an empty database, kept as statements, so that a
new home takes a copy in milliseconds.

    python -m tools.mlflow_schema            exit 1 when the copies differ from what the tool makes
    python -m tools.mlflow_schema --write    after MLflow's version changed

PostgreSQL's copy is made and checked where a PostgreSQL server is installed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from lazur.store.mlflow import schema
from tests import postgresql

FOLDER = Path(schema.__file__).parent
_DATA = ("workspaces", "alembic_version")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    writing = parser.parse_args().write
    if schema.installed() != schema.TESTED:
        print(f"MLflow {schema.installed()} is installed, schema.TESTED is {schema.TESTED}")
        return 1
    behind = 0
    for name, wanted in _made():
        file = FOLDER / f"{name}.sql"
        if writing:
            file.write_text(wanted)
        elif not file.exists() or file.read_text() != wanted:
            print(f"{file.name} is behind upstream's tool: python -m tools.mlflow_schema --write")
            behind = 1
    return behind


def _made() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield "sqlite", _text(_sqlite(Path(folder) / "mlflow.db"))
    if reason := postgresql.missing():
        print(f"postgresql.sql is not looked at: {reason}")
        return
    with postgresql.Server.start() as server, server.database() as url:
        yield "postgresql", _text(_postgresql(url, server.folder))


def _text(statements: list[str]) -> str:
    heading = (
        f"-- Made by python -m tools.mlflow_schema from MLflow {schema.TESTED}; not to be edited."
    )
    return heading + "\n\n" + schema.BETWEEN.join(statements) + "\n"


def _sqlite(path: Path) -> list[str]:
    _upgrade(f"sqlite:///{path}")
    db = sqlite3.connect(path)
    query = """SELECT sql FROM sqlite_master WHERE sql IS NOT NULL
               ORDER BY type = 'trigger', type = 'index', CASE type WHEN 'index' THEN name END,
                 rowid"""
    found = [_tidy(sql) for (sql,) in db.execute(query)]
    for table in _DATA:
        for row in db.execute(f"SELECT * FROM {table}"):  # noqa: S608 - our own names
            values = ", ".join("NULL" if value is None else f"'{value}'" for value in row)
            found.append(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608
    db.close()
    return found


def _postgresql(url: str, host: Path) -> list[str]:
    _upgrade(url)
    programs = postgresql.installed()
    dump = shutil.which("pg_dump") or str(programs / "pg_dump" if programs else "pg_dump")
    flags = ["--inserts", "--no-owner", "--no-privileges", "--no-comments", "-h", str(host)]
    argv = [dump, *flags, "-U", "lazur", str(make_url(url).database)]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    lines = [x for x in text.splitlines() if x and not x.startswith(("--", "SET ", "\\"))]
    statements = re.split(r";\n(?=(?:CREATE|ALTER|INSERT|SELECT) )", "\n".join(lines))
    found = [x.strip().removesuffix(";").replace("public.", "") for x in statements]
    return [x for x in found if x and not x.startswith("SELECT pg_catalog.")]


def _upgrade(url: str) -> None:
    argv = [sys.executable, "-m", "lazur.store.mlflow.upgrade"]
    environ = {**os.environ, "LAZUR_UPGRADE": url}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


def _tidy(sql: str) -> str:
    """Constraints stand in an order of ours, as indexes do: the tool goes through sets of them."""
    lines = [line.rstrip().replace("\t", "  ") for line in sql.splitlines()]
    if not sql.startswith("CREATE TABLE"):
        return "\n".join(lines)
    head, *body, end = lines
    body = sorted((line.strip().rstrip(",") for line in body), key=_place)
    return "\n".join((head, ",\n".join(f"  {line}" for line in body), end))


def _place(line: str) -> tuple[int, str]:
    """Columns as they come, then constraints by name, then those without one as they come."""
    if line.startswith("CONSTRAINT "):
        return 1, line
    return (2 if line.startswith(("FOREIGN KEY", "CHECK", "PRIMARY KEY", "UNIQUE")) else 0), ""


if __name__ == "__main__":
    sys.exit(main())
