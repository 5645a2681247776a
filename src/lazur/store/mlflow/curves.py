"""Curves: a metric's points as a number of buckets, each with its exact least, greatest and last
value.

A point's place is its step (`step`), its time (`time`), or its time since the curve's first point
(`relative`), in milliseconds. Buckets divide the way from the first place to the last evenly, and
those without a point are left out. Where several points share a place, the later one is the one
with the later time, then the greater value, as upstream decides what a metric's latest value is.
NaN is no number: it is in no least, greatest, mean or count, but may be the last value: None.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql

Axis = Literal["step", "time", "relative"]


class Bucket(NamedTuple):
    first: int
    """Where its first point is, not where it begins."""
    end: int
    least: float | None
    greatest: float | None
    mean: float | None
    last: float | None
    points: int
    """That are numbers."""


class Curve(NamedTuple):
    least: float | None
    greatest: float | None
    last: float | None
    points: int
    buckets: list[Bucket]


def curve(db: Connection, run_id: str, key: str, buckets: int, x: Axis = "step") -> Curve:
    """Empty where the run has no such metric."""
    found = _Points(db, run_id, key)
    few = found.few()
    if len(few) <= _FEW:
        return _whole(_looked_at(few, buckets, x))
    return _whole(_asked(found, buckets) if x == "step" else _gathered(found, buckets, x))


def curves(
    db: Connection, run_ids: Iterable[str], keys: Sequence[str], buckets: int, x: Axis = "step"
) -> dict[tuple[str, str], Curve]:
    """By run and key; what a run does not have is left out."""
    made = {(run, key): curve(db, run, key, buckets, x) for run in run_ids for key in keys}
    return {name: found for name, found in made.items() if found.buckets}


_FEW = 5000
"""So many points are read: asking the database for each bucket takes longer."""
_PAGE = 50_000
_SCALE = 2.0**-64
"""Sums are of smaller numbers, or the greatest would leave the range: PostgreSQL refuses that."""

_SAME = "run_uuid = :run AND key = :key"
_FORWARD = "ORDER BY step, timestamp, value, is_nan"
_BACKWARD = "ORDER BY step DESC, timestamp DESC, value DESC, is_nan DESC"
_TIMES = f"SELECT min(timestamp), max(timestamp) FROM metrics WHERE {_SAME}"
_FIRST_STEP = f"SELECT step FROM metrics WHERE {_SAME} ORDER BY step LIMIT 1"
_LAST_STEP = f"SELECT step FROM metrics WHERE {_SAME} ORDER BY step DESC LIMIT 1"
_NEXT = f"""
SELECT step, timestamp, value, is_nan FROM metrics
WHERE {_SAME} AND (step, timestamp, value, is_nan) > (:step, :timestamp, :value, :is_nan)
{_FORWARD} LIMIT :limit
"""
_BEGINNING = (-(1 << 63), -(1 << 63), -1.8e308, False)


def _bucket(low: str, high: str) -> str:
    """No row where there is no point. One look at the index for each end, one for all between."""
    within = f"{_SAME} AND step >= {low} AND step <= {high}"
    return f"""
    SELECT f.step, z.step AS last_step, n.least, n.greatest, n.total, n.points, z.value, z.is_nan
    FROM (SELECT min(value) AS least, max(value) AS greatest, sum(value * {_SCALE!r}) AS total,
                 count(*) AS points FROM metrics WHERE {within} AND NOT is_nan) AS n,
         (SELECT step FROM metrics WHERE {within} ORDER BY step LIMIT 1) AS f,
         (SELECT step, value, is_nan FROM metrics WHERE {within} {_BACKWARD} LIMIT 1) AS z
    """


_ONE_BUCKET = _bucket(":low", ":high")
_ALL_BUCKETS = f"""
SELECT b.* FROM unnest((:lows)::bigint[], (:highs)::bigint[])
     WITH ORDINALITY AS w (low, high, place)
CROSS JOIN LATERAL ({_bucket("w.low", "w.high")}) AS b ORDER BY w.place
"""

_Row = tuple[int, int, float | None, float | None, float | None, int, float, bool]
_Point = tuple[int, int, float, bool]
"""Step, time, value, and whether it is none."""


class _Points:
    """One metric of one run."""

    def __init__(self, db: Connection, run_id: str, key: str) -> None:
        self.db = db
        self.names = {"run": run_id, "key": key}

    def few(self) -> list[_Point]:
        """All of them, or one more than are few."""
        return self._after(_BEGINNING, _FEW + 1)

    def steps(self) -> tuple[int, int] | None:
        """Two looks at the index. `min` and `max` in one statement read it all."""
        first = sql.row(self.db, _FIRST_STEP, self.names)
        last = sql.row(self.db, _LAST_STEP, self.names)
        return (int(first[0]), int(last[0])) if first and last else None

    def times(self) -> tuple[int, int] | None:
        found = sql.row(self.db, _TIMES, self.names)
        return (int(found[0]), int(found[1])) if found and found[0] is not None else None

    def all(self) -> Iterator[_Point]:
        """By step. Read in pages: they may be millions."""
        last: _Point = _BEGINNING
        while True:
            page = self._after(last, _PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1]

    def _after(self, last: _Point, limit: int) -> list[_Point]:
        where = dict(zip(("step", "timestamp", "value", "is_nan"), last, strict=True))
        return sql.rows(self.db, _NEXT, {**self.names, **where, "limit": limit})


def _looked_at(points: list[_Point], buckets: int, x: Axis) -> list[Bucket]:
    """Few points: in order, each bucket is a slice."""
    if not points:
        return []
    if x != "step":
        points = sorted((at, step, value, is_nan) for step, at, value, is_nan in points)
    places, _, values, nans = zip(*points, strict=True)
    first, width = places[0], _width(places[0], places[-1], buckets)
    shift = first if x == "relative" else 0
    made: list[Bucket] = []
    begin = 0
    while begin < len(points):
        beyond = places[begin] + width - (places[begin] - first) % width
        end = bisect_left(places, beyond, begin)
        ends = places[begin] - shift, places[end - 1] - shift
        made.append(_bucket_of(ends, values[begin:end], nans[begin:end]))
        begin = end
    return made


def _bucket_of(ends: tuple[int, int], values: Sequence[float], nans: Sequence[bool]) -> Bucket:
    last = None if nans[-1] else values[-1]
    if True in nans:
        values = [value for value, nan in zip(values, nans, strict=True) if not nan]
    least, greatest, count = min(values, default=None), max(values, default=None), len(values)
    total = sum(map(_SCALE.__mul__, values))
    return Bucket(*ends, least, greatest, _mean(total, count, least, greatest), last, count)


def _asked(points: _Points, buckets: int) -> list[Bucket]:
    """The database looks at the points."""
    ends = points.steps()
    if ends is None:
        return []
    ranges = _ranges(*ends, buckets)
    return [_told(row) for row in _rows(points, ranges)]


def _rows(points: _Points, ranges: list[tuple[int, int]]) -> list[_Row]:
    if points.db.dialect.name != "sqlite":
        lows, highs = [low for low, _ in ranges], [high for _, high in ranges]
        return sql.rows(points.db, _ALL_BUCKETS, {**points.names, "lows": lows, "highs": highs})
    asked = (
        sql.row(points.db, _ONE_BUCKET, {**points.names, "low": low, "high": high})
        for low, high in ranges
    )
    return [row for row in asked if row is not None]


def _told(row: _Row) -> Bucket:
    first, end, least, greatest, total, count, last, is_nan = row
    mean = _mean(total, count, least, greatest)
    return Bucket(first, end, least, greatest, mean, None if is_nan else last, count)


def _ranges(first: int, last: int, buckets: int) -> list[tuple[int, int]]:
    width = _width(first, last, buckets)
    return [(low, min(low + width - 1, last)) for low in range(first, last + 1, width)]


def _width(first: int, last: int, buckets: int) -> int:
    """Places are whole numbers: as many as there are, or `buckets`."""
    return (last - first) // buckets + 1


def _gathered(points: _Points, buckets: int, x: Axis) -> list[Bucket]:
    """By time, in which no index has them: all points pass by."""
    ends = points.times()
    if ends is None:
        return []
    first, width = ends[0], _width(*ends, buckets)
    made: dict[int, _Gathering] = {}
    for step, at, value, is_nan in points.all():
        number = (at - first) // width
        found = made.get(number)
        if found is None:
            found = made[number] = _Gathering(at)
        found.take(at, step, value, is_nan)
    shift = first if x == "relative" else 0
    return [made[number].told(shift) for number in sorted(made)]


class _Gathering:
    """A bucket while its points come, in any order."""

    __slots__ = ("count", "first", "greatest", "last", "least", "total")

    def __init__(self, place: int) -> None:
        self.first = place
        self.last: tuple[int, int, float, bool] = (-(1 << 64), 0, 0.0, False)
        self.least: float | None = None
        self.greatest: float | None = None
        self.total = 0.0
        self.count = 0

    def take(self, place: int, other: int, value: float, is_nan: bool) -> None:
        if place < self.first:
            self.first = place
        if (point := (place, other, value, is_nan)) > self.last:
            self.last = point
        if is_nan:
            return
        self.count += 1
        self.total += value * _SCALE
        if self.least is None or value < self.least:
            self.least = value
        if self.greatest is None or value > self.greatest:
            self.greatest = value

    def told(self, shift: int) -> Bucket:
        place, _, value, is_nan = self.last
        return Bucket(
            self.first - shift,
            place - shift,
            self.least,
            self.greatest,
            _mean(self.total, self.count, self.least, self.greatest),
            None if is_nan else value,
            self.count,
        )


def _mean(
    total: float | None, count: int, least: float | None, greatest: float | None
) -> float | None:
    """Rounding must not carry it out of what it is the mean of."""
    if total is None or least is None or greatest is None:
        return None
    return max(least, min(greatest, total / count / _SCALE))


def _whole(buckets: list[Bucket]) -> Curve:
    return Curve(
        min((b.least for b in buckets if b.least is not None), default=None),
        max((b.greatest for b in buckets if b.greatest is not None), default=None),
        buckets[-1].last if buckets else None,
        sum(b.points for b in buckets),
        buckets,
    )
