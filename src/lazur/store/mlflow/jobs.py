"""The runs that jobs are: begun, moved on and ended in the transactions that do so to the job."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql
from lazur.store.mlflow.spaces import artifact_root


class Experiment(NamedTuple):
    id: int
    active: bool


class Dataset(NamedTuple):
    name: str
    digest: str
    source_type: str
    source: str
    tags: dict[str, str]


def experiment(db: Connection, space: str, name: str, now: float) -> Experiment:
    """The workspace's experiment of this name, made where there is none. Two that make it at once
    get the same one."""
    found = find_experiment(db, space, name)
    if found is not None:
        return found
    made = sql.row(
        db,
        """INSERT INTO experiments
           (name, lifecycle_stage, creation_time, last_update_time, workspace)
           VALUES (:name, 'active', :now, :now, :space)
           ON CONFLICT (workspace, name) DO NOTHING RETURNING experiment_id""",
        {"name": name, "now": int(now * 1000), "space": space},
    )
    if made is None:
        found = find_experiment(db, space, name)
        assert found is not None
        return found
    sql.execute(
        db,
        "UPDATE experiments SET artifact_location = :place WHERE experiment_id = :id",
        {"id": made[0], "place": f"{artifact_root(space)}/{made[0]}"},
    )
    return Experiment(int(made[0]), active=True)


def find_experiment(db: Connection, space: str, name: str) -> Experiment | None:
    found = sql.row(
        db,
        """SELECT experiment_id, lifecycle_stage FROM experiments
           WHERE workspace = :space AND name = :name""",
        {"space": space, "name": name},
    )
    return Experiment(int(found[0]), found[1] == "active") if found else None


def add(db: Connection, values: Mapping[str, Any]) -> None:
    """`values`: id, name, user, experiment, artifacts, now. Raises `Taken` where the id is
    another run's."""
    sql.execute(
        db,
        """INSERT INTO runs
           (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,
            start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)
           VALUES (:id, :name, 'JOB', '', '', :user, 'SCHEDULED', :now, NULL, '', 'active',
            :artifacts, :experiment)""",
        {**values, "now": int(values["now"] * 1000)},
    )


def put_tags(db: Connection, run_id: str, tags: Mapping[str, str]) -> None:
    sql.execute_many(
        db,
        """INSERT INTO tags (key, value, run_uuid) VALUES (:key, :value, :run)
           ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value""",
        [{"key": key, "value": value, "run": run_id} for key, value in tags.items()],
    )


def drop_tags(db: Connection, run_id: str, keys: list[str]) -> None:
    sql.execute_many(
        db,
        "DELETE FROM tags WHERE run_uuid = :run AND key = :key",
        [{"run": run_id, "key": key} for key in keys],
    )


def add_dataset(db: Connection, run_id: str, experiment_id: int, dataset: Dataset) -> None:
    """As upstream's log_inputs writes it: one dataset of a name and digest in an experiment, and
    the run's use of it."""
    values = {
        "uuid": uuid.uuid4().hex,
        "experiment": experiment_id,
        "name": dataset.name,
        "digest": dataset.digest,
        "type": dataset.source_type,
        "source": dataset.source,
    }
    sql.execute(db, _ADD_DATASET, values)
    found = sql.row(db, _FIND_DATASET, values)
    assert found is not None
    use = {"input": uuid.uuid4().hex, "dataset": found[0], "run": run_id}
    if sql.execute(db, _ADD_INPUT, use):
        sql.execute_many(
            db,
            "INSERT INTO input_tags (input_uuid, name, value) VALUES (:input, :name, :value)",
            [
                {"input": use["input"], "name": name, "value": value}
                for name, value in dataset.tags.items()
            ],
        )


_ADD_DATASET = """
INSERT INTO datasets
  (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source)
VALUES (:uuid, :experiment, :name, :digest, :type, :source)
ON CONFLICT (experiment_id, name, digest) DO NOTHING
"""
_FIND_DATASET = """
SELECT dataset_uuid FROM datasets
WHERE experiment_id = :experiment AND name = :name AND digest = :digest
"""
_ADD_INPUT = """
INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
VALUES (:input, 'DATASET', :dataset, 'RUN', :run, 0)
ON CONFLICT (source_type, source_id, destination_type, destination_id) DO NOTHING
"""


def wait(db: Connection, run_id: str) -> None:
    """An attempt never began: the job waits again."""
    sql.execute(
        db,
        "UPDATE runs SET status = 'SCHEDULED' WHERE run_uuid = :id AND status = 'RUNNING'",
        {"id": run_id},
    )


def start(db: Connection, run_id: str, started: float) -> None:
    """Its script may have spoken before us: what it said stays."""
    sql.execute(
        db,
        """UPDATE runs SET start_time = :started,
             status = CASE WHEN status = 'SCHEDULED' THEN 'RUNNING' ELSE status END
           WHERE run_uuid = :id""",
        {"id": run_id, "started": int(started * 1000)},
    )


def end(db: Connection, run_id: str, status: str, started: float | None, ended: float) -> None:
    """The job has the last word. An archived job's run goes now: while the job lived, its script
    wrote to it."""
    values = {"id": run_id, "status": status, "ended": int(ended * 1000)}
    put_end(db, run_id, status, ended)
    if started is not None:
        values["started"] = int(started * 1000)
        sql.execute(db, "UPDATE runs SET start_time = :started WHERE run_uuid = :id", values)
    sql.execute(
        db,
        """UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = :ended
           WHERE run_uuid = :id AND lifecycle_stage = 'active'
             AND EXISTS (SELECT 1 FROM lazur_jobs WHERE run_id = :id AND archived)""",
        values,
    )


def put_end(db: Connection, run_id: str, status: str, ended: float) -> None:
    sql.execute(
        db,
        "UPDATE runs SET status = :status, end_time = :ended WHERE run_uuid = :id",
        {"id": run_id, "status": status, "ended": int(ended * 1000)},
    )


def end_others(db: Connection, run_id: str, job: str, status: str, ended: float) -> None:
    """Runs that the job's processes began beside its own and could not end, since they were
    killed. `lazur_runs_started` finds them: they began after the job."""
    sql.execute(
        db,
        """UPDATE runs SET status = :status, end_time = :ended
           WHERE status = 'RUNNING' AND run_uuid IN (
             SELECT child.run_uuid FROM runs AS own
             JOIN runs AS child ON child.experiment_id = own.experiment_id
               AND child.lifecycle_stage = 'active' AND child.start_time >= own.start_time
               AND child.status = 'RUNNING'
             JOIN tags ON tags.run_uuid = child.run_uuid
               AND tags.key = 'lazur.job' AND tags.value = :job
             WHERE own.run_uuid = :id AND child.run_uuid <> :id)""",
        {"id": run_id, "job": job, "status": status, "ended": int(ended * 1000)},
    )


def rename(db: Connection, run_id: str, name: str) -> None:
    sql.execute(
        db, "UPDATE runs SET name = :name WHERE run_uuid = :id", {"id": run_id, "name": name}
    )


def move(db: Connection, run_id: str, experiment_id: int) -> None:
    sql.execute(
        db,
        """UPDATE runs SET experiment_id = :experiment
           WHERE run_uuid = :id AND experiment_id IS NOT NULL""",
        {"id": run_id, "experiment": experiment_id},
    )


def delete(db: Connection, run_id: str, now: float) -> None:
    sql.execute(
        db,
        """UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = :now
           WHERE run_uuid = :id AND lifecycle_stage = 'active' AND experiment_id IS NOT NULL""",
        {"id": run_id, "now": int(now * 1000)},
    )


def restore(db: Connection, run_id: str) -> None:
    sql.execute(
        db,
        """UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL
           WHERE run_uuid = :id AND lifecycle_stage = 'deleted' AND experiment_id IS NOT NULL""",
        {"id": run_id},
    )


class RunState(NamedTuple):
    name: str
    status: str
    deleted: bool
    experiment_id: int
    experiment: str


def state(db: Connection, run_id: str) -> RunState | None:
    """None: it was purged, or is being purged, which takes it out of its experiment first."""
    found = sql.row(
        db,
        """SELECT runs.name, status, runs.lifecycle_stage, runs.experiment_id, experiments.name
           FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id
           WHERE run_uuid = :id""",
        {"id": run_id},
    )
    if found is None:
        return None
    name, status, stage, experiment_id, experiment = found
    return RunState(name, status, stage == "deleted", int(experiment_id), experiment)


def tags(db: Connection, run_id: str) -> dict[str, str]:
    found = sql.rows(db, "SELECT key, value FROM tags WHERE run_uuid = :id", {"id": run_id})
    return dict(found)


def job_id(db: Connection, run_id: str) -> int | None:
    """Of the job that the run is, None for other runs."""
    found = sql.row(db, "SELECT id FROM lazur_jobs WHERE run_id = :id", {"id": run_id})
    return int(found[0]) if found else None


def disagreeing(db: Connection, workspace_id: int | None, limit: int) -> list[str]:
    """Runs of jobs that say something that their job does not."""
    only = "" if workspace_id is None else "AND j.workspace_id = :workspace"
    found = sql.rows(
        db,
        _DISAGREEING + f"{only} LIMIT :limit",
        {"workspace": workspace_id, "limit": limit},
    )
    return [str(row[0]) for row in found]


_DISAGREEING = """
SELECT j.run_id FROM lazur_jobs j
JOIN runs r ON r.run_uuid = j.run_id
JOIN experiments e ON e.experiment_id = r.experiment_id
WHERE (
  e.name <> j.experiment_name
  OR (j.ended_at IS NOT NULL AND j.archived <> (r.lifecycle_stage = 'deleted'))
  OR (j.ended_at IS NULL AND r.lifecycle_stage = 'deleted')
  OR (j.ended_at IS NULL AND r.status = 'KILLED' AND NOT j.cancel_requested)
  OR (j.ended_at IS NOT NULL AND r.status <> CASE j.state
    WHEN 'Completed' THEN 'FINISHED' WHEN 'Failed' THEN 'FAILED' ELSE 'KILLED' END)
  OR r.name <> SUBSTR(COALESCE(NULLIF(j.display_name, ''), j.name), 1, 250)
)
"""
