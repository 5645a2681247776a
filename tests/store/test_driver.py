"""Parts of a transaction."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.store import driver, workspaces
from lazur.store.db import Connection, Database, Taken
from tests.store.conftest import NOW


def named(name: str) -> dict[str, Any]:
    return {
        "kind": "workspace",
        "name": name,
        "folded": name,
        "tags": {},
        "settings": {},
        "created_at": NOW,
        "created_by": "ann",
        "version": 1,
    }


def add_both(db: Connection, *names: str) -> None:
    with driver.part(db):
        for name in names:
            workspaces.add(db, named(name))


def end_it_all(database: Database) -> None:
    with database.write() as db, driver.part(db):
        driver.run(db, "ROLLBACK")
        raise KeyError("why")


class TestPart:
    def test_what_failed_is_undone_and_the_rest_is_kept(self, db: Database) -> None:
        with db.write() as connection:
            workspaces.add(connection, named("one"))
            with pytest.raises(Taken):
                add_both(connection, "two", "one")
            with driver.part(connection):
                add_both(connection, "three")
        with db.read() as connection:
            known = [workspaces.by_name(connection, n) for n in ("one", "two", "three")]
        assert [row is not None for row in known] == [True, False, True]

    def test_the_error_that_ended_the_transaction_is_the_one_that_is_told(
        self, db: Database
    ) -> None:
        with pytest.raises(KeyError, match="why"):
            end_it_all(db)
