"""The trash, and what frees it. Deleting marks, as upstream does. Purging first takes a run out of
its experiment, which hides it from every query there is, and is what tells an interrupted purge
where it stopped; then its rows go, the many metrics in pieces that hold nobody up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql

PIECE = 20_000
_ROOM = re.compile(r"mlflow-artifacts:/workspaces/ws-(\d{1,18})/")


class Hidden(NamedTuple):
    """A run on its way out."""

    id: str
    artifact_uri: str
    job_id: int | None


class Room(NamedTuple):
    """A workspace, as far as folders go."""

    id: int
    name: str


class Holder(NamedTuple):
    """What still needs a run."""

    name: str
    version: int


def delete(db: Connection, ids: Sequence[str], now: float) -> None:
    names, values = sql.listed("r", ids)
    sql.execute(
        db,
        f"""UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = :now
            WHERE run_uuid IN ({names}) AND experiment_id IS NOT NULL""",
        {"now": int(now * 1000), **values},
    )


def restore(db: Connection, ids: Sequence[str]) -> None:
    """What is hidden meanwhile stays so: without its time nothing would erase it."""
    names, values = sql.listed("r", ids)
    sql.execute(
        db,
        f"""UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL
            WHERE run_uuid IN ({names}) AND experiment_id IS NOT NULL""",
        values,
    )


def hide(db: Connection, run_id: str, due: float) -> bool:
    """Whether it was in the trash. It is erased from `due` on."""
    hidden = sql.execute(
        db,
        """UPDATE runs SET experiment_id = NULL, deleted_time = :due
           WHERE run_uuid = :run AND lifecycle_stage = 'deleted' AND experiment_id IS NOT NULL""",
        {"run": run_id, "due": int(due * 1000)},
    )
    sql.execute(
        db,
        "UPDATE logged_models SET lifecycle_stage = 'deleted' WHERE source_run_id = :run",
        {"run": run_id},
    )
    return hidden == 1


def hidden(db: Connection, now: float, limit: int = 100) -> list[Hidden]:
    found = sql.rows(
        db,
        """SELECT r.run_uuid, r.artifact_uri, j.id FROM runs r
           LEFT JOIN lazur_jobs j ON j.run_id = r.run_uuid
           WHERE r.experiment_id IS NULL AND r.deleted_time <= :now
           ORDER BY r.deleted_time LIMIT :limit""",
        {"now": int(now * 1000), "limit": limit},
    )
    return [Hidden(*row) for row in found]


def hidden_one(db: Connection, run_id: str) -> Hidden | None:
    found = sql.row(
        db,
        """SELECT r.run_uuid, r.artifact_uri, j.id FROM runs r
           LEFT JOIN lazur_jobs j ON j.run_id = r.run_uuid
           WHERE r.run_uuid = :run AND r.experiment_id IS NULL""",
        {"run": run_id},
    )
    return Hidden(*found) if found else None


def holders(db: Connection, space: str, run_id: str, artifact_uri: str) -> list[Holder]:
    """Registered model versions that were made from the run, or from a model that it logged. In
    its own workspace: those of others may name it, but nobody reads its files there."""
    found = sql.rows(
        db,
        """SELECT DISTINCT v.name, v.version FROM model_versions v
           WHERE v.workspace = :space AND
             (v.run_id = :run OR v.source = :uri OR v.source = :runs
              OR SUBSTR(v.source, 1, :uri_length) = :uri_slash
              OR SUBSTR(v.source, 1, :runs_length) = :runs_slash
              OR SUBSTR(v.storage_location, 1, :uri_length) = :uri_slash
              OR v.source IN (SELECT 'models:/' || model_id FROM logged_models
                              WHERE source_run_id = :run)
              OR v.source IN (SELECT artifact_location FROM logged_models
                              WHERE source_run_id = :run))
           ORDER BY v.name, v.version""",
        {"space": space, **_sources(run_id, artifact_uri)},
    )
    return [Holder(*row) for row in found]


def weigh(db: Connection, run_id: str) -> int:
    """How many rows a purge of the run frees."""
    found = sql.row(
        db,
        """SELECT 1 + (SELECT COUNT(*) FROM metrics WHERE run_uuid = :run)
                    + (SELECT COUNT(*) FROM latest_metrics WHERE run_uuid = :run)
                    + (SELECT COUNT(*) FROM params WHERE run_uuid = :run)
                    + (SELECT COUNT(*) FROM tags WHERE run_uuid = :run)
                    + (SELECT COUNT(*) FROM inputs
                       WHERE destination_id = :run OR source_id = :run)
                    + (SELECT COUNT(*) FROM logged_models WHERE source_run_id = :run)
                    + (SELECT COUNT(*) FROM lazur_jobs WHERE run_id = :run)""",
        {"run": run_id},
    )
    return int(found[0]) if found else 0


def locations(db: Connection, run_id: str) -> list[str]:
    """Where the models lie that the run logged."""
    found = sql.rows(
        db,
        "SELECT artifact_location FROM logged_models WHERE source_run_id = :run",
        {"run": run_id},
    )
    return [str(row[0]) for row in found]


def room(db: Connection, artifact_uri: str) -> Room | None:
    """The workspace in whose folder the artifacts lie."""
    found = _ROOM.match(artifact_uri)
    if found is None:
        return None
    row = sql.row(
        db, "SELECT id, name FROM lazur_workspaces WHERE id = :id", {"id": int(found[1])}
    )
    return Room(*row) if row else None


def erase_points(db: Connection, run_id: str, limit: int = PIECE) -> bool:
    """Some of the metrics' history. False: nothing was left."""
    row = "rowid" if db.dialect.name == "sqlite" else "ctid"
    statement = f"""DELETE FROM metrics WHERE {row} IN
                    (SELECT {row} FROM metrics WHERE run_uuid = :run LIMIT :limit)"""
    return sql.execute(db, statement, {"run": run_id, "limit": limit}) > 0


def erase(db: Connection, run_id: str) -> None:
    """All that is left of a hidden run, once its history is gone. Traces belong to the experiment,
    and stay."""
    for statement in _ERASE:
        sql.execute(db, statement, {"run": run_id})


def children(db: Connection, job_id: int) -> list[str]:
    """Jobs that this one is the parent of."""
    found = sql.rows(
        db, "SELECT name FROM lazur_jobs WHERE parent_id = :job ORDER BY name", {"job": job_id}
    )
    return [str(row[0]) for row in found]


def users(db: Connection, job_id: int) -> list[str]:
    """Jobs whose outputs are this one's, since it had done the same before."""
    found = sql.rows(
        db, "SELECT name FROM lazur_jobs WHERE reused_id = :job ORDER BY name", {"job": job_id}
    )
    return [str(row[0]) for row in found]


def steps(db: Connection, run_ids: Sequence[str]) -> list[str]:
    """Runs of the steps of jobs, of their steps, and so on: each after what it is a step of."""
    names, values = sql.listed("r", run_ids)
    found = sql.rows(
        db,
        f"""WITH RECURSIVE below(id, depth) AS (
              SELECT id, 0 FROM lazur_jobs WHERE run_id IN ({names})
              UNION ALL
              SELECT j.id, depth + 1 FROM lazur_jobs j JOIN below ON j.parent_id = below.id
              WHERE j.step IS NOT NULL)
            SELECT j.run_id, MAX(depth) FROM lazur_jobs j JOIN below ON below.id = j.id
            WHERE depth > 0 GROUP BY j.run_id ORDER BY MAX(depth), j.run_id""",
        values,
    )
    return [str(row[0]) for row in found]


def assets_of(db: Connection, workspace_id: int, places: Sequence[str]) -> list[tuple[str, ...]]:
    """(kind, name, version) of data and models, not archived, whose address begins with one of
    `places`."""
    path = (
        "a.spec->>'path'" if db.dialect.name == "postgresql" else "json_extract(a.spec, '$.path')"
    )
    found: list[tuple[str, ...]] = []
    for place in places:
        found += sql.rows(
            db,
            f"""SELECT c.kind, c.name, a.version
                FROM lazur_assets a JOIN lazur_containers c ON c.id = a.container_id
                WHERE c.workspace_id = :workspace AND c.kind IN ('data', 'models')
                  AND NOT a.archived AND NOT c.archived
                  AND SUBSTR({path}, 1, :length) = :place ORDER BY c.kind, c.name, a.version""",
            {"workspace": workspace_id, "place": place, "length": len(place)},
        )
    return found


_USES = "SELECT input_uuid FROM inputs WHERE destination_id = :run OR source_id = :run"
_ERASE = (
    f"DELETE FROM input_tags WHERE input_uuid IN ({_USES})",
    """DELETE FROM datasets WHERE dataset_uuid IN
         (SELECT source_id FROM inputs WHERE destination_type = 'RUN' AND destination_id = :run)
       AND NOT EXISTS (SELECT 1 FROM inputs other WHERE other.source_id = datasets.dataset_uuid
                       AND other.destination_id <> :run)
       AND NOT EXISTS (SELECT 1 FROM logged_model_metrics m
                       WHERE m.dataset_uuid = datasets.dataset_uuid AND m.run_id <> :run)""",
    "DELETE FROM inputs WHERE destination_id = :run OR source_id = :run",
    "DELETE FROM entity_associations WHERE source_id = :run OR destination_id = :run",
    "UPDATE assessments SET run_id = NULL WHERE run_id = :run",
    "UPDATE issues SET source_run_id = NULL WHERE source_run_id = :run",
    "DELETE FROM logged_model_metrics WHERE run_id = :run",
    "DELETE FROM logged_models WHERE source_run_id = :run",
    "DELETE FROM latest_metrics WHERE run_uuid = :run",
    "DELETE FROM params WHERE run_uuid = :run",
    "DELETE FROM tags WHERE run_uuid = :run",
    "DELETE FROM lazur_jobs WHERE run_id = :run",
    "DELETE FROM runs WHERE run_uuid = :run AND experiment_id IS NULL",
)


def _sources(run_id: str, artifact_uri: str) -> dict[str, object]:
    runs, uri = f"runs:/{run_id}", artifact_uri.rstrip("/")
    return {
        "run": run_id,
        "uri": uri,
        "uri_slash": f"{uri}/",
        "uri_length": len(uri) + 1,
        "runs": runs,
        "runs_slash": f"{runs}/",
        "runs_length": len(runs) + 1,
    }
