"""What tracking costs while nobody asks: upstream's server as our child, and the sampling of a
job's system metrics."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench import _processes
from bench._mlflow import API, Side, ours, seconds
from bench._turns import QUICK, once
from bench.harness import Result
from lazur.testing.server import Client, Server

WATCHED = 5.0 if QUICK else 60.0
SETTLED = 2.0 if QUICK else 15.0
"""Seconds after which a start is over."""
_SAMPLING = {
    "not sampled": {"MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false"},
    "sampled every ten seconds, as it comes": {},
    "sampled every second": {"MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1"},
}


def measure() -> list[Result]:
    if not sys.platform.startswith("linux"):
        print("No figures of idle processes: they are read from Linux's /proc.")
        return []
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        with ours(Path(name) / "child") as side:
            results = _child(side)
        return [*results, _sampling(Path(name) / "jobs")]


def _child(side: Side) -> list[Result]:
    others = _processes.family(side.pid)
    first = seconds(side, "GET", f"{API}/registered-models/search?max_results=1")
    again = seconds(side, "GET", f"{API}/registered-models/search?max_results=1")
    time.sleep(SETTLED)
    pids = _processes.family(side.pid) - others
    memory = sum(map(_processes.memory, pids))
    idle = _percent_of_a_core(pids)
    return [
        Result(
            "Upstream's server as our child: a request that only it can answer",
            "s",
            [once("the first, which starts it", first), once("the next", again)],
        ),
        Result(
            "Upstream's server as our child, idle",
            "as named",
            [once("memory, MB", memory), once("CPU, % of a core", idle)],
            "under 320 MB, at most 1 % of a core",
            bool(pids) and memory < 320 and idle <= 1,
        ),
    ]


def _sampling(folder: Path) -> Result:
    """A job's supervisor while its command sleeps. What else it does is in the first row."""
    folder.mkdir()
    server = Server(folder / "home")
    server.start()
    client = server.client()
    try:
        rows = [
            once(told, _cost(client, number, variables))
            for number, (told, variables) in enumerate(_SAMPLING.items())
        ]
    finally:
        client.close()
        server.stop()
    return Result("A job's supervisor, % of a core", "%", rows, "under 1 %", rows[1].median < 1)


def _cost(client: Client, number: int, variables: Mapping[str, str]) -> float:
    """The job ends by being cancelled."""
    sleep = f"sleep 4321.{number}"
    name = client.submit(
        {
            "command": f"exec {sleep}",
            "environment": {"image": "python"},
            "environment_variables": dict(variables),
        }
    )
    while (pid := _processes.find(sleep)) is None:
        time.sleep(0.1)
    time.sleep(SETTLED)
    percent = _percent_of_a_core({_supervisor(pid)})
    client.cancel(name)
    return percent


def _supervisor(pid: int) -> int:
    while "runtime" not in _processes.command(pid):
        pid = _processes.parent(pid)
    return pid


def _percent_of_a_core(pids: set[int]) -> float:
    before = sum(map(_processes.cpu, pids))
    time.sleep(WATCHED)
    return (sum(map(_processes.cpu, pids)) - before) / WATCHED * 100
