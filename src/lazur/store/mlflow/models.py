"""Logged models, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql

Pairs = Sequence[tuple[str, str]]


class ModelMetric(NamedTuple):
    key: str
    value: float
    timestamp: int
    step: int
    dataset_name: str | None
    dataset_digest: str | None
    model: str
    run: str


class Model(NamedTuple):
    id: str
    experiment_id: int
    name: str
    artifacts: str
    created: int
    updated: int
    status: int
    stage: str | None
    type: str | None
    run: str | None
    message: str | None
    tags: Pairs = ()
    params: Pairs = ()
    metrics: Sequence[ModelMetric] = ()


def find(db: Connection, space: str, model_id: str) -> Model | None:
    """Without its tags, parameters and metrics."""
    found = sql.row(db, _FIND, {"space": space, "model": model_id})
    return Model(*found) if found else None


def logged_by(db: Connection, space: str, run_id: str) -> dict[str, str]:
    """Where the models lie that a run of the workspace logged, by name; of one name the last, as
    upstream reads `runs:/<run>/<name>`."""
    return dict(sql.rows(db, _LOGGED, {"space": space, "run": run_id}))


def whole(db: Connection, model: Model) -> Model:
    values = {"model": model.id}
    return model._replace(
        tags=[(key, value) for key, value in sql.rows(db, _TAGS, values)],
        params=[(key, value) for key, value in sql.rows(db, _PARAMS, values)],
        metrics=[ModelMetric._make(row) for row in sql.rows(db, _METRICS, values)],
    )


def add(db: Connection, model: Model) -> None:
    """With its parameters and tags. Raises `Taken`."""
    values = model._asdict()
    for name in ("tags", "params", "metrics"):
        del values[name]
    sql.execute(db, _ADD, values)
    add_params(db, model, model.params)
    sql.execute_many(db, _ADD_TAG, _values(model, model.tags))


def add_params(db: Connection, model: Model, params: Pairs) -> None:
    """Raises `Taken`."""
    sql.execute_many(db, _ADD_PARAM, _values(model, params))


def put_tags(db: Connection, model: Model, tags: Pairs) -> None:
    sql.execute_many(db, _PUT_TAG, _values(model, tags))


def finish(db: Connection, model_id: str, status: int, now: int) -> None:
    sql.execute(db, _FINISH, {"model": model_id, "status": status, "now": now})


def _values(model: Model, pairs: Pairs) -> list[dict[str, object]]:
    return [
        {"model": model.id, "experiment": model.experiment_id, "key": key, "value": value}
        for key, value in pairs
    ]


_FIND = """
SELECT model_id, experiment_id, name, artifact_location, creation_timestamp_ms,
  last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id, status_message
FROM logged_models
WHERE model_id = :model
  AND experiment_id IN (SELECT experiment_id FROM experiments WHERE workspace = :space)
"""
_LOGGED = """
SELECT name, artifact_location FROM logged_models
WHERE source_run_id = :run AND lifecycle_stage = 'active'
  AND experiment_id IN (SELECT experiment_id FROM experiments WHERE workspace = :space)
ORDER BY creation_timestamp_ms, model_id
"""
_TAGS = "SELECT tag_key, tag_value FROM logged_model_tags WHERE :model = model_id"
_PARAMS = "SELECT param_key, param_value FROM logged_model_params WHERE :model = model_id"
_METRICS = """
SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, dataset_name, dataset_digest,
  model_id, run_id
FROM logged_model_metrics WHERE :model = model_id
"""
_ADD = """
INSERT INTO logged_models
  (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,
   last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id, status_message)
VALUES (:id, :experiment_id, :name, :artifacts, :created, :updated, :status, :stage, :type, :run,
  :message)
"""
_ADD_PARAM = """
INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value)
VALUES (:model, :experiment, :key, :value)
"""
_ADD_TAG = """
INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value)
VALUES (:model, :experiment, :key, :value)
"""
_PUT_TAG = (
    _ADD_TAG
    + """
ON CONFLICT (model_id, tag_key)
DO UPDATE SET tag_value = excluded.tag_value, experiment_id = excluded.experiment_id
"""
)
_FINISH = """
UPDATE logged_models SET status = :status, last_updated_timestamp_ms = :now
WHERE model_id = :model
"""
