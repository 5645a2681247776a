"""Looks into data: a CSV of a gigabyte, as a server has it looked into: how long, and what memory
the process takes that looks."""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from bench.harness import Result, Row
from lazur.services.looks import process
from lazur.services.looks.process import PREVIEW, PROFILE

GOAL_PREVIEW = 2.0
GOAL_MEMORY = 800
_BYTES = 1_000_000_000


def measure() -> list[Result]:
    wanted = _BYTES // 20 if os.environ.get("BENCH_QUICK") else _BYTES
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        file = Path(name) / "rows.csv"
        _write(file, wanted)
        size = file.stat().st_size // 1_000_000
        preview = [_looked(file, "preview") for _ in range(5)]
        profile = [_looked(file, "profile")]
    seconds = [row("preview", [t for t, _ in preview]), row("profile", [t for t, _ in profile])]
    memory = [row("preview", [m for _, m in preview]), row("profile", [m for _, m in profile])]
    goal = f"a preview within {GOAL_PREVIEW:g} s"
    met = seconds[0].median <= GOAL_PREVIEW
    lines = f"A look into a CSV of {size} MB"
    return [
        Result(lines, "s", seconds, goal, met),
        Result(
            f"{lines}: the most memory",
            "MB",
            memory,
            f"at most {GOAL_MEMORY} MB",
            max(entry.slowest for entry in memory) <= GOAL_MEMORY,
        ),
    ]


def row(name: str, samples: list[float]) -> Row:
    ordered = sorted(samples)
    return Row(name, ordered[len(ordered) // 2], ordered[0], ordered[-1], None, None, samples)


def _write(file: Path, wanted: int) -> None:
    """Eight columns, five of which have more different values than are held in memory."""
    seeded = random.Random(1)
    with file.open("wb") as stream:
        first = True
        while stream.tell() < wanted:
            table = _rows(seeded, 100_000)
            csv.write_csv(table, stream, csv.WriteOptions(include_header=first))
            first = False


def _rows(seeded: random.Random, count: int) -> pa.Table:
    return pa.table(
        {
            "id": [seeded.randrange(10**9) for _ in range(count)],
            "count": [seeded.choice([None, seeded.randrange(10**3)]) for _ in range(count)],
            "price": [round(seeded.uniform(0, 1000), 2) for _ in range(count)],
            "rate": [seeded.random() for _ in range(count)],
            "time": pa.array(
                [1_600_000_000 + seeded.randrange(10**8) for _ in range(count)], pa.timestamp("s")
            ),
            "word": [seeded.choice(["alpha", "beta", "gamma"]) for _ in range(count)],
            "text": [f"row {seeded.randrange(10**9)}" for _ in range(count)],
            "flag": [seeded.random() < 0.5 for _ in range(count)],
        }
    )


def _looked(file: Path, verb: str) -> tuple[float, float]:
    """Seconds, and megabytes at the most."""
    asked: dict[str, Any] = {
        "verb": verb,
        "rows": 20,
        "type": "uri_file",
        "path": str(file),
        "called": "rows:1",
        "datastores": {},
    }
    watched = _Peak()
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as scratch:
        began = time.perf_counter()
        limits = PREVIEW if verb == "preview" else PROFILE
        process.look(asked, limits, Path(scratch), watched.told, watched.look)
        return time.perf_counter() - began, watched.megabytes


class _Peak:
    """Of the children of this process, by Linux's own count; looked at while one is waited for."""

    def __init__(self) -> None:
        self.megabytes = 0.0

    def told(self, _progress: dict[str, Any]) -> None:
        self.look()

    def look(self) -> bool:
        for task in Path(f"/proc/self/task/{threading.get_native_id()}").glob("children"):
            for pid in task.read_text().split():
                self.megabytes = max(self.megabytes, _peak(pid))
        return False


def _peak(pid: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
