"""What tracking costs while nobody asks: upstream's server as our child, and the sampling of a
job's system metrics."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bench import _processes
from bench._mlflow import API, Side, ours, seconds
from bench._turns import QUICK, once
from bench.harness import Result
from lazur.testing.server import Client, Server, W

WATCHED = 5.0 if QUICK else 60.0
SETTLED = 2.0 if QUICK else 15.0
"""Seconds after which a start is over."""
_SAMPLING = {
    "sampled every ten seconds, as it comes": {},
    "not sampled": {"MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false"},
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
    idle = sum(_percents_of_a_core(pids).values())
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
    """The supervisors of jobs whose commands sleep, side by side."""
    folder.mkdir()
    server = Server(folder / "home")
    server.start()
    client = server.client()
    try:
        found = {told: _supervisor(_asleep(client, told)) for told in _SAMPLING}
        time.sleep(SETTLED)
        spent = _percents_of_a_core(set(found.values()))
    finally:
        for name in client.call("GET", f"{W}/jobs")[1]["value"]:
            client.cancel(name["name"])
        client.close()
        server.stop()
    rows = [once(told, spent[pid]) for told, pid in found.items()]
    return Result("A job's supervisor, % of a core", "%", rows, "under 1 %", rows[0].median < 1)


def _asleep(client: Client, told: str) -> int:
    """The process of a job's command."""
    sleep = f"sleep {4321 + len(told)}"
    spec = {"command": f"exec {sleep}", "environment": {"image": "python"}}
    client.submit({**spec, "environment_variables": _SAMPLING[told]})
    while (pid := _processes.find(sleep)) is None:
        time.sleep(0.1)
    return pid


def _supervisor(pid: int) -> int:
    while "runtime" not in _processes.command(pid):
        pid = _processes.parent(pid)
    return pid


def _percents_of_a_core(pids: set[int]) -> dict[int, float]:
    before = {pid: _processes.cpu(pid) for pid in pids}
    time.sleep(WATCHED)
    return {pid: (_processes.cpu(pid) - spent) / WATCHED * 100 for pid, spent in before.items()}
