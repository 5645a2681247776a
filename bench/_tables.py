"""Rows that were not logged one by one: put into the tables of MLflow."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Iterable
from typing import Any

from bench._mlflow import Side, new_run
from lazur.store.db import Database


def curve(side: Side, points: int) -> str:
    """A run with so many points of `loss`."""
    run = new_run(side)
    chance = random.Random(points)
    rows = (("loss", chance.random(), n, run, n, False) for n in range(points))
    _insert(side, "metrics", "key, value, timestamp, run_uuid, step, is_nan", rows)
    last = [("loss", 0.5, points - 1, points - 1, False, run)]
    _insert(side, "latest_metrics", "key, value, timestamp, step, is_nan, run_uuid", last)
    return run


def sweep(side: Side, count: int) -> None:
    """Runs as a sweep leaves them: five metrics, five params, two tags."""
    ids = [f"{n:032x}" for n in range(1, count + 1)]
    chance = random.Random(count)
    columns = "run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage"
    experiment = int(side.experiment)
    runs = (
        (run, f"run-{n}", "LOCAL", "ann", "FINISHED", n, n + 1, "active", "", experiment)
        for n, run in enumerate(ids)
    )
    _insert(side, "runs", f"{columns}, artifact_uri, experiment_id", runs)
    metrics = ("auc", "loss", "f1", "epoch", "seconds")
    latest = ((key, chance.random(), 1, 1, False, run) for run in ids for key in metrics)
    _insert(side, "latest_metrics", "key, value, timestamp, step, is_nan, run_uuid", latest)
    params = ("lr", "depth", "seed", "batch", "model")
    chosen = ((key, f"0.{chance.randrange(10)}", run) for run in ids for key in params)
    _insert(side, "params", "key, value, run_uuid", chosen)
    tags = ("mlflow.user", "mlflow.runName")
    _insert(side, "tags", "key, value, run_uuid", ((k, "ann", run) for run in ids for k in tags))


def _insert(side: Side, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """As fast as the database takes them."""
    if side.database.startswith("sqlite"):
        marks = ", ".join("?" * (columns.count(",") + 1))
        file = side.database.partition(":///")[2]
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
            db.commit()
        return
    db = Database(side.database)
    with db.write() as connection:
        cursor: Any = connection.connection.cursor()
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        # It would do so by itself within a minute, and SQLite never would.
        connection.exec_driver_sql(f"ANALYZE {table}")
    db.close()
