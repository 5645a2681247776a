"""Migrations make what the tables say, on both databases, whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from lazur.errors import Conflict
from lazur.store import schema
from lazur.store.db import Database
from lazur.store.tables import metadata
from tools import migration


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


class TestRevisions:
    def test_head_and_known_are_those_of_the_scripts(self) -> None:
        scripts = _scripts()
        assert scripts.get_heads() == [schema.HEAD]
        assert {script.revision for script in scripts.walk_revisions()} == schema.KNOWN

    @pytest.mark.skipif(migration.released(), reason="from then on it stays as it was released")
    def test_the_first_revision_is_written_from_the_tables(self) -> None:
        wanted = migration.formatted(migration.HEADING + migration.body())
        assert migration.FILE.read_text() == wanted


class TestMigrating:
    def test_migrations_make_what_the_tables_say(self, db: Database) -> None:
        _migrate(db)
        with db.read() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "compare_server_default": True,
                    "version_table": "lazur_schema",
                },
            )
            assert compare_metadata(context, metadata) == []

    def test_a_new_database_is_equal_to_a_migrated_one(self, db: Database) -> None:
        schema.bring_up(db)
        made = _described(db)
        _empty(db)
        _migrate(db)
        assert _described(db) == made

    def test_killed_in_the_middle_it_leaves_nothing(self, database_url: str, db: Database) -> None:
        victim = multiprocessing.get_context("spawn").Process(target=_die, args=(database_url,))
        victim.start()
        victim.join(60)
        assert victim.exitcode == -signal.SIGKILL
        with db.read() as connection:
            assert inspect(connection).get_table_names() == []
        schema.bring_up(db)
        assert _revision(db) == schema.HEAD


class TestBringUp:
    def test_bringing_up_twice_changes_nothing(self, db: Database) -> None:
        schema.bring_up(db)
        before = _described(db)
        schema.bring_up(db)
        assert _described(db) == before

    def test_a_newer_schema_is_refused_and_stays(self, db: Database) -> None:
        schema.bring_up(db)
        with db.write() as connection:
            connection.execute(text("UPDATE lazur_schema SET version_num = '9999'"))
            connection.execute(text("CREATE TABLE of_the_future (x INTEGER)"))
        before = _described(db)
        with pytest.raises(Conflict) as caught:
            schema.bring_up(db)
        assert "9999" in caught.value.message
        assert schema.HEAD in caught.value.message
        assert caught.value.hint
        assert _revision(db) == "9999"
        assert _described(db) == before

    def test_an_older_schema_is_migrated(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`0000` stands for one before the first; `test_upgrades` does it whole."""
        with db.write() as connection:
            connection.execute(
                text("CREATE TABLE lazur_schema (version_num VARCHAR(32) PRIMARY KEY)")
            )
            connection.execute(text("INSERT INTO lazur_schema VALUES ('0000')"))
        monkeypatch.setattr(schema, "KNOWN", {"0000", *schema.KNOWN})
        seen: list[str | None] = []
        monkeypatch.setattr(schema, "_migrate", lambda c: seen.append(schema._read(c)))
        schema.bring_up(db)
        assert seen == ["0000"]

    def test_four_servers_at_once_make_one_schema(self, database_url: str, db: Database) -> None:
        spawned = multiprocessing.get_context("spawn")
        gate = spawned.Barrier(4)
        servers = [spawned.Process(target=_start, args=(database_url, gate)) for _ in range(4)]
        for server in servers:
            server.start()
        for server in servers:
            server.join(60)
        assert [server.exitcode for server in servers] == [0, 0, 0, 0]
        with db.read() as connection:
            versions = connection.execute(text("SELECT version_num FROM lazur_schema"))
            assert versions.scalars().all() == [schema.HEAD]


def _start(url: str, gate: Any) -> None:
    gate.wait(60)
    db = Database(url)
    schema.bring_up(db)
    db.close()


def _die(url: str) -> None:
    """Every table is made, and nothing is committed, when the process is killed."""
    with Database(url).write() as connection:
        schema._migrate(connection)
        assert inspect(connection).has_table("lazur_jobs")
        os.kill(os.getpid(), signal.SIGKILL)


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    return ScriptDirectory.from_config(config)


def _migrate(db: Database) -> None:
    with db.write() as connection:
        schema._migrate(connection)


def _revision(db: Database) -> str | None:
    with db.read() as connection:
        return schema._read(connection)


def _empty(db: Database) -> None:
    with db.write() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE lazur_schema"))


def _described(db: Database) -> dict[str, Any]:
    """Everything that the database itself says about its tables, comments aside on SQLite."""
    with db.read() as connection:
        look = inspect(connection)
        return {name: _table(connection, look, name) for name in look.get_table_names()}


def _table(connection: Connection, look: Any, name: str) -> dict[str, Any]:
    keys = {k["name"]: k for k in look.get_foreign_keys(name)}
    return {
        "columns": {c["name"]: {**c, "type": repr(c["type"])} for c in look.get_columns(name)},
        "primary key": look.get_pk_constraint(name),
        "foreign keys": keys,
        "unique": sorted(str(u) for u in look.get_unique_constraints(name)),
        "indexes": _indexes(connection, name),
    }


def _indexes(connection: Connection, table: str) -> list[str]:
    """As the database spells them, with the conditions of partial ones."""
    statement = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table"
        if connection.dialect.name == "sqlite"
        else "SELECT indexdef FROM pg_indexes WHERE tablename = :table"
    )
    found = connection.execute(text(statement), {"table": table}).scalars()
    return sorted(" ".join(sql.split()) for sql in found if sql)
