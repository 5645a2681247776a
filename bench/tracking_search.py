"""Looking for runs among many, on both databases."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench._mlflow import API, Side, seconds, sides
from bench._tables import sweep
from bench._turns import QUICK, times, within
from bench.harness import Result
from tests import postgresql

FEW, MANY = (1_000, 5_000) if QUICK else (10_000, 100_000)
TIMES = 20 if QUICK else 200
"""How often ours is asked for the slowest percent."""


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        folder = Path(name)
        results = _measured(folder / "sqlite", "SQLite", 20.0)
        if reason := postgresql.missing():
            print(f"No figures for PostgreSQL: {reason}.")
            return results
        with (
            postgresql.Server.start() as server,
            server.database() as first,
            server.database() as second,
            server.database() as third,
            server.database() as fourth,
        ):
            databases = ((first, second), (third, fourth))
            return results + _measured(folder / "postgresql", "PostgreSQL", 2.0, databases)


def _measured(
    folder: Path,
    kind: str,
    goal: float,
    databases: Sequence[Sequence[str]] = ((), ()),
) -> list[Result]:
    with sides(folder / "few", (1,), databases[0]) as present:
        for side in present:
            sweep(side, FEW)
        results = [_ordered(present, page, kind, goal) for page in (100, 1000)]
    with sides(folder / "many", (1,), databases[1]) as present:
        for side in present:
            sweep(side, MANY)
        ask = (("newest first", []), ("best first", ["metrics.auc DESC"]))
        return results + [_filtered(present, told, order, kind) for told, order in ask]


def _ordered(present: Sequence[Side], page: int, kind: str, goal: float) -> Result:
    def search(side: Side) -> float:
        return _search(side, "", page, ["metrics.auc DESC"])

    return times(f"{FEW:,} runs ordered by a metric, {kind}, first {page}", search, present, goal)


def _filtered(present: Sequence[Side], told: str, order: list[str], kind: str) -> Result:
    numbers = itertools.count(100)

    def search(side: Side) -> float:
        """Each with another number, so that nobody answers from what it remembers."""
        wanted = f"metrics.auc > 0.{next(numbers)} and params.lr = '0.1'"
        return _search(side, wanted, 100, order)

    ours, theirs = present
    return within(
        f"{MANY:,} runs filtered by metric and param, {kind}, {told}, first 100: p99",
        {
            theirs.name: [search(theirs)],
            ours.name: [search(ours) for _ in range(TIMES)],
        },
        0.2,
        percent=99,
    )


def _search(side: Side, wanted: str, page: int, order: list[str]) -> float:
    body = {
        "experiment_ids": [side.experiment],
        "run_view_type": "ACTIVE_ONLY",
        "filter": wanted,
        "max_results": page,
        "order_by": order,
    }
    return seconds(side, "POST", f"{API}/runs/search", body)
