"""A backup of a server with many runs, while four clients log metrics without a pause, and a
restore. BENCH_BACKUP_RUNS says how many runs; the goal is for a million."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench._mlflow import API, Side, load, new_run, ours
from bench._turns import QUICK, once
from bench.harness import Result, Row, percentile

RUNS = int(os.environ.get("BENCH_BACKUP_RUNS", "5000" if QUICK else "100000"))
LIMIT = 120.0
_BODY = '{"run_id": "%s", "key": "loss", "value": @N.5, "timestamp": @N, "step": @N}'
_CLIENTS = 4
_NUMBERS = """WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?)
              SELECT n, printf('%032x', n) AS run FROM c"""
_ROWS = (
    """INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time,
                         lifecycle_stage, artifact_uri, experiment_id)
       SELECT run, 'run-' || n, 'LOCAL', 'ann', 'FINISHED', n, n + 1, 'active', '', :experiment
       FROM n""",
    """INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
       SELECT column1, ABS(RANDOM()) / 1e19, 1, 1, 0, run
       FROM n, (VALUES ('auc'), ('epoch'), ('f1'), ('loss'), ('seconds'))""",
    """INSERT INTO params (key, value, run_uuid)
       SELECT column1, '0.' || ABS(RANDOM()) % 10, run
       FROM n, (VALUES ('batch'), ('depth'), ('lr'), ('model'), ('seed'))""",
    """INSERT INTO tags (key, value, run_uuid)
       SELECT column1, 'ann', run FROM n, (VALUES ('mlflow.runName'), ('mlflow.user'))""",
)


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        folder = Path(name)
        with ours(folder / "it") as side:
            _fill(side, RUNS)
            logging = Logging(side)
            calm = logging.during(lambda: time.sleep(2.0 if QUICK else 10.0))
            rows: list[Row] = []
            busy: list[float] = []
            for what, to in (("into a folder", "b"), ("again", "b"), ("into one file", "b.tar")):
                began = time.perf_counter()
                busy += logging.during(lambda to=to: _lazur(side, "backup", "--to", folder / to))
                rows.append(once(f"backup {what}", time.perf_counter() - began))
            rows.append(once("verify", _timed(side, "backup", "verify", folder / "b")))
        home = folder / "restored"
        rows.append(once("restore", _timed(side, "restore", folder / "b", "--home", home)))
        slowest = max(row.median for row in rows[:3])
        size = (folder / "it" / "home" / "lazur.db").stat().st_size / 1e6
        title = f"{RUNS:,} runs (a database of {size:,.0f} MB), {_CLIENTS} clients logging"
        goal = f"{LIMIT:.0f} s for 1,000,000 runs"
        return [
            Result(title, "s", rows, goal, slowest <= LIMIT if RUNS >= 1_000_000 else None),
            _answers("Answers to these clients: half of them", calm, busy, 50),
            _answers("Answers to these clients: the slowest percent", calm, busy, 99),
        ]


class Logging:
    """Clients that log to one run, for as long as something else takes."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._body = _BODY % new_run(side)
        self._first = 0

    def during(self, work: Callable[[], object]) -> list[float]:
        done = threading.Event()

        def run() -> None:
            try:
                work()
            finally:
                done.set()

        worker = threading.Thread(target=run)
        worker.start()
        found: list[float] = []
        while not done.is_set():
            report = load(
                self._side,
                "POST",
                f"{API}/runs/log-metric",
                self._body,
                connections=_CLIENTS,
                seconds=1.0,
                first=self._first,
            )
            self._first += report.count
            found += report.latencies
        worker.join()
        return found


def _fill(side: Side, count: int) -> None:
    """Runs as a sweep leaves them: five metrics, five params, two tags. Indexes are made after."""
    with contextlib.closing(sqlite3.connect(side.database.partition(":///")[2])) as db:
        chosen = "type = 'index' AND name LIKE 'lazur_%' AND sql IS NOT NULL"
        indexes = db.execute(f"SELECT name, sql FROM sqlite_master WHERE {chosen}").fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        db.execute(f"CREATE TEMP TABLE n AS {_NUMBERS}", (count,))
        for statement in _ROWS:
            db.execute(statement, {"experiment": int(side.experiment)})
        for _, made in indexes:
            db.execute(made)
        db.commit()


def _answers(title: str, calm: list[float], busy: list[float], percent: float) -> Result:
    rows = [
        Row(name, percentile(found, percent), min(found), max(found), None, None, found)
        for name, found in (("without a backup", calm), ("while one is made", busy))
    ]
    return Result(title, "s", rows)


def _timed(side: Side, *words: object) -> float:
    began = time.perf_counter()
    _lazur(side, *words)
    return time.perf_counter() - began


def _lazur(side: Side, *words: object) -> None:
    subprocess.run(
        [sys.executable, "-m", "lazur.cli", *map(str, words)],
        env={**os.environ, "LAZUR_HOME": str(side.folder / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
