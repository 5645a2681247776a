"""Copies of the database as it is at one moment, made while others write, and what has to be said
anew where a copy begins to live."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from lazur.store import backups_postgresql, belongings
from lazur.store.belongings import Belonging, quoted
from lazur.store.db import Database, sqlite_url
from lazur.store.mlflow import schema as mlflow_schema
from lazur.store.schema import bring_up

FILE = "lazur.db"
FOLDER = "tables"
_COUNTED = (
    "lazur_workspaces",
    "lazur_jobs",
    "runs",
    "lazur_assets",
    "lazur_audit",
    "lazur_secrets",
)
_SHARED = ("alembic_version", "lazur_schema", "lazur_computes")
"""Of the server, and needed by the rows of a workspace."""
_ANEW = (
    """DELETE FROM lazur_facts WHERE name LIKE 'hold %' OR name LIKE 'share %'
       OR name = 'content.place'""",
    """UPDATE lazur_jobs SET lease_token = NULL, lease_until = NULL
       WHERE lease_token IS NOT NULL""",
    """DELETE FROM lazur_builds WHERE key NOT IN
       (SELECT build_key FROM lazur_jobs WHERE ended_at IS NULL AND build_key IS NOT NULL)""",
    """UPDATE lazur_builds SET state = 'waiting', built = NULL, error = NULL, due_at = 0,
       cancel_requested = FALSE, lease_token = NULL, lease_until = NULL""",
)
_AS_JSON = "CAST({} AS JSONB)"
_PEOPLES = frozenset(
    {"lazur_tokens", "lazur_assignments", "lazur_idempotency", "lazur_build_uses"}
)
"""Of a workspace, and of no use without what is the server's: people, and environments."""


def copy(db: Database, folder: Path, room: tuple[int, str] | None = None) -> dict[str, int]:
    """Into files in `folder`: all, or what belongs to a workspace. Returns how many rows there
    are of the tables that people ask about."""
    if not db.sqlite:
        with db.read() as connection:
            rules = _rules(connection, room)
            counts = _counts(connection, rules, room)
            backups_postgresql.dump(connection, folder / FOLDER, rules, _values(room))
        return counts
    target = folder / FILE
    target.touch(mode=0o600)
    if room is None:
        _copy_file(str(db.url.database), target)
    else:
        _copy_room(db, target, room)
    made = Database(sqlite_url(target))
    try:
        with made.read() as connection:
            return _counts(connection, None, None)
    finally:
        made.close()


def settle(connection: Connection, old_home: str, new_home: str) -> None:
    """What began elsewhere does not run here. Jobs look for their attempts below the new home,
    where those that had not ended left nothing: they are lost, as after a crash. Environments are
    made again when they are needed."""
    for statement in _ANEW:
        connection.execute(text(statement))
    ascii_ = connection.dialect.name == "sqlite"
    places = {"old": _beginning(old_home, ascii_), "new": _beginning(new_home, ascii_)}
    for column in ("handle", "resolved"):  # where they lie, and what they read and write
        as_text, back = (column, "{}") if ascii_ else (f"CAST({column} AS TEXT)", _AS_JSON)
        moved = back.format(f"REPLACE({as_text}, :old, :new)")
        connection.execute(
            text(f"UPDATE lazur_jobs SET {column} = {moved} WHERE {column} IS NOT NULL"), places
        )


def load(connection: Connection, folder: Path) -> None:
    """What `copy` wrote of PostgreSQL."""
    backups_postgresql.load(connection, folder / FOLDER)


def is_unused(connection: Connection) -> bool:
    """No tables, or those that no server has begun to use."""
    if not inspect(connection).has_table("lazur_facts"):
        return not inspect(connection).get_table_names()
    found = connection.execute(text("SELECT COUNT(*) FROM lazur_workspaces")).scalar_one()
    return found == 0


def _copy_file(source: str, target: Path) -> None:
    """In one step: a reader, as far as writers can tell, so that they go on. (In several steps it
    would begin again whenever another process writes.)"""
    old = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    new = sqlite3.connect(target)
    try:
        new.execute("PRAGMA synchronous=OFF")  # synced once, below
        old.backup(new, pages=-1)
    finally:
        new.close()
        old.close()
    _sync(target)


def _copy_room(db: Database, target: Path, room: tuple[int, str]) -> None:
    """New tables, and the rows that are the workspace's."""
    made = Database(sqlite_url(target))
    bring_up(made)
    mlflow_schema.bring_up(made)
    made.close()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ATTACH DATABASE ? AS copy", (str(target),))
        connection.exec_driver_sql("PRAGMA copy.synchronous=OFF")
        try:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            connection.exec_driver_sql("DELETE FROM copy.workspaces")
            for rule in _rules(connection, room):
                names = ", ".join(map(quoted, rule.columns))
                table = quoted(rule.table)
                connection.execute(
                    text(
                        f"INSERT OR REPLACE INTO copy.{table} ({names})"
                        f" SELECT {names} FROM main.{table} WHERE {rule.where}"
                    ),
                    belongings.asked(rule, _values(room)),
                )
            connection.exec_driver_sql("COMMIT")
        finally:
            connection.rollback()
            connection.exec_driver_sql("DETACH DATABASE copy")
    _sync(target)


def _rules(connection: Connection, room: tuple[int, str] | None) -> list[Belonging]:
    """Whose rows to take, each table after those that it refers to."""
    every = belongings.every(connection)
    if room is None:
        return [Belonging(name, "1 = 1", columns) for name, columns in every]
    mine = {belonging.table: belonging for belonging in belongings.find(connection)}
    found: list[Belonging] = []
    for name, columns in every:
        if name in _SHARED:
            found.append(Belonging(name, "1 = 1", columns))
        elif name == "lazur_facts":
            found.append(Belonging(name, "name IN ('home', 'mlflow')", columns))
        elif name in mine and name not in _PEOPLES:
            found.append(mine[name])
    return found


def _counts(
    connection: Connection, rules: Sequence[Belonging] | None, room: tuple[int, str] | None
) -> dict[str, int]:
    asked = {rule.table: rule for rule in rules or ()}
    found: dict[str, int] = {}
    for name in _COUNTED:
        rule = asked.get(name, Belonging(name, "1 = 1", ()))
        found[name.removeprefix("lazur_")] = belongings.count(connection, rule, _values(room))
    return found


def _beginning(folder: str, ascii_: bool) -> str:
    """Of a path in JSON, as the database keeps it."""
    return json.dumps(f"{folder}/", ensure_ascii=ascii_)[:-1]


def _values(room: tuple[int, str] | None) -> dict[str, Any]:
    return belongings.of(*room) if room else {}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
