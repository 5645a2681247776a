"""A database with one workspace and one compute, and rows for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lazur.store import jobs, schema, workspaces
from lazur.store.db import Database

NOW = 1_000_000.0
AddJob = Callable[..., int]


@pytest.fixture
def db(ready_database_url: str) -> Iterator[Database]:
    made = Database(ready_database_url)
    schema.bring_up(made)
    yield made
    made.close()


@pytest.fixture
def workspace_id(db: Database) -> int:
    return add_workspace(db, "default")


@pytest.fixture
def compute_id(db: Database) -> int:
    return add_compute(db, "local")


@pytest.fixture
def add_job(db: Database, workspace_id: int, compute_id: int) -> AddJob:
    """Adds a queued job with a new name; any column may be given."""
    count = iter(range(1_000_000))

    def add(**values: Any) -> int:
        row = {
            **job_values(f"job{next(count)}"),
            "workspace_id": workspace_id,
            "compute_id": compute_id,
            **values,
        }
        row.setdefault("run_id", f"{workspace_id}-{row['name']}")
        with db.write() as connection:
            return jobs.add(connection, row)

    return add


def add_workspace(db: Database, name: str) -> int:
    values = {
        "kind": "workspace",
        "name": name,
        "folded": name,
        "tags": {},
        "settings": {},
        "created_at": NOW,
        "created_by": "ann",
        "version": 1,
    }
    with db.write() as connection:
        return workspaces.add(connection, values)


def add_compute(db: Database, name: str) -> int:
    values = {"name": name, "type": "local", "settings": {}, "created_at": NOW, "version": 1}
    with db.write() as connection:
        return workspaces.add_compute(connection, values)


def job_values(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "command",
        "experiment_name": "Default",
        "tags": {},
        "properties": {},
        "spec": {},
        "resolved": {},
        "warnings": [],
        "priority": 2,
        "cpus": 1,
        "memory": 0,
        "gpus": 0,
        "state": "Queued",
        "cancel_requested": False,
        "attempt": 1,
        "placed": False,
        "gpu_ids": [],
        "phases": [],
        "archived": False,
        "created_at": NOW,
        "created_by": "ann",
        "updated_at": NOW,
        "version": 1,
    }


def build_values(key: str, **values: Any) -> dict[str, Any]:
    return {
        "key": key,
        "builder": "venv",
        "name": "e",
        "recipe": {},
        "state": "waiting",
        "size": 0,
        "created_at": NOW,
        "used_at": NOW,
        "cancel_requested": False,
        "due_at": NOW,
        **values,
    }
