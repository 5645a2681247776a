"""What is stored: all of upstream's tables, row by row."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, text

from tests.conformance.canon import Names

_OURS = "lazur_"
_SKIPPED = frozenset({"alembic_version", "workspaces"})
_SEQUENCE = "experiments_experiment_id_seq"
_SEALED = frozenset({"encrypted_value", "wrapped_dek"})
"""Each time with another key."""
_UNORDERED = "assessment_metadata"
"""JSON whose keys come in an order that upstream draws."""


class Tables:
    """Looks at a database from time to time, and says what has changed."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            _read_only(self._engine)
        self._last = self._rows()

    def changes(self, names: Names) -> list[str]:
        """Rows that came (`+`) and went (`-`) since the last look, sorted."""
        now = self._rows()
        came, went = now - self._last, self._last - now
        self._last = now
        told = [f"+ {names.plain(row, learn=False)}" for row in came.elements()]
        told += [f"- {names.plain(row, learn=False)}" for row in went.elements()]
        return sorted(told)

    def align(self, number: int) -> None:
        """Experiments get the same ids on both sides again: PostgreSQL skips one whenever an
        insert is refused, and ours may be refused by the lane and by upstream."""
        if self._engine.dialect.name == "postgresql":
            with self._engine.begin() as connection:
                connection.execute(text(f"SELECT setval('{_SEQUENCE}', {100 * number})"))

    def _rows(self) -> Counter[str]:
        found: Counter[str] = Counter()
        with self._engine.connect() as connection:
            for table in inspect(connection).get_table_names():
                if table.startswith(_OURS) or table in _SKIPPED:
                    continue
                for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                    found[f"{table} {_told(dict(row))}"] += 1
        return found


def _told(row: dict[str, Any]) -> str:
    row = {name: "<sealed>" if name in _SEALED else value for name, value in row.items()}
    if text := row.get(_UNORDERED):
        row = {**row, _UNORDERED: json.loads(text)}
    return json.dumps(row, sort_keys=True, default=repr)


def _read_only(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: object, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]
