"""Curves are compared with what a few lines of Python make of the same points."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any, get_args

import pytest

from lazur.store.db import Connection, Database
from lazur.store.mlflow import curves, schema, spaces, sql
from lazur.store.mlflow.curves import Axis, Bucket, Curve

RUN = "a" * 32
GREATEST = 1.7976931348623157e308
Point = tuple[int, int, float]
"""Step, time, value."""


@pytest.fixture
def connection(db: Database) -> Iterable[Connection]:
    schema.bring_up(db)
    with db.write() as made:
        spaces.add(made, 7, 1.0)
        add_run(made, RUN)
        yield made


class TestCurve:
    def test_no_points_are_no_buckets(self, connection: Connection) -> None:
        assert curves.curve(connection, RUN, "loss", 10) == Curve(None, None, None, 0, [])

    def test_one_point(self, connection: Connection) -> None:
        add(connection, [(3, 100, 0.5)])
        found = curves.curve(connection, RUN, "loss", 10)
        assert found == Curve(0.5, 0.5, 0.5, 1, [Bucket(3, 3, 0.5, 0.5, 0.5, 0.5, 1)])

    def test_fewer_places_than_buckets_are_a_bucket_each(self, connection: Connection) -> None:
        add(connection, [(step, step, float(step)) for step in range(-3, 5)])
        found = curves.curve(connection, RUN, "loss", 100)
        assert [(b.first, b.end, b.last) for b in found.buckets] == [
            (step, step, float(step)) for step in range(-3, 5)
        ]

    def test_relative_begins_at_zero(self, connection: Connection) -> None:
        add(connection, [(5, 1000, 1.0), (6, 3000, 2.0)])
        found = curves.curve(connection, RUN, "loss", 10, "relative")
        assert [(b.first, b.last) for b in found.buckets] == [(0, 1.0), (2000, 2.0)]

    def test_later_time_decides_what_is_last_at_a_step(self, connection: Connection) -> None:
        add(connection, [(1, 20, 5.0), (1, 10, 9.0), (1, 20, 4.0)])
        assert curves.curve(connection, RUN, "loss", 10).last == 5.0

    def test_nan_is_only_ever_last(self, connection: Connection) -> None:
        add(connection, [(1, 1, 2.0), (2, 2, math.nan), (3, 3, math.nan)])
        found = curves.curve(connection, RUN, "loss", 1)
        assert found == Curve(2.0, 2.0, None, 1, [Bucket(1, 3, 2.0, 2.0, 2.0, None, 1)])

    @pytest.mark.parametrize("many", [False, True])
    def test_infinities_keep_the_mean_within_bounds(
        self, connection: Connection, monkeypatch: pytest.MonkeyPatch, many: bool
    ) -> None:
        monkeypatch.setattr(curves, "_FEW", 1 if many else 1000)
        add(connection, [(step, 1, GREATEST) for step in range(5)] + [(9, 1, -GREATEST)])
        found = curves.curve(connection, RUN, "loss", 2)
        assert (found.least, found.greatest) == (-GREATEST, GREATEST)
        assert found.buckets[0].mean == GREATEST

    def test_steps_from_the_first_integer_to_the_last(
        self, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(curves, "_FEW", 0)
        add(connection, [(-(2**63), 1, 1.0), (0, 1, 2.0), (2**63 - 1, 1, 3.0)])
        found = curves.curve(connection, RUN, "loss", 4)
        assert [b.last for b in found.buckets] == [1.0, 2.0, 3.0]

    @pytest.mark.parametrize("few", [0, 20, 5000])
    def test_any_points(
        self, connection: Connection, monkeypatch: pytest.MonkeyPatch, few: int
    ) -> None:
        monkeypatch.setattr(curves, "_FEW", few)
        monkeypatch.setattr(curves, "_PAGE", 7)
        chance = random.Random(few)
        for number in range(12):
            key, points = f"loss {number}", some_points(chance)
            add(connection, points, key=key)
            buckets = chance.choice([1, 2, 7, 50, 1000])
            for x in get_args(Axis):
                found = curves.curve(connection, RUN, key, buckets, x)
                agree(found, expected(points, buckets, x))


class TestCurves:
    def test_every_run_and_metric_that_has_points(self, connection: Connection) -> None:
        other = "b" * 32
        add_run(connection, other)
        add(connection, [(1, 1, 0.5)])
        add(connection, [(1, 1, 0.7)], run=other)
        add(connection, [(2, 1, 0.9)], run=other, key="auc")
        found = curves.curves(connection, [RUN, other], ["loss", "auc"], 10)
        assert {name: curve.last for name, curve in found.items()} == {
            (RUN, "loss"): 0.5,
            (other, "loss"): 0.7,
            (other, "auc"): 0.9,
        }


def some_points(chance: random.Random) -> list[Point]:
    """Steps that repeat, go back and lie far apart; values that are none or beyond."""
    width = chance.choice([1, 5, 100, 10**12])
    return list(
        {
            (step, time): (step, time, value)
            for _ in range(chance.choice([1, 3, 40, 300]))
            for step in [chance.randint(-width, width)]
            for time in [chance.randint(0, 1000)]
            for value in [
                chance.choice([chance.uniform(-5, 5), 0.0, 1.0, math.nan, GREATEST, -GREATEST])
            ]
        }.values()
    )


def expected(points: list[Point], buckets: int, x: Axis) -> Curve:
    placed = [
        (step, time, value) if x == "step" else (time, step, value) for step, time, value in points
    ]
    low, high = min(placed)[0], max(p[0] for p in placed)
    width = (high - low) // buckets + 1
    shift = low if x == "relative" else 0
    groups: dict[int, list[Point]] = {}
    for point in sorted(placed, key=lambda p: p[:2]):
        groups.setdefault((point[0] - low) // width, []).append(point)
    made = [bucket(groups[number], shift) for number in sorted(groups)]
    numbers = [value for _, _, value in points if not math.isnan(value)]
    return Curve(
        min(numbers, default=None),
        max(numbers, default=None),
        made[-1].last,
        len(numbers),
        made,
    )


def bucket(points: list[Point], shift: int) -> Bucket:
    numbers = [value for _, _, value in points if not math.isnan(value)]
    last = points[-1][2]
    return Bucket(
        points[0][0] - shift,
        points[-1][0] - shift,
        min(numbers, default=None),
        max(numbers, default=None),
        math.fsum(n * 2.0**-64 for n in numbers) / len(numbers) * 2.0**64 if numbers else None,
        None if math.isnan(last) else last,
        len(numbers),
    )


def agree(found: Curve, wanted: Curve) -> None:
    """All but the means to the last bit."""
    assert found[:-1] == wanted[:-1]
    for ours, theirs in zip(found.buckets, wanted.buckets, strict=True):
        assert ours._replace(mean=None) == theirs._replace(mean=None)
        assert (ours.mean is None) == (theirs.mean is None)
        if ours.mean is not None and theirs.mean is not None:
            size = max(abs(theirs.least or 0.0), abs(theirs.greatest or 0.0))
            assert abs(ours.mean / 2 - theirs.mean / 2) <= size * 1e-9


def add_run(db: Connection, run: str) -> None:
    sql.execute(
        db,
        """INSERT INTO runs (run_uuid, name, user_id, status, start_time, lifecycle_stage,
                             artifact_uri, experiment_id)
           SELECT :run, 'n', 'u', 'RUNNING', 1, 'active', '', min(experiment_id)
           FROM experiments""",
        {"run": run},
    )


def add(db: Connection, points: list[Point], run: str = RUN, key: str = "loss") -> None:
    rows: list[dict[str, Any]] = [
        {
            "run": run,
            "key": key,
            "step": step,
            "time": time,
            "value": 0.0 if math.isnan(value) else value,
            "is_nan": math.isnan(value),
        }
        for step, time, value in points
    ]
    sql.execute_many(
        db,
        """INSERT INTO metrics (run_uuid, key, step, timestamp, value, is_nan)
           VALUES (:run, :key, :step, :time, :value, :is_nan)""",
        rows,
    )
