"""What is asked often of jobs takes SQLite as many steps after thousands as after ten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from lazur.store import clusters, jobs
from lazur.store.db import Database
from lazur.store.pages import Query
from lazur.store.tables import jobs as table
from tests.store.conftest import NOW, AddJob

_MORE = 3000
_ADD = """
    INSERT INTO lazur_jobs ({columns})
    WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {more})
    SELECT {values} FROM lazur_jobs, s WHERE lazur_jobs.name = 'over'
"""
_FILTERS: list[dict[str, Any]] = [
    {"status": "Queued"},
    {"status": "running,queued", "archived": "false"},
    {"status": "Failed"},
    {"experiment_name": "rare"},
    {"experiment_name": "rare", "archived": "false"},
    {"parent": "above"},
    {"parent": "run-above"},
]
_ASKED: dict[str, Callable[[Connection, int, int], Any]] = {
    "writing": lambda db, home, _: jobs.writing(db, home, "azureml://x"),
    "of a compute": lambda db, _, compute: jobs.counts(db, compute),
    "of clusters": lambda db, home, _: clusters.counts(db, home),
}


@pytest.fixture
def few(db: Database, add_job: AddJob) -> Database:
    if not db.sqlite:
        pytest.skip("PostgreSQL chooses by what it has counted")
    ended = {"created_at": NOW, "updated_at": NOW, "ended_at": NOW}
    add_job(name="over", state="Completed", **ended)
    above = add_job(name="above", run_id="run-above", state="Completed", **ended)
    for name in ("one", "two"):
        add_job(name=name, state="Queued", experiment_name="rare", parent_id=above, step=name)
    add_job(name="bad", state="Failed", **ended)
    return db


def steps(db: Database, ask: Callable[[Connection], Any]) -> int:
    """Instructions of SQLite's machine, in tens."""
    taken: list[None] = []
    with db.read() as connection:
        driver: Any = connection.connection.driver_connection
        ask(connection)
        driver.set_progress_handler(lambda: taken.append(None), 10)
        ask(connection)
        driver.set_progress_handler(None, 0)
    return len(taken)


def add_many(db: Database) -> None:
    with db.write() as connection:
        new = {"name": "'m' || n", "run_id": "'m' || n"}
        names = [column.name for column in table.columns if column.name != "id"]
        values = [new.get(name, f"lazur_jobs.{name}") for name in names]
        connection.exec_driver_sql(
            _ADD.format(columns=", ".join(names), values=", ".join(values), more=_MORE)
        )


class TestPages:
    @pytest.mark.parametrize("filters", _FILTERS, ids=str)
    @pytest.mark.parametrize("order", ["-created_at", "created_at"])
    def test_few_among_many(
        self, few: Database, workspace_id: int, filters: dict[str, Any], order: str
    ) -> None:
        query = Query(order_by=order, filters=filters)
        found: list[list[str]] = []

        def ask(db: Connection) -> None:
            found.append([row.name for row in jobs.page(db, workspace_id, query).rows])

        before = steps(few, ask)
        add_many(few)
        assert steps(few, ask) < 2 * before + 20
        assert found[0] == found[-1] != []


class TestUnderWay:
    @pytest.mark.parametrize("what", _ASKED)
    def test_few_among_many(
        self, few: Database, workspace_id: int, compute_id: int, what: str
    ) -> None:
        def ask(db: Connection) -> None:
            _ASKED[what](db, workspace_id, compute_id)

        before = steps(few, ask)
        add_many(few)
        assert steps(few, ask) < 2 * before + 20
