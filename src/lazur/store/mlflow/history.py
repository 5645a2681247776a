"""All points of a metric, or an even sample of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from lazur.store.mlflow import sql

Point = tuple[float, int, int, bool]
"""Value, timestamp, step, and whether it is not a number."""


def is_here(db: Connection, space: str, run_id: str) -> bool:
    return sql.row(db, _RUN, {"space": space, "run": run_id}) is not None


def known(db: Connection, space: str, run_ids: Sequence[str]) -> list[str]:
    """Those of the workspace, in the database's own order of text."""
    names, values = sql.listed("run", run_ids)
    statement = f"{_RUNS} AND runs.run_uuid IN ({names}) ORDER BY runs.run_uuid"
    return [row[0] for row in sql.rows(db, statement, {"space": space, **values})]


def points(
    db: Connection, run_id: str, key: str, limit: int | None = None, offset: int = 0
) -> list[Point]:
    """By time, step and value."""
    values = {"run": run_id, "key": key, "limit": limit, "offset": offset}
    page = " LIMIT :limit" if limit is not None else "" if not offset else _NO_LIMIT
    page += " OFFSET :offset" if offset else ""
    return sql.rows(db, _POINTS + page, values)


def sample(
    db: Connection,
    run_id: str,
    key: str,
    size: int,
    steps: tuple[int, int] | None = None,
) -> list[Point]:
    """At most `size` points, by step, the last among them, and the first where it is not the only
    one: those at which upstream's window function begins its buckets."""
    low, high = steps or _ALL_STEPS
    values = {"run": run_id, "key": key, "low": low, "high": high}
    count = sql.rows(db, f"SELECT count(*) FROM metrics WHERE {_WITHIN}", values)[0][0]
    if count <= size:
        return sql.rows(db, f"{_COLUMNS} WHERE {_WITHIN} {_BY_STEP}", values)
    found = _hopped(db, values, count, size) if db.dialect.name == "sqlite" else None
    if found is None:
        found = sql.rows(db, _EVENLY, {**values, **_buckets(count, size)})
    last = sql.rows(db, f"{_COLUMNS} WHERE {_WITHIN} {_BY_STEP_BACK} LIMIT 1", values)
    return found[:-1] + last  # more points than buckets: the last bucket begins before its last


_RUNS = """
SELECT runs.run_uuid FROM runs
JOIN experiments ON experiments.experiment_id = runs.experiment_id
WHERE experiments.workspace = :space"""
_RUN = f"{_RUNS} AND runs.run_uuid = :run"
_SAME = "run_uuid = :run AND key = :key"
_ALL_STEPS = (-(1 << 63), (1 << 63) - 1)
_WITHIN = f"{_SAME} AND step >= :low AND step <= :high"
_COLUMNS = "SELECT value, timestamp, step, is_nan FROM metrics"
# the signs keep SQLite from walking an index that is in this order, through all runs
_POINTS = f"{_COLUMNS} WHERE {_SAME} ORDER BY +timestamp, +step, +value"
_NO_LIMIT = " LIMIT 9223372036854775807"
_ORDER = "step, timestamp, value, is_nan"
_BY_STEP = f"ORDER BY {_ORDER}"
_BY_STEP_BACK = "ORDER BY step DESC, timestamp DESC, value DESC, is_nan DESC"
_EVENLY = f"""
SELECT value, timestamp, step, is_nan
FROM (SELECT value, timestamp, step, is_nan, row_number() OVER (ORDER BY {_ORDER}) - 1 AS place
      FROM metrics WHERE {_WITHIN}) AS numbered
WHERE (place < :long AND place % :more = 0)
   OR (place >= :long AND (place - :long) % :each = 0)
ORDER BY place
"""
_STEP_AHEAD = f"SELECT step FROM metrics WHERE {_WITHIN} ORDER BY step LIMIT 1 OFFSET :skip"
_POINT_AHEAD = f"{_COLUMNS} WHERE {_WITHIN} {_BY_STEP} LIMIT 1 OFFSET :skip"
_BETWEEN = f"SELECT count(*) FROM metrics WHERE {_SAME} AND step >= :low AND step < :ahead"
_CROWDED = 20
"""A step that holds more points than so many buckets is gone through too often."""


def _hopped(db: Connection, values: sql.Values, count: int, size: int) -> list[Point] | None:
    """As `_EVENLY`, for SQLite: its window function reads every row, these hops only what the
    index has of them. None where too many points share a step."""
    found: list[Point] = []
    step, before = values["low"], 0  # points before the first one of the step
    for place in _places(count, size):
        if place - before > _CROWDED * (count // size):
            return None
        here = {**values, "low": step, "skip": place - before}
        ahead = sql.rows(db, _STEP_AHEAD, here)[0][0]
        if ahead > step:
            before += sql.rows(db, _BETWEEN, {**here, "ahead": ahead})[0][0]
            step = ahead
        found += sql.rows(db, _POINT_AHEAD, {**here, "low": step, "skip": place - before})
    return found


def _buckets(count: int, size: int) -> dict[str, int]:
    """As NTILE: the first buckets take one more each, until all is even."""
    each, left = divmod(count, size)
    return {"each": each, "more": each + 1, "long": left * (each + 1)}


def _places(count: int, size: int) -> list[int]:
    """Where the buckets begin."""
    each, left = divmod(count, size)
    return [number * each + min(number, left) for number in range(size)]
