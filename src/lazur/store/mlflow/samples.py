"""Averages of what was sampled of a run."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from lazur.store.mlflow import sql


def averages(db: Connection, run_id: str, keys: Sequence[str]) -> dict[str, float]:
    """By key; those that were never sampled are left out."""
    names, values = sql.listed("key", keys)
    statement = f"""
    SELECT key, AVG(value) FROM metrics
    WHERE run_uuid = :run AND key IN ({names}) AND NOT is_nan GROUP BY key"""
    return {row[0]: float(row[1]) for row in sql.rows(db, statement, {"run": run_id, **values})}
