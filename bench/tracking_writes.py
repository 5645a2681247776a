"""Logging, beside upstream's own server at its best: its web app alone, with as many workers as
serve it best. The same requests, as upstream's client sends them, from a generator that costs
little; the client itself once, at the end.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench._mlflow import API, OURS, Side, load, new_run, sides, without_mlflow
from bench._turns import QUICK, TURN, once, rates
from bench.harness import Result
from tests import postgresql

WORKERS = (1,) if QUICK else (1, 2, 4)
ON_POSTGRESQL = (1,) if QUICK else (1, 4)
BATCHES = 3 if QUICK else 10
LONG = 100_000 if QUICK else 1_000_000
CONNECTIONS = {1: "one client", 16: "sixteen at once"}
GOALS = {1: 5.0, 16: 15.0}
_POINTS = 1000
"""In a batch: as many as upstream takes."""


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        with sides(Path(name) / "requests", WORKERS) as present:
            results = [*_calls(present), _batches(present), _long_run(present[0])]
        with sides(Path(name) / "client") as present:
            results += _client(present)
        return results + _on_postgresql(Path(name) / "postgresql")


def _on_postgresql(folder: Path) -> list[Result]:
    """Where upstream writes in parallel, too. Without goals of its own."""
    if reason := postgresql.missing():
        print(f"No figures for PostgreSQL: {reason}.")
        return []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql.Server.start(durable=True))
        databases = [stack.enter_context(server.database()) for _ in (OURS, *ON_POSTGRESQL)]
        present = stack.enter_context(sides(folder, ON_POSTGRESQL, databases))
        return _calls(present, ", PostgreSQL", {})


def _calls(
    present: Sequence[Side], where: str = "", goals: Mapping[int, float] = GOALS
) -> list[Result]:
    runs = {side.name: new_run(side) for side in present}
    numbers = itertools.count(1_000_000, 1_000_000)

    def log_metric(connections: int, side: Side) -> float:
        run = runs[side.name]
        body = f'{{"run_uuid": "{run}", "key": "loss", "value": @N.5, "timestamp": @N, '
        body += f'"step": @N, "run_id": "{run}"}}'
        return _rate(side, "/runs/log-metric", body, connections, next(numbers))

    def create_run(connections: int, side: Side) -> float:
        body = f'{{"experiment_id": "{side.experiment}", "user_id": "ann", "start_time": @N}}'
        return _rate(side, "/runs/create", body, connections, next(numbers))

    calls: dict[str, Callable[[int, Side], float]] = {
        "log_metric": log_metric,
        "create_run": create_run,
    }
    return [
        rates(f"{name}, {told}{where}", partial(call, count), present, goals.get(count))
        for name, call in calls.items()
        for count, told in CONNECTIONS.items()
    ]


def _rate(side: Side, path: str, body: str, connections: int, first: int) -> float:
    more = {"connections": connections, "first": first, "seconds": TURN}
    report = load(side, "POST", f"{API}{path}", body, **more)
    return report.count / report.seconds


def _batches(present: Sequence[Side]) -> Result:
    runs = {side.name: new_run(side) for side in present}
    numbers = itertools.count(0, BATCHES)
    title = f"log_batch of {_POINTS:,} points, one client: points"
    return rates(
        title, lambda side: _points(side, runs[side.name], BATCHES, next(numbers)), present, 10.0
    )


def _long_run(side: Side) -> Result:
    rate = _points(side, new_run(side), LONG // _POINTS)
    title = f"{LONG:,} points in one run, by log_batch: points"
    return Result(title, "1/s", [once(OURS, rate)], "50,000 a second", rate >= 50_000)


def _points(side: Side, run: str, batches: int, first: int = 0) -> float:
    """Points a second."""
    body = f'{{"run_id": "{run}", "metrics": [@POINTS]}}'
    more = {"count": batches, "points": _POINTS, "first": first}
    report = load(side, "POST", f"{API}/runs/log-batch", body, **more)
    return report.count * _POINTS / report.seconds


def _client(present: Sequence[Side]) -> list[Result]:
    """Upstream's client itself, whose own cost bounds what is seen of a server's."""

    def rate(call: str, side: Side) -> float:
        done = subprocess.run(
            [sys.executable, "-c", _CLIENT, call, side.experiment, str(TURN)],
            env=without_mlflow()
            | {"MLFLOW_TRACKING_URI": side.url, "MLFLOW_TRACKING_TOKEN": side.token},
            check=True,
            stdout=subprocess.PIPE,
        )
        return float(done.stdout)

    return [
        rates(f"{call} by upstream's client itself", partial(rate, call), present)
        for call in ("log_metric", "create_run")
    ]


_CLIENT = """
import sys, time, mlflow
call, experiment, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
client = mlflow.MlflowClient()
run = client.create_run(experiment).info.run_id
n, began = 0, time.perf_counter()
while (spent := time.perf_counter() - began) < seconds:
    n += 1
    if call == "log_metric":
        client.log_metric(run, "loss", n * 0.5, step=n)
    else:
        client.create_run(experiment)
print(n / spent)
"""
