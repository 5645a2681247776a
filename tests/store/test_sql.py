"""Statements of many rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from lazur.store.db import Database, Taken
from lazur.store.mlflow import sql

ADD = "INSERT INTO t (n) VALUES (:n)"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    with made.write() as db:
        db.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    yield made
    made.close()


class TestExecuteMany:
    @pytest.mark.parametrize("count", [0, 1, 2, 300])
    def test_it_says_how_many_rows_it_touched(self, database: Database, count: int) -> None:
        with database.write() as db:
            assert sql.execute_many(db, ADD, [{"n": n} for n in range(count)]) == count

    @pytest.mark.parametrize("numbers", [[1], [1, 2], [2, 1], [*range(2000)]])
    def test_a_row_that_is_there_raises_and_is_nothing_to_warn_of(
        self, database: Database, numbers: list[int], caplog: pytest.LogCaptureFixture
    ) -> None:
        with database.write() as db:
            sql.execute(db, ADD, {"n": 1})
        with pytest.raises(Taken), database.write() as db:
            sql.execute_many(db, ADD, [{"n": n} for n in numbers])
        assert not caplog.records
