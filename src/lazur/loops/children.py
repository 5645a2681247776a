"""What a parent's rounds remember of its children: whoever has ended does not change any more, so
that each round reads those alone that can have changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from lazur.engine.decisions import ChildView
from lazur.engine.states import FINAL, State
from lazur.services.jobs import steps
from lazur.store import parents
from lazur.store.db import AnyRow, Connection


class Children:
    """Of one parent, in the order in which they came. Rounds of a parent follow each other; one
    that lost its lease may read beside the next, and does no harm here."""

    def __init__(self, parent_id: int) -> None:
        self._parent_id = parent_id
        self._lock = threading.Lock()
        self._known: dict[int, ChildView] = {}
        self._at_work: set[int] = set()
        self._reports: dict[str, Any] = {}

    def read(self, db: Connection) -> Sequence[AnyRow]:
        """The rows of those that may have changed since the last time."""
        with self._lock:
            last, at_work = max(self._known, default=0), sorted(self._at_work)
        rows = parents.news(db, self._parent_id, last, at_work)
        with self._lock:
            for row in rows:
                self._keep(row)
            for gone in set(at_work) - {row.id for row in rows}:
                self._forget(gone)
        return rows

    def keep_reports(self, told: Mapping[str, Any]) -> None:
        with self._lock:
            self._reports.update(told)

    def views(self) -> dict[str, ChildView]:
        with self._lock:
            return {view.step: view for view in self._known.values()}

    def in_line(self) -> int:
        """How many wait for slots."""
        with self._lock:
            return sum(self._known[child].state is State.QUEUED for child in self._at_work)

    def reports(self) -> dict[str, Any]:
        with self._lock:
            return dict(self._reports)

    def _keep(self, row: AnyRow) -> None:
        if row.id in self._known and row.id not in self._at_work:
            return
        self._known[row.id] = steps.child_view(row)
        if row.state in FINAL:
            self._at_work.discard(row.id)
        else:
            self._at_work.add(row.id)

    def _forget(self, child_id: int) -> None:
        """It was deleted, unless another round has just seen its end."""
        if child_id in self._at_work:
            self._at_work.discard(child_id)
            del self._known[child_id]
