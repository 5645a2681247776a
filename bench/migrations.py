"""A migration that writes a million jobs anew, on SQLite and, where it is, on PostgreSQL.
BENCH_MIGRATION_JOBS says how many."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, text

from bench._turns import QUICK, once
from bench.harness import Result, Row
from lazur.store import schema
from lazur.store.db import Database, sqlite_url
from tests import postgresql
from tests.releases import made
from tests.releases.later import lazur_of_later

JOBS = int(os.environ.get("BENCH_MIGRATION_JOBS", "20000" if QUICK else "1000000"))
LIMIT = 60.0
_NEW = {
    "id": "n + 1000",
    "name": "'job-' || n",
    "run_id": "SUBSTR('{}' || n, -32)".format("0" * 32),
    "parent_id": "NULL",
}
_LAST = {"postgresql": "RIGHT('{}' || n, 32)".format("0" * 32)}
_NUMBERS = {
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :count)"
    " SELECT n FROM c",
    "postgresql": "SELECT n FROM GENERATE_SERIES(1, CAST(:count AS integer)) AS c(n)",
}


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        folder = Path(name)
        (folder / "s").mkdir()
        found = [_measured("SQLite", sqlite_url(folder / "lazur.db"), folder / "s")]
        if reason := postgresql.missing():
            print(f"PostgreSQL is left out: {reason}")
            return found
        (folder / "p").mkdir()
        with (
            postgresql.Server.start(durable=True) as server,
            server.database() as url,
        ):
            return [*found, _measured("PostgreSQL", url, folder / "p")]


def _measured(name: str, url: str, folder: Path) -> Result:
    db = Database(url)
    made.fill(db, folder)
    with db.write() as connection:
        _multiply(connection)
    with lazur_of_later(folder):
        began = time.perf_counter()
        schema.bring_up(db)
        seconds = time.perf_counter() - began
    with db.read() as connection:
        count = connection.execute(text("SELECT COUNT(*) FROM lazur_jobs WHERE later = id"))
        assert count.scalar_one() > JOBS
    db.close()
    rows: list[Row] = [once("every job written anew", seconds)]
    met = seconds <= LIMIT if JOBS >= 1_000_000 else None
    return Result(f"Migration of {JOBS:,} jobs on {name}", "s", rows, f"{LIMIT:.0f} s", met)


def _multiply(connection: Connection) -> None:
    """As many of one job, which has ended."""
    dialect = connection.dialect.name
    new = dict(_NEW)
    if dialect in _LAST:
        new["run_id"] = _LAST[dialect]
    looked = connection.execute(text("SELECT * FROM lazur_jobs WHERE name = 'fine' LIMIT 1"))
    columns = list(looked.keys())
    values = ", ".join(new.get(column, f"j.{column}") for column in columns)
    job = "(SELECT * FROM lazur_jobs WHERE name = 'fine' ORDER BY id LIMIT 1) AS j"
    statement = (
        f"INSERT INTO lazur_jobs ({', '.join(columns)})"
        f" SELECT {values} FROM {job}, ({_NUMBERS[dialect]}) AS numbers"
    )
    connection.execute(text(statement), {"count": JOBS})
