"""What runs read and made: datasets and logged models."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql

Pairs = Sequence[tuple[str, str]]


class Dataset(NamedTuple):
    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: Pairs
    """Of the run's use of it."""


class Inputs(NamedTuple):
    datasets: Sequence[Dataset] = ()
    models: Sequence[str] = ()
    outputs: Sequence[tuple[str, int]] = ()
    """Model and step."""


def of_run(db: Connection, run_id: str) -> Inputs:
    values = {"run": run_id}
    return Inputs(
        _datasets(sql.rows(db, _DATASETS, values)),
        [row[0] for row in sql.rows(db, _MODELS, values)],
        [(row[0], row[1]) for row in sql.rows(db, _OUTPUTS, values)],
    )


def add_dataset(db: Connection, run_id: str, experiment_id: int, dataset: Dataset) -> None:
    """One dataset of a name and digest in an experiment; a use that is there already keeps its
    tags."""
    values = {**dataset._asdict(), "experiment": experiment_id, "uuid": uuid.uuid4().hex}
    del values["tags"]
    if not sql.execute(db, _ADD_DATASET, values):
        found = sql.row(db, _FIND_DATASET, values)
        values["uuid"] = found[0] if found else values["uuid"]
    use = {"input": uuid.uuid4().hex, "dataset": values["uuid"], "run": run_id}
    if sql.execute(db, _ADD_USE, use):
        tags = [{"input": use["input"], "key": key, "value": value} for key, value in dataset.tags]
        sql.execute_many(db, _ADD_TAG, tags)


def add_model(db: Connection, run_id: str, model_id: str) -> None:
    values = {"input": uuid.uuid4().hex, "run": run_id, "model": model_id}
    sql.execute(db, _ADD_MODEL, values)


def add_outputs(db: Connection, run_id: str, models: Sequence[tuple[str, int]]) -> None:
    """Raises `Taken`."""
    sql.execute_many(
        db,
        _ADD_OUTPUT,
        [
            {"input": uuid.uuid4().hex, "run": run_id, "model": model, "step": step}
            for model, step in models
        ],
    )


def _datasets(rows: Sequence[tuple[object, ...]]) -> list[Dataset]:
    """One row for each tag."""
    found: dict[object, Dataset] = {}
    tags: dict[object, list[tuple[str, str]]] = {}
    for dataset_id, key, value, *columns in rows:
        if dataset_id not in found:
            tags[dataset_id] = []
            found[dataset_id] = Dataset._make((*columns, tags[dataset_id]))
        if key is not None:
            tags[dataset_id].append((str(key), str(value)))
    return list(found.values())


_DATASETS = """
SELECT datasets.dataset_uuid, input_tags.name, input_tags.value, datasets.name, digest,
  dataset_source_type, dataset_source, dataset_schema, dataset_profile
FROM inputs JOIN datasets ON inputs.source_id = datasets.dataset_uuid
LEFT OUTER JOIN input_tags ON input_tags.input_uuid = inputs.input_uuid
WHERE inputs.destination_type = 'RUN' AND inputs.destination_id IN (:run)
ORDER BY inputs.destination_id
"""
_MODELS = """
SELECT destination_id FROM inputs
WHERE source_type = 'RUN_INPUT' AND source_id = :run AND destination_type = 'MODEL_INPUT'
"""
_OUTPUTS = """
SELECT destination_id, step FROM inputs
WHERE source_type = 'RUN_OUTPUT' AND source_id = :run AND destination_type = 'MODEL_OUTPUT'
"""
_ADD_DATASET = """
INSERT INTO datasets
  (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source,
   dataset_schema, dataset_profile)
VALUES (:uuid, :experiment, :name, :digest, :source_type, :source, :schema, :profile)
ON CONFLICT (experiment_id, name, digest) DO NOTHING
"""
_FIND_DATASET = """
SELECT dataset_uuid FROM datasets
WHERE experiment_id = :experiment AND name = :name AND digest = :digest
"""
_ADD_USE = """
INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
VALUES (:input, 'DATASET', :dataset, 'RUN', :run, 0)
ON CONFLICT (source_type, source_id, destination_type, destination_id) DO NOTHING
"""
_ADD_TAG = "INSERT INTO input_tags (input_uuid, name, value) VALUES (:input, :key, :value)"
_ADD_MODEL = """
INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
VALUES (:input, 'RUN_INPUT', :run, 'MODEL_INPUT', :model, 0)
ON CONFLICT (source_type, source_id, destination_type, destination_id)
DO UPDATE SET input_uuid = excluded.input_uuid
"""
_ADD_OUTPUT = """
INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
VALUES (:input, 'RUN_OUTPUT', :run, 'MODEL_OUTPUT', :model, :step)
"""
