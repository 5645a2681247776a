"""What the examples about taxi fares share: their tables, their report, and the order in which
they must find their files."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

RAW = ("greenTaxiData.csv", "yellowTaxiData.csv")
_TAKEN = ((0, RAW), (1, ("green_prep_data.csv", "merged_data.csv", "yellow_prep_data.csv")))
"""Of the first files the scripts take the first for the green cabs', of what they prepared the
second for both."""


def needs_order(folder: Path) -> None:
    """Skips where they would mix them up: on Azure files are listed by name, and here in the order
    of the file system. `folder` is on that of the jobs, and empty."""
    for at, names in _TAKEN:
        here = folder / names[0].removesuffix(".csv")
        here.mkdir(parents=True)
        for name in names:
            (here / name).touch()
        found = [path.name for path in here.iterdir()]
        if found[at] != names[at]:
            pytest.skip(f"the scripts mix up what this file system lists as {', '.join(found)}")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def r2(report: str) -> float:
    found = re.search(r"Coefficient of determination: ([-\d.]+)", report)
    assert found, report
    return float(found[1])


def only(results: dict[str, Path], name: str) -> Path:
    (found,) = (path for path in results.values() if path.name == name)
    return found
