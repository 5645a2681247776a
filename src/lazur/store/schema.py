"""The database's schema: made new, brought up to date, or refused when it is newer than this
Lazur.

Alembic is imported only when there is something to migrate: the usual start asks one question and
goes on.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from lazur.errors import Conflict
from lazur.store.db import Database
from lazur.store.tables import metadata

HEAD = "0001"
"""The newest revision in migrations/versions; a test keeps it so."""

KNOWN = frozenset({"0001"})
MIGRATIONS = Path(__file__).parent / "migrations"
TABLE = (
    "CREATE TABLE lazur_schema (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT lazur_schema_pkc PRIMARY KEY (version_num))"
)

log = logging.getLogger("lazur.store")


def bring_up(db: Database) -> None:
    """Make the schema what this version of Lazur needs. Several servers may call it at once."""
    found = _revision(db)
    if found == HEAD:
        return
    if found is not None and found not in KNOWN:
        raise Conflict(
            f"The database has schema {found}, which is newer than this Lazur knows ({HEAD}).",
            hint="Start the Lazur version that last used it, or a newer one. Nothing was changed.",
        )
    with db.write() if found is None else db.rewriting() as connection:
        if not db.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(7225977)"))
        current = _read(connection)
        if current is None:
            _make(connection)
        elif current != HEAD:
            log.info("the database is brought from schema %s to %s", current, HEAD)
            _migrate(connection)


def _revision(db: Database) -> str | None:
    with db.read() as connection:
        return _read(connection)


def _read(connection: Connection) -> str | None:
    if not inspect(connection).has_table("lazur_schema"):
        return None
    return connection.execute(text("SELECT version_num FROM lazur_schema")).scalar()


def _make(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(text(TABLE))
    connection.execute(text("INSERT INTO lazur_schema VALUES (:head)"), {"head": HEAD})


def _migrate(connection: Connection) -> None:
    command = importlib.import_module("alembic.command")
    config = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    if not connection.in_transaction():
        # The driver's has begun. Alembic asks SQLAlchemy, and would commit step by step.
        connection.begin()
    command.upgrade(config, "head")
