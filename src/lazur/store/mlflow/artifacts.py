"""Where runs, models and traces keep their files: upstream's columns of URIs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql


class Root(NamedTuple):
    uri: str
    run: str | None
    """The run that it is of, where there is one."""


def of_run(db: Connection, space: str, run_id: str) -> str | None:
    found = sql.row(
        db,
        """SELECT artifact_uri FROM runs JOIN experiments USING (experiment_id)
           WHERE run_uuid = :id AND workspace = :space""",
        {"id": run_id, "space": space},
    )
    return found[0] if found else None


def of_model(db: Connection, space: str, model_id: str) -> str | None:
    """A logged model's that is not deleted."""
    found = sql.row(
        db,
        """SELECT logged_models.artifact_location
           FROM logged_models JOIN experiments USING (experiment_id)
           WHERE model_id = :id AND workspace = :space
             AND logged_models.lifecycle_stage <> 'deleted'""",
        {"id": model_id, "space": space},
    )
    return found[0] if found else None


def of_model_version(db: Connection, space: str, name: str, version: int) -> str | None:
    """A registered model's."""
    found = sql.row(
        db,
        """SELECT COALESCE(NULLIF(storage_location, ''), source) FROM model_versions
           WHERE name = :name AND version = :version AND workspace = :space
             AND current_stage <> 'Deleted_Internal'""",
        {"name": name, "version": version, "space": space},
    )
    return found[0] if found else None


def of_trace(db: Connection, space: str, request_id: str) -> str | None:
    found = sql.row(
        db,
        """SELECT value FROM trace_tags
           JOIN trace_info USING (request_id) JOIN experiments USING (experiment_id)
           WHERE request_id = :id AND workspace = :space AND key = 'mlflow.artifactLocation'""",
        {"id": request_id, "space": space},
    )
    return found[0] if found else None


def roots(db: Connection, space: str, ids: Iterable[str]) -> list[Root]:
    """Of whatever of the workspace has one of these ids."""
    names, values = sql.listed("id", ids)
    found = sql.rows(db, _ROOTS.replace("(:ids)", f"({names})"), {**values, "space": space})
    return [Root(*row) for row in found]


_ROOTS = """
SELECT artifact_uri, run_uuid FROM runs JOIN experiments USING (experiment_id)
WHERE workspace = :space AND run_uuid IN (:ids)
UNION ALL
SELECT logged_models.artifact_location, source_run_id
FROM logged_models JOIN experiments USING (experiment_id)
WHERE workspace = :space AND model_id IN (:ids)
UNION ALL
SELECT value, NULL FROM trace_tags
JOIN trace_info USING (request_id) JOIN experiments USING (experiment_id)
WHERE workspace = :space AND request_id IN (:ids) AND key = 'mlflow.artifactLocation'
"""
