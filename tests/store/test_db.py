"""Transactions that only read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import text

from lazur.store.db import Database
from tests.store.conftest import add_workspace


class TestRead:
    def test_it_sees_what_was_there_when_it_began(self, db: Database) -> None:
        with db.read() as connection:
            assert self._names(connection) == []
            add_workspace(db, "meanwhile")
            assert self._names(connection) == []
        with db.read() as connection:
            assert self._names(connection) == ["meanwhile"]

    def test_what_fails_in_it_leaves_the_connection_usable(self, db: Database) -> None:
        for _ in range(3):
            with suppress(ZeroDivisionError), db.read() as connection:
                assert self._names(connection) == []
                raise ZeroDivisionError
        add_workspace(db, "after")
        with db.read() as connection:
            assert self._names(connection) == ["after"]

    def test_postgresql_keeps_the_statements_that_were_prepared(self, db: Database) -> None:
        if db.sqlite:
            pytest.skip("SQLite's driver prepares statements by itself")
        for _ in range(10):
            with db.read() as connection:
                self._names(connection)
        with db.read() as connection:
            kept = connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))
            assert kept.scalar_one() > 0

    @pytest.mark.parametrize("driver", ["", "+psycopg2", "+psycopg"])
    def test_whatever_driver_is_named_it_is_ours(self, driver: str) -> None:
        db = Database(f"postgresql{driver}://somebody:secret@somewhere/lazur")
        assert (db.engine.dialect.driver, db.url.password) == ("psycopg", "secret")

    def _names(self, connection: Any) -> list[str]:
        return list(connection.execute(text("SELECT name FROM lazur_workspaces")).scalars())
