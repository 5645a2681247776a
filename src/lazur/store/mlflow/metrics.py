"""Metrics: every point, and the latest of each key. What is there already is left as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql
from lazur.store.mlflow.runs import Point


class ModelPoint(NamedTuple):
    """A metric of a logged model."""

    model: str
    key: str
    value: float
    timestamp: int
    step: int
    dataset_name: str | None
    dataset_digest: str | None


def log(db: Connection, run_id: str, point: Point) -> None:
    values = _values(run_id, point)
    if db.dialect.name == "postgresql":  # a round trip less
        sql.execute(db, _ADD_AND_PUT_LATEST, values)
    elif sql.execute(db, _ADD, values):
        sql.execute(db, _PUT_LATEST, values)


def log_many(db: Connection, run_id: str, points: Sequence[Point]) -> None:
    if not points:
        return
    rows = [(*point, run_id) for point in points]
    sql.insert(db, "metrics", _COLUMNS, rows, _DO_NOTHING)
    latest = _latest(points)
    keys, values = sql.listed("key", latest)
    known = f"SELECT key FROM latest_metrics WHERE run_uuid = :run AND key IN ({keys})"
    there = {row[0] for row in sql.rows(db, known, {"run": run_id, **values})}
    order = [*sorted(there), *(key for key in latest if key not in there)]
    sql.execute_many(db, _PUT_LATEST, [_values(run_id, latest[key]) for key in order])


def models_there(db: Connection, space: str, models: Sequence[str]) -> set[str]:
    names, values = sql.listed("model", models)
    statement = f"""
    SELECT model_id FROM logged_models
    JOIN experiments ON experiments.experiment_id = logged_models.experiment_id
    WHERE workspace = :space AND model_id IN ({names})"""
    return {row[0] for row in sql.rows(db, statement, {"space": space, **values})}


def log_for_models(
    db: Connection, run_id: str, experiment_id: int, points: Sequence[ModelPoint]
) -> int:
    """How many were not there already."""
    common = {"run": run_id, "experiment": experiment_id}
    return sql.execute_many(db, _ADD_FOR_MODEL, [{**p._asdict(), **common} for p in points])


def _latest(points: Sequence[Point]) -> dict[str, Point]:
    """By step, then time, then value; the first of equals, as upstream goes through them."""
    latest: dict[str, Point] = {}
    for point in points:
        key, value, timestamp, step, _ = point
        best = latest.get(key)
        if best is None or (step, timestamp, value) > (best[3], best[2], best[1]):
            latest[key] = point
    return latest


def _values(run_id: str, point: Point) -> dict[str, object]:
    key, value, timestamp, step, is_nan = point
    return {
        "run": run_id,
        "key": key,
        "value": value,
        "timestamp": timestamp,
        "step": step,
        "is_nan": is_nan,
    }


_COLUMNS = {
    "key": "varchar",
    "value": "float8",
    "timestamp": "int8",
    "step": "int8",
    "is_nan": "bool",
    "run_uuid": "varchar",
}
_DO_NOTHING = "ON CONFLICT DO NOTHING"
_ADD = f"""
INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
VALUES (:key, :value, :timestamp, :run, :step, :is_nan) {_DO_NOTHING}
"""
_TO_LATEST = "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)"
_IF_LATER = """
ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, step = excluded.step,
  timestamp = excluded.timestamp, is_nan = excluded.is_nan
WHERE (excluded.step, excluded.timestamp, excluded.value)
  > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)
"""
_PUT_LATEST = f"{_TO_LATEST} VALUES (:key, :value, :timestamp, :step, :is_nan, :run) {_IF_LATER}"
_ADD_AND_PUT_LATEST = f"""
WITH added AS ({_ADD} RETURNING key, value, timestamp, step, is_nan, run_uuid)
{_TO_LATEST} SELECT * FROM added {_IF_LATER}
"""
_ADD_FOR_MODEL = """
INSERT INTO logged_model_metrics
  (model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, experiment_id, run_id,
   dataset_name, dataset_digest)
VALUES (:model, :key, :timestamp, :step, :value, :experiment, :run, :dataset_name,
  :dataset_digest)
ON CONFLICT DO NOTHING
"""
