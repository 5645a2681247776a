"""Which content is needed: trees that were seen whole, and every digest that a row mentions.

Whoever relies on a tree announces it here first and looks for its blobs then; whoever deletes
blobs does so within a transaction that no announcement runs beside (`fence`), and leaves those of
trees announced by then. So either the one sees the other's tree, or the other sees its blobs gone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import JSON, Column, Connection, Table, Text, cast, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from lazur.store.db import Database
from lazur.store.tables import metadata, trees

_ROWS = 500
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_NOT_NEEDED_FOR = frozenset({"lazur_events", "lazur_idempotency"})
"""What is over keeps no content: neither does the answer to a request that was made long ago."""


def whole_at(db: Connection, digest: str) -> float | None:
    """When somebody last relied on the tree, if it is known to be whole."""
    found = select(trees.c.used_at).where(trees.c.digest == digest, trees.c.whole)
    return db.execute(found).scalar()


def announce(db: Connection, digest: str, now: float) -> bool:
    """From now on nothing of it is deleted. True: and it is whole."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    values = {"digest": digest, "files": 0, "size": 0, "whole": False, "used_at": now}
    made = dialect.insert(trees).values(**values)
    told = made.on_conflict_do_update(index_elements=["digest"], set_={"used_at": now})
    return db.execute(told.returning(trees.c.whole)).scalar_one()


def settle(db: Connection, digest: str, files: int, size: int) -> None:
    """It was found whole."""
    statement = update(trees).where(trees.c.digest == digest)
    db.execute(statement.values(whole=True, files=files, size=size))


def fence(db: Connection) -> None:
    """Until the end of this transaction nothing is announced. SQLite has one writer anyway."""
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("LOCK TABLE lazur_trees IN SHARE ROW EXCLUSIVE MODE")


def announced(db: Connection, since: float) -> Sequence[str]:
    return db.execute(select(trees.c.digest).where(trees.c.used_at >= since)).scalars().all()


def forgotten(db: Connection, since: float) -> Sequence[str]:
    """Trees that nobody has relied on for long."""
    return db.execute(select(trees.c.digest).where(trees.c.used_at < since)).scalars().all()


def drop(db: Connection, digests: Collection[str], since: float) -> None:
    """Not known to be whole any more, unless somebody relied on it meanwhile."""
    db.execute(delete(trees).where(trees.c.digest.in_(digests), trees.c.used_at < since))


def mentioned(database: Database) -> Iterator[set[str]]:
    """Every digest in a JSON column of ours, some hundred rows at a time, each in a transaction
    of its own: so a new table needs no mention here, and a digest kept as plain text is missed."""
    for table in metadata.tables.values():
        columns = [column for column in table.columns if isinstance(column.type, JSON)]
        if columns and table.name not in _NOT_NEEDED_FOR:
            yield from _of_table(database, table, columns)


def _of_table(
    database: Database, table: Table, columns: Sequence[Column[object]]
) -> Iterator[set[str]]:
    key = list(table.primary_key.columns)
    texts: list[ColumnElement[str]] = [cast(column, Text) for column in columns]
    ordered = select(*key, *texts).order_by(*key).limit(_ROWS)
    statement = ordered
    while True:
        with database.read() as db:
            rows = db.execute(statement).all()
        yield {digest for row in rows for cell in row[len(key) :] for digest in _found(cell)}
        if len(rows) < _ROWS:
            return
        statement = ordered.where(tuple_(*key) > tuple_(*rows[-1][: len(key)]))


def _found(cell: str | None) -> list[str]:
    return _DIGEST.findall(cell) if cell else []
