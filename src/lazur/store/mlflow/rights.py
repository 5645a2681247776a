"""Which jobs' runs are near enough to each other to write to."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql


class Job(NamedTuple):
    id: int
    parent: int | None
    name: str


def job_of_run(db: Connection, run_id: str) -> Job | None:
    found = sql.row(
        db, "SELECT id, parent_id, name FROM lazur_jobs WHERE run_id = :run", {"run": run_id}
    )
    return Job(*found) if found else None


def job_named(db: Connection, workspace: str, name: str) -> Job | None:
    """`workspace` is folded."""
    found = sql.row(
        db,
        """SELECT lazur_jobs.id, parent_id, lazur_jobs.name
           FROM lazur_jobs JOIN lazur_workspaces ON lazur_workspaces.id = workspace_id
           WHERE lazur_jobs.name = :name AND folded = :workspace""",
        {"name": name, "workspace": workspace},
    )
    return Job(*found) if found else None
