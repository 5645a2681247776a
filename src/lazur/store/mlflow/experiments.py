"""Experiments, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql


class Experiment(NamedTuple):
    id: int
    name: str
    artifacts: str
    stage: str
    created: int | None
    updated: int | None
    space: str


def by_id(db: Connection, space: str, experiment_id: int) -> Experiment | None:
    found = sql.row(db, _FIND + "experiment_id = :id", {"space": space, "id": experiment_id})
    return Experiment._make(found) if found else None


def by_name(db: Connection, space: str, name: str) -> Experiment | None:
    found = sql.row(db, _FIND + "name = :name", {"space": space, "name": name})
    return Experiment._make(found) if found else None


def tags(db: Connection, experiment_id: int) -> list[tuple[str, str]]:
    found = sql.rows(db, _TAGS, {"id": experiment_id})
    return [(key, value) for key, value in found]


def add_tags(db: Connection, experiment_id: int, pairs: Sequence[tuple[str, str]]) -> None:
    """Raises `Taken`."""
    values = [{"id": experiment_id, "key": key, "value": value} for key, value in pairs]
    sql.execute_many(db, _ADD_TAG, values)


def put_tag(db: Connection, experiment_id: int, key: str, value: str) -> None:
    """A row whose value stays is not written, and so keeps its place."""
    sql.execute(db, _PUT_TAG, {"id": experiment_id, "key": key, "value": value})


_FIND = """
SELECT experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time,
  workspace
FROM experiments WHERE workspace = :space AND """
_TAGS = """
SELECT tags.key, tags.value
FROM (SELECT experiment_id FROM experiments WHERE experiment_id = :id) AS chosen
JOIN experiment_tags AS tags ON chosen.experiment_id = tags.experiment_id
"""
_ADD_TAG = "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (:key, :value, :id)"
_PUT_TAG = (
    _ADD_TAG
    + """
ON CONFLICT (key, experiment_id) DO UPDATE SET value = excluded.value
WHERE experiment_tags.value IS DISTINCT FROM excluded.value
"""
)
