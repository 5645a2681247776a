"""Statements on their short way to the driver do what they do on SQLAlchemy's."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from lazur.errors import Invalid, Unavailable
from lazur.store import driver
from lazur.store.db import Database, Taken
from lazur.store.prepared import Prepared
from lazur.store.tables import facts, jobs, workspaces
from tests.store.conftest import NOW, AddJob, job_values

_CALLED = jobs.c.name == bindparam("called")
_KNOWN = select(facts.c.value).where(facts.c.name == bindparam("wanted"))
_WHOLE = select(jobs).where(_CALLED)


def _both(db: Database, statement: Any, values: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    with db.read() as connection:
        ours = Prepared(statement).all(connection, values)
        theirs = connection.execute(statement, values).all()
    return [tuple(row) for row in ours], [tuple(row) for row in theirs]


class TestRead:
    def test_rows_are_as_sqlalchemy_reads_them(self, db: Database, add_job: AddJob) -> None:
        notes = {"é": [1, 2.5, None, True, {"deep": '"quoted" \\ and % and :name'}]}
        add_job(name="one", notes=notes, gpu_ids=[0, 3], started_at=NOW + 0.125, placed=True)
        ours, theirs = _both(db, _WHOLE, {"called": "one"})
        assert ours == theirs
        assert len(ours) == 1

    def test_columns_have_names_and_python_types(self, db: Database, add_job: AddJob) -> None:
        add_job(name="one", notes={"a": [1]}, placed=True, cluster="c%s?:x")
        with db.read() as connection:
            row = Prepared(_WHOLE).first(connection, {"called": "one"})
        assert row is not None
        found = (row.notes, row.placed, row.archived, row.cluster, row.started_at)
        assert found == ({"a": [1]}, True, False, "c%s?:x", None)

    def test_labels_name_what_is_computed(self, db: Database, add_job: AddJob) -> None:
        add_job(cpus=3)
        add_job(cpus=4)
        asked = select(func.sum(jobs.c.cpus).label("cores"), func.count())
        ours, theirs = _both(db, asked, {})
        assert ours == theirs == [(7, 2)]
        with db.read() as connection:
            row = Prepared(asked).first(connection)
            assert row is not None
            assert row.cores == 7
            assert Prepared(asked).scalar(connection) == 7

    def test_what_is_not_there(self, db: Database) -> None:
        with db.read() as connection:
            assert Prepared(_WHOLE).first(connection, {"called": "none"}) is None
            assert Prepared(_WHOLE).scalar(connection, {"called": "none"}) is None
            assert Prepared(_WHOLE).all(connection, {"called": "none"}) == []

    def test_values_of_its_own_and_a_limit(self, db: Database, add_job: AddJob) -> None:
        for number in range(3):
            add_job(name=f"n{number}", state="Queued" if number else "Running")
        asked = (
            select(jobs.c.name)
            .where(jobs.c.state == "Queued", jobs.c.cpus >= bindparam("least"))
            .order_by(jobs.c.name)
            .limit(bindparam("most"))
        )
        ours, theirs = _both(db, asked, {"least": 1, "most": 1})
        assert ours == theirs == [("n1",)]

    def test_lists_are_refused(self, db: Database) -> None:
        asked = Prepared(select(jobs.c.name).where(jobs.c.state.in_(["Queued", "Starting"])))
        with db.read() as connection, pytest.raises(TypeError, match="the length of a list"):
            asked.all(connection)


class TestWrite:
    def test_it_says_how_many_rows_it_touched(self, db: Database, add_job: AddJob) -> None:
        for name in ("one", "two"):
            add_job(name=name)
        renamed = (
            update(jobs).where(_CALLED).values(notes=bindparam("told", type_=jobs.c.notes.type))
        )
        with db.write() as connection:
            assert Prepared(renamed).touch(connection, {"called": "one", "told": {"x": 1}}) == 1
            assert Prepared(renamed).touch(connection, {"called": "three", "told": {}}) == 0
        with db.read() as connection:
            found = connection.execute(select(jobs.c.notes).order_by(jobs.c.name)).scalars().all()
        assert found == [{"x": 1}, None]

    def test_what_an_insert_leaves_out_is_as_the_table_says(
        self, db: Database, workspace_id: int, compute_id: int
    ) -> None:
        values = {**job_values("one"), "workspace_id": workspace_id, "compute_id": compute_id}
        adding = Prepared(insert(jobs).returning(jobs.c.id))
        with db.write() as connection:
            first = adding.scalar(connection, {**values, "run_id": "r1"})
            more = {**values, "name": "two", "run_id": "r2", "nodes": 4, "cluster": "c"}
            second = adding.scalar(connection, more)
        with db.read() as connection:
            asked = select(jobs.c.id, jobs.c.cluster, jobs.c.nodes).order_by(jobs.c.id)
            assert [tuple(row) for row in connection.execute(asked)] == [
                (first, "", 1),
                (second, "c", 4),
            ]

    def test_an_insert_need_not_say_which_key_it_made(
        self, db: Database, workspace_id: int, compute_id: int
    ) -> None:
        values = {**job_values("one"), "workspace_id": workspace_id, "compute_id": compute_id}
        with db.write() as connection:
            assert Prepared(insert(jobs)).touch(connection, {**values, "run_id": "r"}) == 1
        with db.read() as connection:
            assert connection.execute(select(jobs.c.name)).scalars().all() == ["one"]

    def test_a_key_that_is_there_is_taken(self, db: Database) -> None:
        adding = Prepared(insert(facts))
        with db.write() as connection:
            adding.touch(connection, {"name": "one", "value": "1"})
        with pytest.raises(Taken), db.write() as connection:
            adding.touch(connection, {"name": "one", "value": "2"})
        with db.read() as connection:
            assert connection.execute(_KNOWN, {"wanted": "one"}).scalar() == "1"

    def test_what_fails_undoes_the_whole_write(self, db: Database, workspace_id: int) -> None:
        renamed = Prepared(update(workspaces).values(description=bindparam("told")))
        with suppress(ZeroDivisionError), db.write() as connection:
            renamed.touch(connection, {"told": "new"})
            raise ZeroDivisionError
        with db.read() as connection:
            assert connection.execute(select(workspaces.c.description)).scalars().all() == [None]


class TestMistakes:
    def test_a_value_that_is_not_given_is_no_null(self, db: Database) -> None:
        with db.read() as connection, pytest.raises((KeyError, DBAPIError), match="wanted"):
            Prepared(_KNOWN).all(connection, {"wnated": "x"})

    def test_a_key_that_was_taken_with_rows_leaves_the_rest_of_the_write(
        self, db: Database
    ) -> None:
        adding = Prepared(insert(facts).returning(facts.c.name))
        odd = "%s ? :x {y} %(z)s"
        with db.write() as connection:
            assert adding.scalar(connection, {"name": "one", "value": odd}) == "one"
            with suppress(Taken), driver.part(connection):
                adding.scalar(connection, {"name": "one", "value": "2"})
        with db.read() as connection:
            told = Prepared(_KNOWN).scalar(connection, {"wanted": "one"})
        assert told == odd

    def test_text_that_a_database_cannot_hold_is_refused_as_on_the_long_way(
        self, db: Database
    ) -> None:
        if db.sqlite:
            pytest.skip("SQLite holds any text")
        for text in ("nul \0", "x" * 300):
            with pytest.raises(Invalid), db.write() as connection:
                Prepared(insert(facts)).touch(connection, {"name": text, "value": "1"})

    def test_large_numbers_and_empty_documents(self, db: Database, add_job: AddJob) -> None:
        add_job(name="one", memory=(1 << 63) - 1, notes=[], error={}, tags={"a": None})
        ours, theirs = _both(db, _WHOLE, {"called": "one"})
        assert ours == theirs
        with db.read() as connection:
            row = Prepared(_WHOLE).first(connection, {"called": "one"})
        assert row is not None
        found = (row.memory, row.notes, row.error, row.tags, row.handle)
        assert found == ((1 << 63) - 1, [], {}, {"a": None}, None)


class TestServer:
    """What PostgreSQL prepared for a connection is forgotten, or holds no more."""

    @pytest.fixture
    def asked(self, db: Database, add_job: AddJob) -> Prepared:
        if db.sqlite:
            pytest.skip("SQLite looks at its schema itself")
        add_job(name="one")
        made = Prepared(_WHOLE)
        for _ in range(7):  # psycopg prepares what it has run five times
            with db.read() as connection:
                assert made.first(connection, {"called": "one"}) is not None
        return made

    def test_a_table_has_changed(self, db: Database, asked: Prepared) -> None:
        with db.write() as connection:
            connection.exec_driver_sql("ALTER TABLE lazur_jobs ADD COLUMN more integer")
            connection.exec_driver_sql("DROP INDEX ix_lazur_jobs_list")
        with db.read() as connection:
            assert asked.first(connection, {"called": "one"}) is not None

    def test_the_server_was_another_in_between(self, db: Database, asked: Prepared) -> None:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s"

        def ask() -> None:
            with db.read() as connection:
                mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                with db.write() as other:
                    other.exec_driver_sql(end, (mine,))
                asked.first(connection, {"called": "one"})

        with pytest.raises(Unavailable):
            ask()
        for _ in range(2):
            with db.read() as connection:
                assert asked.first(connection, {"called": "one"}) is not None
        with db.write() as connection:
            assert asked.first(connection, {"called": "one"}) is not None
