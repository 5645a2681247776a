"""Upstream's tables: copied into a fresh database, brought up to date by upstream's own tool.

`sqlite.sql` and `postgresql.sql` are what that tool of MLflow `TESTED` makes of an empty database
(`python -m tools.mlflow_schema --write`); running it here would mean seconds of imports.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec

from sqlalchemy import Connection, inspect

from lazur.errors import Conflict
from lazur.store import records
from lazur.store.db import Database

log = logging.getLogger("lazur.store")

TESTED = "3.17.2"
"""The MLflow that the fast lane was compared with; see contributing/tracking.md on raising it."""

BETWEEN = "\n\n----\n\n"
"""Between two statements of a copy: some hold semicolons."""

_FACT = "mlflow"
_INDEXES = {
    "lazur_metrics_curve": "metrics (run_uuid, key, step, timestamp, value, is_nan)",
    "lazur_latest_metrics_value": "latest_metrics (key, value, run_uuid, is_nan)",
    "lazur_params_value": "params (key, value, run_uuid)",
    "lazur_tags_value": "tags (key, value, run_uuid)",
    "lazur_runs_started": "runs (experiment_id, lifecycle_stage, start_time)",
}
"""Ours, on upstream's tables: away while upstream's tool works on them."""
SHORT = "length(value) <= 250"
"""Longer values are not in the index on PostgreSQL, which has no room for them."""
_OF_TEXTS = {"lazur_params_value", "lazur_tags_value"}


@cache
def installed() -> str | None:
    try:
        return version("mlflow")
    except PackageNotFoundError:
        return None


def url(db: Database) -> str:
    """With its password, for upstream's own code. That is made for psycopg2: with ours, some of
    its statements compare numbers with texts, which PostgreSQL refuses."""
    theirs = db.url
    if not db.sqlite and find_spec("psycopg2"):
        theirs = theirs.set(drivername="postgresql+psycopg2")
    return theirs.render_as_string(hide_password=False)


def bring_up(db: Database) -> None:
    """Make upstream's tables fit the installed MLflow. Several servers may call it at once."""
    wanted = installed() or TESTED
    with db.read() as connection:
        if records.fact(connection, _FACT) == wanted:
            return
    if not _take_copy(db, wanted):
        _upgrade(db, wanted)


def script(dialect: str) -> list[str]:
    """The shipped statements, one by one."""
    text = files("lazur.store.mlflow").joinpath(f"{dialect}.sql").read_text()
    return text.partition("\n\n")[2].split(BETWEEN)


def indexes(dialect: str) -> list[str]:
    """The statements that make ours on upstream's tables."""
    partly = f" WHERE {SHORT}" if dialect == "postgresql" else ""
    return [
        f"CREATE INDEX IF NOT EXISTS {name} ON {columns}{partly if name in _OF_TEXTS else ''}"
        for name, columns in _INDEXES.items()
    ]


def _take_copy(db: Database, wanted: str) -> bool:
    """Whether that was all there was to do."""
    with db.write() as connection:
        if not db.sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7225978)")
        if records.fact(connection, _FACT) == wanted:
            return True
        if wanted != TESTED or inspect(connection).has_table("experiments"):
            return False
        for statement in script(connection.dialect.name):
            connection.exec_driver_sql(statement)
        _finish(connection, wanted)
    return True


def _upgrade(db: Database, wanted: str) -> None:
    log.info(
        "MLflow's tables are brought up to MLflow %s by its own tool; it takes a while", wanted
    )
    with db.write() as connection:
        for name in _INDEXES:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
    environment = {**os.environ, "LAZUR_UPGRADE": url(db)}
    argv = [sys.executable, "-m", "lazur.store.mlflow.upgrade"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Conflict(
            f"MLflow {wanted} could not bring its tables up to date: {last}",
            hint="Where a newer MLflow used this database before, install that one again; else "
            "see MLflow's own notes on `mlflow db upgrade`.",
        )
    with db.write() as connection:
        _finish(connection, wanted)


def _finish(connection: Connection, wanted: str) -> None:
    for statement in indexes(connection.dialect.name):
        connection.exec_driver_sql(statement)
    records.put_fact(connection, _FACT, wanted)
