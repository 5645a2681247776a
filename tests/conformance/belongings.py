"""Whose is what: rows and files belong to whoever acted when they came."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

_OURS = "lazur_"
_NOBODYS = frozenset({"alembic_version", "workspaces", "scheduler_leases", "sqlite_sequence"})
_FAR = 730_000_000
"""Experiments' ids begin here, so that they are not mistaken for another number."""
_IDS = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    rb"|(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])|(?<!\d)73\d{7}(?!\d)"
)

_BEGIN_FAR = (
    "INSERT INTO experiments (experiment_id, name, lifecycle_stage, workspace) "
    "VALUES (?, 'far', 'deleted', 'nobodys')"
)
UNCHECKED = {
    "model_versions.run_id": "Upstream takes any text there, and looks for no run.",
    "entity_associations.destination_id": "A dataset is made with any experiments' ids.",
}
"""Columns that refer to nothing until somebody looks, who then looks in his own workspace."""
_REFERRING = ("_id", "_uuid")
"""How columns are called that say what a row belongs to."""

_Row = tuple[Any, ...]


def ids(text: bytes) -> set[bytes]:
    """All in it that could be somebody's id."""
    return set(_IDS.findall(text))


def leaves(found: Any) -> Iterator[str]:
    """What a JSON value holds, without its keys."""
    if isinstance(found, dict):
        for value in cast("dict[str, Any]", found).values():
            yield from leaves(value)
    elif isinstance(found, list):
        for value in cast("list[Any]", found):
            yield from leaves(value)
    elif isinstance(found, str):
        inner = _inner(found)
        yield from [found] if inner is None else leaves(inner)
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield repr(found)


class Rows:
    """All of upstream's tables, and who made each row."""

    def __init__(self, database: Path, spaces: dict[str, str]) -> None:
        """`spaces`: two people, by MLflow's names of their workspaces."""
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._spaces = spaces
        self._tables = {name: _columns(self._db, name) for name in _names(self._db)}
        self._last = {name: list[_Row]() for name in self._tables}
        self._owners: dict[tuple[str, _Row], str] = {}
        self._version = -1
        self.made = {who: set[bytes]() for who in spaces.values()}
        """Ids that were in rows of theirs first."""
        self.held = {who: set[bytes]() for who in spaces.values()}
        """All that are in rows of theirs."""
        self.values = {who: set[str]() for who in spaces.values()}
        self._db.execute(_BEGIN_FAR, (_FAR,))
        self.look(next(iter(spaces.values())))

    def close(self) -> None:
        self._db.close()

    def look(self, who: str) -> list[str]:
        """Something was done by `who` alone: what of it touched what is another's."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return []
        self._version = version
        return [said for name in self._tables for said in self._compare(who, name)]

    def _compare(self, who: str, table: str) -> Iterator[str]:
        now = self._db.execute(f'SELECT * FROM "{table}"').fetchall()
        before, self._last[table] = self._last[table], now
        if now == before:
            return
        for row in set(before) - set(now):
            if (owner := self._owners[self._key(table, row)]) != who:
                yield f"{who} changed or removed a row of {owner}'s: {table} {row}"
        for row in set(now) - set(before):
            owner = self._owners.setdefault(self._key(table, row), self._stated(table, row) or who)
            if owner != who:
                yield f"{who} wrote a row of {owner}'s: {table} {row}"
            yield from self._references(owner, table, row)
            self._learn(owner, row)

    def _references(self, who: str, table: str, row: _Row) -> Iterator[str]:
        names, _ = self._tables[table]
        for name, value in zip(names, row, strict=True):
            for other in self.made.keys() - {who}:
                refers = name.endswith(_REFERRING) and f"{table}.{name}" not in UNCHECKED
                if refers and ids(str(value).encode()) & self.made[other]:
                    yield f"{who}'s row refers to what is {other}'s: {table}.{name} {row}"

    def _key(self, table: str, row: _Row) -> tuple[str, _Row]:
        _, key = self._tables[table]
        return table, tuple(row[n] for n in key)

    def _stated(self, table: str, row: _Row) -> str | None:
        names, _ = self._tables[table]
        return self._spaces.get(row[names.index("workspace")]) if "workspace" in names else None

    def _learn(self, who: str, row: _Row) -> None:
        told = [value for value in row if value is not None]
        here = ids(" ".join(map(str, told)).encode())
        self.held[who] |= here
        self.made[who] |= here.difference(*self.made.values())
        self.values[who].update(leaf for value in told for leaf in leaves(value))


class Files:
    """Everything below the workspaces of a home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def look(self) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        top = str(self._home / "workspaces")
        for folder, _, names in os.walk(top):
            for path in (f"{folder}/{name}" for name in names):
                with suppress(FileNotFoundError):
                    told = os.stat(path)  # noqa: PTH116 - thousands, some thousand times
                    found[path[len(top) + 1 :]] = (told.st_ino, told.st_size, told.st_mtime_ns)
        return found

    def words(self, who: str) -> set[str]:
        """What a list of somebody's files tells: names and sizes."""
        mine = {p: told for p, told in self.look().items() if p.startswith(f"{who}/")}
        names = {part for path in mine for part in path.split("/")}
        return names | {str(size) for _, size, _ in mine.values()}


def _inner(text: str) -> Any:
    """JSON in a text."""
    if text[:1] in {"{", "[", '"'}:
        with suppress(ValueError):
            return json.loads(text)
    return None


def _names(db: sqlite3.Connection) -> list[str]:
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in found if not name.startswith(_OURS) and name not in _NOBODYS]


def _columns(db: sqlite3.Connection, table: str) -> tuple[list[str], list[int]]:
    """Their names, and which make up the key."""
    told = db.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
    key = [number for number, row in enumerate(told) if row[5]]
    return [row[1] for row in told], key or list(range(len(told)))
