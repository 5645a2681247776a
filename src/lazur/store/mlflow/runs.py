"""Runs: what is told about them, their parameters and tags.

Rows come in the order in which upstream's own queries find them, so these are worded alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql

NAME_TAG = "mlflow.runName"

Pairs = Sequence[tuple[str, str]]
Point = tuple[str, float, int, int, bool]
"""key, value, timestamp, step, whether it is not a number."""


class Run(NamedTuple):
    id: str
    name: str | None
    experiment_id: int
    user: str
    status: str
    start: int
    end: int | None
    artifacts: str | None
    stage: str
    job: str | None = None
    """The job whose run it is."""
    parent: int | None = None
    """The job that this one is a step of."""


class Data(NamedTuple):
    metrics: Sequence[Point] = ()
    params: Pairs = ()
    tags: Pairs = ()


def exists(db: Connection, run_id: str) -> bool:
    """In any workspace: ids are one space for all of them."""
    return sql.row(db, _EXISTS, {"id": run_id}) is not None


def find(db: Connection, space: str, run_id: str) -> Run | None:
    found = sql.row(db, _FIND, {"space": space, "run": run_id})
    return Run._make(found) if found else None


def data(db: Connection, run_id: str) -> Data:
    values = {"run": run_id}
    return Data(
        [Point(p) for p in sql.rows(db, _LATEST, values)],
        [(key, value) for key, value in sql.rows(db, _PARAMS, values)],
        [(key, value) for key, value in sql.rows(db, _TAGS, values)],
    )


def add(db: Connection, run: Run, tags: Pairs) -> None:
    sql.execute(db, _ADD, run._asdict())
    add_tags(db, run.id, tags)


def update(db: Connection, run: Run) -> None:
    """Its name, status and end."""
    sql.execute(db, _UPDATE, run._asdict())


def delete(db: Connection, run_id: str, now: float) -> None:
    sql.execute(db, _DELETE, {"run": run_id, "now": int(now * 1000)})


def restore(db: Connection, run_id: str) -> None:
    sql.execute(db, _RESTORE, {"run": run_id})


def is_assessed(db: Connection, run_id: str) -> bool:
    """Whether assessments came from it, which go with it."""
    pattern = f'%"mlflow.assessment.sourceRunId": "{run_id}"%'
    return sql.row(db, _ASSESSED, {"pattern": pattern}) is not None


def tag(db: Connection, run_id: str, key: str) -> str | None:
    found = sql.row(db, _TAG, {"run": run_id, "key": key})
    return found[0] if found else None


def add_tags(db: Connection, run_id: str, tags: Pairs) -> None:
    """Raises `Taken`."""
    values = [{"run": run_id, "key": key, "value": value} for key, value in tags]
    sql.execute_many(db, _ADD_TAG, values)


def put_tags(db: Connection, run_id: str, tags: Pairs) -> None:
    """A row whose value stays is not written, and so keeps its place."""
    values = [{"run": run_id, "key": key, "value": value} for key, value in tags]
    sql.execute_many(db, _PUT_TAG, values)


def drop_tag(db: Connection, run_id: str, key: str) -> bool:
    return sql.execute(db, _DROP_TAG, {"run": run_id, "key": key}) > 0


def existing_tags(db: Connection, run_id: str, keys: Sequence[str]) -> set[str]:
    names, values = sql.listed("key", keys)
    statement = f"SELECT key FROM tags WHERE run_uuid = :run AND key IN ({names})"
    return {row[0] for row in sql.rows(db, statement, {"run": run_id, **values})}


def add_params(db: Connection, run_id: str, params: Pairs) -> None:
    """Raises `Taken`."""
    values = [{"run": run_id, "key": key, "value": value} for key, value in params]
    sql.execute_many(db, _ADD_PARAM, values)


def add_param(db: Connection, run_id: str, key: str, value: str) -> str:
    """The value that is there now: another one, where the run had one already."""
    values = {"run": run_id, "key": key, "value": value}
    if sql.execute(db, _ADD_PARAM + " ON CONFLICT (key, run_uuid) DO NOTHING", values):
        return value
    found = sql.row(db, _PARAM, values)
    return found[0] if found else value


def existing_params(db: Connection, run_id: str, keys: Sequence[str]) -> dict[str, str]:
    names, values = sql.listed("key", keys)
    statement = f"SELECT key, value FROM params WHERE run_uuid = :run AND key IN ({names})"
    return dict(sql.rows(db, statement, {"run": run_id, **values}))


_EXISTS = """
SELECT 1 FROM runs WHERE run_uuid = :id UNION ALL SELECT 1 FROM lazur_jobs WHERE run_id = :id
"""
_FIND = """
SELECT runs.run_uuid, runs.name, runs.experiment_id, runs.user_id, runs.status, runs.start_time,
  runs.end_time, runs.artifact_uri, runs.lifecycle_stage, lazur_jobs.name, lazur_jobs.parent_id
FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id
LEFT JOIN lazur_jobs ON lazur_jobs.run_id = runs.run_uuid
WHERE runs.run_uuid = :run AND experiments.workspace = :space
"""
_LATEST = "SELECT key, value, timestamp, step, is_nan FROM latest_metrics WHERE run_uuid IN (:run)"
_PARAMS = "SELECT key, value FROM params WHERE run_uuid IN (:run)"
_TAGS = "SELECT key, value FROM tags WHERE run_uuid IN (:run)"
_ADD = """
INSERT INTO runs
  (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
   end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)
VALUES (:id, :name, 'UNKNOWN', '', '', :user, :status, :start, :end, '', :stage, :artifacts,
  :experiment_id)
"""
_UPDATE = """
UPDATE runs SET name = :name, status = :status, end_time = :end WHERE run_uuid = :id
"""
_DELETE = """
UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = :now WHERE run_uuid = :run
"""
_RESTORE = """
UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL WHERE run_uuid = :run
"""
_ASSESSED = "SELECT 1 FROM assessments WHERE assessment_metadata LIKE :pattern"
_TAG = "SELECT value FROM tags WHERE run_uuid = :run AND key = :key"
_ADD_TAG = "INSERT INTO tags (key, value, run_uuid) VALUES (:key, :value, :run)"
_PUT_TAG = (
    _ADD_TAG
    + """
ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value
WHERE tags.value IS DISTINCT FROM excluded.value
"""
)
_DROP_TAG = "DELETE FROM tags WHERE run_uuid = :run AND key = :key"
_ADD_PARAM = "INSERT INTO params (key, value, run_uuid) VALUES (:key, :value, :run)"
_PARAM = "SELECT value FROM params WHERE run_uuid = :run AND key = :key"
