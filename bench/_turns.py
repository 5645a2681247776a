"""Contenders that take turns, as results: against the best of upstream's settings, or against the
clock."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence

from bench._mlflow import OURS, Side
from bench.harness import Result, Row, percentile

QUICK = bool(os.environ.get("BENCH_QUICK"))
ROUNDS = 1 if QUICK else 3
TURN = 1.0 if QUICK else 2.0
"""Seconds of load at a time."""


def rates(
    title: str, rate: Callable[[Side], float], sides: Sequence[Side], goal: float | None = None
) -> Result:
    """Per second: more is better."""
    return _against_the_best(title, "1/s", _samples(rate, sides), goal)


def times(
    title: str, call: Callable[[Side], float], sides: Sequence[Side], goal: float | None = None
) -> Result:
    """Seconds: less is better."""
    return _against_the_best(title, "s", _samples(call, sides), goal)


def within(
    title: str,
    samples: Mapping[str, list[float]],
    limit: float | None = None,
    percent: float = 50,
) -> Result:
    """Seconds that ours, which is the last one, has."""
    rows = [
        Row(name, percentile(found, percent), min(found), max(found), None, None, found)
        for name, found in samples.items()
    ]
    if limit is None:
        return Result(title, "s", rows)
    return Result(title, "s", rows, f"{limit * 1000:.0f} ms", rows[-1].median <= limit)


def once(name: str, value: float) -> Row:
    """What is measured one time."""
    return Row(name, value, value, value, None, None, [value])


def several(call: Callable[[], float]) -> list[float]:
    """The first one warms up."""
    call()
    return [call() for _ in range(3 if QUICK else 7)]


def _samples(call: Callable[[Side], float], sides: Sequence[Side]) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(ROUNDS + 1):
        for side in sides:
            found = call(side)
            if number:
                samples[side.name].append(found)
    return samples


def _against_the_best(
    title: str, unit: str, samples: dict[str, list[float]], goal: float | None
) -> Result:
    medians = {name: statistics.median(found) for name, found in samples.items()}
    others = [value for name, value in medians.items() if name != OURS]
    best = min(others) if unit == "s" else max(others)
    reached = best / medians[OURS] if unit == "s" else medians[OURS] / best
    rows = [
        Row(name, medians[name], min(found), max(found), medians[name] / best, None, found)
        for name, found in samples.items()
    ]
    if goal is None:
        return Result(title, unit, rows, f"none; it is {reached:.1f} times as fast")
    told = f"{goal:g} times as fast as upstream at its best; it is {reached:.1f} times"
    return Result(title, unit, rows, told, reached >= goal)
