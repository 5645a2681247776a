"""Each test has databases of its own, and SQLAlchemy compiles statements anew for each: a quarter
of the time of tests that are nothing but statements. Here all databases of a kind share them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_MANY = 4000


def share(patch: pytest.MonkeyPatch) -> None:
    """The key of a compiled statement begins with its dialect."""
    compiled: dict[type, Any] = {}
    make = Engine.__init__

    def made(self: Engine, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        if isinstance(self.dialect, SQLiteDialect_pysqlite | PGDialect_psycopg):
            self._compiled_cache = compiled.setdefault(type(self.dialect), LRUCache(_MANY))

    patch.setattr(Engine, "__init__", made)
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        patch.setattr(dialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(dialect, "__hash__", lambda one: hash(type(one)))
