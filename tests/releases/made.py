"""Rows for a database that is to be frozen: a person's, by the services; and some in every table
that is still empty then."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    select,
)
from sqlalchemy.exc import IntegrityError

from lazur.engine.plan import Exit
from lazur.services.assets import assets
from lazur.services.base import workspaces
from lazur.services.jobs import jobs
from lazur.store.db import Database
from lazur.store.tables import metadata
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, Server, call, command, open_site, put_tree

_COUNT = 3


def fill(db: Database, folder: Path) -> None:
    """The database is empty, and has all of today's tables afterwards. `folder` is a home's."""
    _live(db, folder)
    with db.write() as connection:
        for table in metadata.sorted_tables:
            if connection.execute(select(table).limit(1)).first() is None:
                _fill(connection, table)


def _live(db: Database, folder: Path) -> None:
    clock = Clock()
    engine = Engine(clock)
    site = open_site(folder / "home", "", engine, FakeBuilder(str(folder / "envs")), db)
    server = Server(site)
    call(site, workspaces.create, {"name": "lab", "description": "Ää"})
    tree = put_tree(site, {"a.csv": b"a,b\n1,2\n"})
    spec = {"name": "table", "version": "1", "type": "uri_file", "path": f"tree:{tree}/a.csv"}
    call(site, assets.create, "default", "data", spec)
    for name, code in (("fine", 0), ("broken", 3), ("runs", None)):
        call(site, jobs.submit, "default", command(name=name, tags={"who": "ann"}))
        server.settle()
        key = f"default/{name}/1"
        if code is not None:
            engine.run(key)
            server.settle()
            engine.end(key, Exit("exit" if code else "ok", code=code))
            server.settle()
        clock.time += 60
    call(site, jobs.submit, "lab", command(name="fine"))


def _fill(connection: Connection, table: Table) -> None:
    for number in range(_COUNT):
        row = {
            column.name: value
            for column in table.columns
            if (value := _value(connection, column, number)) is not None
        }
        try:
            with connection.begin_nested():
                connection.execute(table.insert().values(row))
        except IntegrityError:
            """What its keys refer to is not there as often."""


def _value(connection: Connection, column: Column[Any], number: int) -> Any:
    if column.foreign_keys:
        return _referred(connection, column, number)
    if column.nullable and number == 1:
        return None
    kind, text = column.type, f"{column.name} {number} é"
    if isinstance(kind, JSON):
        return {"column": column.name, "list": [number, 0.5, None, text]}
    if isinstance(kind, Boolean):
        return bool(number % 2)
    if isinstance(kind, Float):
        return 1_700_000_000.5 + number
    if isinstance(kind, BigInteger):
        return (1 << 40) + number
    if isinstance(kind, Integer):
        return number + 1
    if isinstance(kind, LargeBinary):
        return bytes(range(number, number + 200))
    return text[: kind.length] if isinstance(kind, String) and kind.length else text


def _referred(connection: Connection, column: Column[Any], number: int) -> Any:
    (key,) = column.foreign_keys
    found = list(connection.execute(select(key.column).order_by(key.column)).scalars())
    return next(itertools.islice(itertools.cycle(found), number, None), None) if found else None
