"""MLflow's workspaces: one for each of ours, with an experiment to begin with."""

from __future__ import annotations

from sqlalchemy import Connection

from lazur.store.mlflow import sql

DEFAULT_EXPERIMENT = "Default"


def name(workspace_id: int) -> str:
    return f"ws-{workspace_id}"


def artifact_root(space: str) -> str:
    """As upstream makes it."""
    return f"mlflow-artifacts:/workspaces/{space}"


def add(db: Connection, workspace_id: int, now: float) -> None:
    space = name(workspace_id)
    sql.execute(db, "INSERT INTO workspaces (name) VALUES (:space)", {"space": space})
    add_experiment(db, space, DEFAULT_EXPERIMENT, now)


def add_experiment(db: Connection, space: str, experiment: str, now: float) -> int:
    """Raises `Taken` where the workspace has one of this name."""
    found = sql.row(
        db,
        """INSERT INTO experiments
           (name, lifecycle_stage, creation_time, last_update_time, workspace)
           VALUES (:name, 'active', :now, :now, :space) RETURNING experiment_id""",
        {"name": experiment, "now": int(now * 1000), "space": space},
    )
    assert found is not None
    sql.execute(
        db,
        "UPDATE experiments SET artifact_location = :place WHERE experiment_id = :id",
        {"id": found[0], "place": f"{artifact_root(space)}/{found[0]}"},
    )
    return int(found[0])


def experiments(db: Connection, space: str) -> dict[str, int]:
    """Ids of all by their names, in the order in which they were made."""
    found = sql.rows(
        db,
        "SELECT name, experiment_id FROM experiments WHERE workspace = :space"
        " ORDER BY experiment_id",
        {"space": space},
    )
    return {name: int(number) for name, number in found}


def experiment(db: Connection, space: str, experiment: str) -> int | None:
    found = sql.row(
        db,
        "SELECT experiment_id FROM experiments WHERE workspace = :space AND name = :name",
        {"space": space, "name": experiment},
    )
    return int(found[0]) if found else None
