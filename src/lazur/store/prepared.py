"""Statements that every job runs on its way, compiled once and given to the database's driver from
then on: what SQLAlchemy does each time costs several times what SQLite needs to answer.

They are written as all others are. What comes out has its columns by name, as SQLAlchemy's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, UpdateBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from lazur.store import driver
from lazur.store.db import AnyRow

Statement = Select[*tuple[Any, ...]] | UpdateBase
Values = Mapping[str, Any]
_Change = Callable[[Any], Any]
"""From what Python has to what the driver takes, or back."""


class Prepared:
    """One statement, for both databases. Lists (`IN`) are nothing for it: their length is part of
    the text."""

    def __init__(self, statement: Statement) -> None:
        # `inline`: nobody asks for the key that an insert has made, unless it says so itself.
        self._statement = statement.inline() if isinstance(statement, Insert) else statement
        self._forms: dict[tuple[str, tuple[str, ...]], _Form] = {}

    def all(self, db: Connection, values: Values | None = None) -> Sequence[AnyRow]:
        form, found = self._run(db, values or {})
        return [form.row(one) for one in found]

    def first(self, db: Connection, values: Values | None = None) -> AnyRow | None:
        form, found = self._run(db, values or {})
        one = found.fetchone()
        return None if one is None else form.row(one)

    def scalar(self, db: Connection, values: Values | None = None) -> Any:
        """The first value of the first row."""
        row = self.first(db, values)
        return None if row is None else row[0]

    def touch(self, db: Connection, values: Values | None = None) -> int:
        """How many rows it touched. Raises `store.db.Taken` where a key is there already."""
        return self._run(db, values or {})[1].rowcount

    def _run(self, db: Connection, values: Values) -> tuple[_Form, Any]:
        # What is inserted says which columns the statement has.
        names = tuple(values) if isinstance(self._statement, Insert) else ()
        key = (db.dialect.name, names)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = _Form(self._statement, names, db.dialect)
        cursor = driver.execute(db, form.text, form.given(values))
        if form.readers is None:
            form.learn(cursor.description or ())
        return form, cursor


class _Form:
    """The statement as one database takes it."""

    def __init__(self, statement: Statement, names: Sequence[str], dialect: Dialect) -> None:
        defaults = _defaults(statement, names)
        compiled = statement.compile(dialect=dialect, column_keys=[*names, *defaults] or None)
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params:
            raise TypeError(f"its text hangs on the length of a list: {compiled}")
        self.text = str(compiled)
        # Those that must be given are left out: without one it fails, and finds nothing by NULL.
        must = {name for bind, name in compiled.bind_names.items() if bind.required}
        own = {name: value for name, value in compiled.params.items() if name not in must}
        self._fixed: dict[str, Any] = {**own, **defaults}
        self._order = compiled.positiontup
        self._writers: dict[str, _Change] = {}
        for bind, name in compiled.bind_names.items():
            write = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if write is not None:
                self._writers[name] = write
        self._dialect = dialect
        self._columns = _columns(statement)
        self._made = _row_of([name for name, _ in self._columns])
        self.readers: list[tuple[int, _Change]] | None = None

    def learn(self, description: Sequence[Sequence[Any]]) -> None:
        """How values are read hangs on what the driver says they are."""
        found: list[tuple[int, _Change]] = []
        for at, ((_, kind), told) in enumerate(zip(self._columns, description, strict=True)):
            read = kind.dialect_impl(self._dialect).result_processor(self._dialect, told[1])
            if read is not None:
                found.append((at, read))
        self.readers = found

    def given(self, values: Values) -> Any:
        """By position or by name, as the driver wants them."""
        found = {**self._fixed, **values}
        for name, write in self._writers.items():
            found[name] = write(found[name])
        return found if self._order is None else [found[name] for name in self._order]

    def row(self, found: Sequence[Any]) -> Any:
        if not self.readers:
            return self._made(found)
        values = list(found)
        for at, read in self.readers:
            values[at] = read(values[at])
        return self._made(values)


def _defaults(statement: Statement, given: Sequence[str]) -> dict[str, Any]:
    """What the table says of columns that an insert leaves out."""
    if not isinstance(statement, Insert):
        return {}
    return {
        column.key: column.default.arg
        for column in statement.table.columns
        if column.key not in given and isinstance(column.default, ScalarElementColumnDefault)
    }


def _columns(statement: Statement) -> list[tuple[str, Any]]:
    if isinstance(statement, Select):
        return [(column.key or "", column.type) for column in statement.selected_columns]
    made: list[Any] = statement.returning_column_descriptions
    return [(str(one["name"]), one["type"]) for one in made]


def _row_of(names: Sequence[str]) -> Any:
    """As a named tuple is, which Python makes by running text as code: the server does not."""
    columns = {name: property(itemgetter(at)) for at, name in enumerate(names)}
    return type("Row", (tuple,), {"__slots__": (), **columns})
