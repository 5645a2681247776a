"""Ten thousand queued jobs, and a hundred thousand in the list: seeded straight into the database,
measured through
the store's own queries and over HTTP."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.harness import Result, Row, percentile
from lazur.testing.server import Server, W

QUICK = bool(os.environ.get("BENCH_QUICK"))


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as folder:
        server = Server(Path(folder) / "home")
        server.start()
        client = server.client()
        name = client.submit({"command": "true", "environment": {"image": "python"}})
        while client.get(name)["status"] != "Completed":
            time.sleep(0.05)
        server.stop()
        listed = 5_000 if QUICK else 100_000
        _seed(server.home / "lazur.db", listed, "Completed")
        server.start()
        results = [_lists(server, listed), _queue(server, 1_000 if QUICK else 10_000)]
        server.stop()
        return results


def _lists(server: Server, count: int) -> Result:
    client = server.client()
    paths = {
        "first page": f"{W}/jobs?limit=50",
        "filtered by experiment": f"{W}/jobs?limit=50&experiment_name=experiment-7",
        "filtered by status and tag": f"{W}/jobs?limit=50&status=Completed&tag=team%3D3",
        "name contains, not there": f"{W}/jobs?limit=50&name_contains=zzzz",
    }
    rows: list[Row] = []
    for title, path in paths.items():
        samples: list[float] = []
        for _ in range(20 if QUICK else 200):
            began = time.perf_counter()
            status, _ = client.call("GET", path)
            samples.append(time.perf_counter() - began)
            assert status == 200
        rows.append(_row(f"{title}, p99", percentile(samples, 99), samples))
    met = rows[0].median <= 0.05 and max(row.median for row in rows[1:]) <= 0.2
    goal = "first page p99 50 ms, filtered p99 200 ms (over HTTP here, in SQL as asked)"
    return Result(f"Listing {count:,} jobs, over HTTP", "s", rows, goal, met)


def _queue(server: Server, count: int) -> Result:
    """Jobs end and start while so many wait: the time from an end to the next start, as the jobs'
    phases show it."""
    client = server.client()
    before = _memory(server.pid)
    blocker = client.submit(
        {
            "command": "sleep 600",
            "environment": {"image": "python"},
            "resources": {"properties": {"cpus": 1}},
        }
    )
    server.stop()
    _seed(server.home / "lazur.db", count, "Queued")
    server.start()
    time.sleep(5.0 if QUICK else 20.0)
    _, page = client.call("GET", f"{W}/jobs?status=Completed&experiment_name=queued&limit=1000")
    after = _memory(server.pid)
    ends, starts = [], []
    for job in page["value"]:
        _, full = client.call("GET", f"{W}/jobs/{job['name']}")
        phases = {phase["name"]: phase for phase in full["phases"]}
        starts.append(phases["starting"]["start"])
        ends.append(full["ended_at"])
    gaps = _gaps(ends, starts)
    client.cancel(blocker)
    rows = [
        _row("from a free slot to the next job placed, median", percentile(gaps, 50), gaps),
        _row("the same, p99", percentile(gaps, 99), gaps),
        _row("memory grown, MB", after - before, [after - before]),
        _row("jobs run meanwhile", len(gaps), [len(gaps)]),
    ]
    met = rows[1].median <= 0.1 and rows[2].median < 100
    return Result(
        f"{count:,} jobs queued", "s", rows, "a decision within 100 ms (p99), under 100 MB", met
    )


def _gaps(ends: list[str], starts: list[str]) -> list[float]:
    """One slot was left to the queue: each start follows an end."""
    at = sorted(datetime.fromisoformat(end).timestamp() for end in ends)
    begun = sorted(datetime.fromisoformat(start).timestamp() for start in starts)
    return [start - end for end, start in zip(at, begun[1:], strict=False) if start >= end] or [
        0.0
    ]


def _seed(path: Path, count: int, state: str) -> None:
    """Copies of the newest finished job."""
    dice = random.Random(1)
    with sqlite3.connect(path) as db:
        db.row_factory = sqlite3.Row
        model = dict(
            db.execute(
                "SELECT * FROM lazur_jobs WHERE state = 'Completed' ORDER BY id LIMIT 1"
            ).fetchone()
        )
        model.pop("id")
        columns = ", ".join(model)
        marks = ", ".join("?" * len(model))
        rows = (tuple(_copy(model, number, state, dice).values()) for number in range(count))
        db.executemany(f"INSERT INTO lazur_jobs ({columns}) VALUES ({marks})", rows)
        db.execute("ANALYZE")
    db.close()


def _copy(model: dict[str, Any], number: int, state: str, dice: random.Random) -> dict[str, Any]:
    queued = state == "Queued"
    return model | {
        "name": f"{state.lower()}_{number:06d}",
        "run_id": f"{state.lower()}_{number:06d}",
        "experiment_name": "queued" if queued else f"experiment-{dice.randrange(20)}",
        "tags": f'{{"team": "{dice.randrange(50)}"}}',
        "state": state,
        "created_at": time.time() - (0 if queued else 1e6 - number),
        "ended_at": None if queued else model["ended_at"],
        "handle": None,
        "placed": 0,
        "runner": None,
        "phases": f'[{{"name": "queued", "start": {time.time()}}}]',
        "due_at": None,
    }


def _memory(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _row(name: str, value: float, samples: list[float]) -> Row:
    return Row(name, value, min(samples), max(samples), None, None, samples)
