"""What is in experiments, and their way into the trash and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql
from lazur.store.mlflow.search import among


class Facts(NamedTuple):
    runs: int = 0
    running: int = 0
    last: int | None = None
    """When something was begun or ended in it, in milliseconds."""


def find(db: Connection, ids: Sequence[int]) -> dict[int, Facts]:
    """Of runs that are not in the trash."""
    condition, values = among(db, ids)
    found = sql.rows(db, _FACTS.format(among=condition), {"among": values})
    return {
        int(number): Facts(runs, running, max(first or 0, last or 0) or None)
        for number, runs, running, first, last in found
    }


def mark(db: Connection, experiment_id: int, stage: str, now: float) -> None:
    sql.execute(
        db,
        """UPDATE experiments SET lifecycle_stage = :stage, last_update_time = :now
           WHERE experiment_id = :id""",
        {"id": experiment_id, "stage": stage, "now": int(now * 1000)},
    )


def drop_tag(db: Connection, experiment_id: int, key: str) -> None:
    sql.execute(
        db,
        "DELETE FROM experiment_tags WHERE experiment_id = :id AND key = :key",
        {"id": experiment_id, "key": key},
    )


def deleted_since(db: Connection, experiment_id: int, moment: int) -> list[str]:
    """Runs that went into the trash with the experiment, or later."""
    found = sql.rows(
        db,
        """SELECT run_uuid FROM runs WHERE experiment_id = :id AND lifecycle_stage = 'deleted'
           AND deleted_time >= :moment ORDER BY start_time, run_uuid""",
        {"id": experiment_id, "moment": moment},
    )
    return [str(row[0]) for row in found]


_FACTS = """
SELECT experiment_id, COUNT(*), SUM(CASE WHEN status = 'RUNNING' THEN 1 ELSE 0 END),
  MAX(start_time), MAX(end_time)
FROM runs WHERE lifecycle_stage = 'active' AND experiment_id {among} GROUP BY experiment_id
"""
