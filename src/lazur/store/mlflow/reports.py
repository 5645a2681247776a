"""What runs have logged under one key. Values that are no numbers are left out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from lazur.store.mlflow import sql

Rows = list[list[float]]
"""Seconds and value, in the order of their times."""
_AT_ONCE = 500


def last(db: Connection, runs: Sequence[str], key: str) -> dict[str, float]:
    """The metric of each run, as its page and its line in a list show it."""
    statement = "SELECT run_uuid, timestamp, value FROM latest_metrics WHERE {of} AND NOT is_nan"
    return {run: rows[0][1] for run, rows in _read(db, statement, runs, key).items()}


def every(db: Connection, runs: Sequence[str], key: str) -> dict[str, Rows]:
    """All that each run has logged."""
    statement = "SELECT run_uuid, timestamp, value FROM metrics WHERE {of} AND NOT is_nan"
    return _read(db, f"{statement} ORDER BY timestamp, step, value", runs, key)


def _read(db: Connection, statement: str, runs: Sequence[str], key: str) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for start in range(0, len(runs), _AT_ONCE):
        names, values = sql.listed("run", runs[start : start + _AT_ONCE])
        of = f'run_uuid IN ({names}) AND "key" = :metric'
        for run, time, value in sql.rows(db, statement.format(of=of), {"metric": key, **values}):
            found.setdefault(run, []).append([time / 1000, value])
    return found
