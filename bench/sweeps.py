"""Sweeps, from outside: many no-op trials beside the same processes started bare, and how soon a
trial is stopped after the report that decides."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from bench.harness import Result, compare
from bench.jobs import finished, rate, running
from lazur.testing.server import Client, W

QUICK = bool(os.environ.get("BENCH_QUICK"))
_TRIALS = 20 if QUICK else 200
_LOOK = 1.0
"""Seconds: each look at a sweep reads all its trials, which is work of the server's, too."""
_STOPPED = 3 if QUICK else 15
_WARM = {"command": "true", "environment": {"image": "python"}, "experiment_name": "bench"}
_WHICH = "import sys; print(sys.executable)"
_REPORT = """
import json, os, signal, sys, time, urllib.request
def report(value):
    body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "m", "value": value, "step": 0}
    urllib.request.urlopen(urllib.request.Request(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric",
        json.dumps({**body, "timestamp": int(time.time() * 1000)}).encode(),
        {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"],
         "Content-Type": "application/json"})).read()
number = int(sys.argv[1])
report(1.0 if number == 0 else 0.1)
if number:
    began = time.time()
    def end(*_):
        print(time.time() - began, flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    time.sleep(60)
"""


def measure() -> list[Result]:
    with running() as server:
        client = server.client()
        finished(client, client.submit(_WARM))
        return [_many(client), _stopping(client)]


def _many(client: Client) -> Result:
    python = finished(client, client.submit({**_WARM, "command": f"python -c '{_WHICH}'"}))
    program = client.log(python).strip()
    law = {"type": "randint", "upper": 9}

    def ours() -> float:
        """To the end that the server wrote down: who looks now and then sees it later."""
        began = time.time()
        name = client.submit(_sweep("python -c pass", "random", _TRIALS, 2, law))
        finished(client, name, every=_LOOK)
        _, body = client.call("GET", f"{W}/jobs/{name}/trials")
        assert [t["status"] for t in body["value"]] == ["Completed"] * _TRIALS
        return datetime.fromisoformat(client.get(name)["ended_at"]).timestamp() - began

    result = compare(
        f"A sweep of {_TRIALS} no-op trials, 2 at a time",
        {"the same processes, bare": lambda: _bare(program), "lazur, whole sweep": ours},
        rounds=1 if QUICK else 5,
        warm_up=0,
        floor="the same processes, bare",
        goal="at most 2.5 times the bare loop",
    )
    return replace(result, met=(result.rows[1].ratio or 0.0) <= 2.5)


def _bare(python: str) -> None:
    """As a job's command is started: by bash."""
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(_TRIALS):
        if len(running) == 2:
            running.pop(0).wait()
        running.append(subprocess.Popen(["bash", "-c", f"{python} -c pass"]))
    for process in running:
        process.wait()


def _stopping(client: Client) -> Result:
    """The first trial is the best there is; each other is stopped by its first report."""
    command = f"python -c {_quoted(_REPORT)} ${{{{search_space.n}}}}"
    space = {"type": "choice", "values": list(range(_STOPPED + 1))}
    sweep = _sweep(command, "grid", _STOPPED + 1, 1, space)
    sweep["early_termination"] = {"type": "bandit", "slack_factor": 0.1}
    name = finished(client, client.submit(sweep))
    samples = [float(client.log(f"{name}_{n}")) for n in range(1, _STOPPED + 1)]
    samples.sort()
    title = "From the report that decides to the signal that ends the trial"
    rows = [rate("median", samples[len(samples) // 2]), rate("slowest", samples[-1])]
    return Result(title, "s", rows, "two seconds", samples[-1] <= 2)


def _sweep(
    command: str, algorithm: str, total: int, at_once: int, law: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "sweep",
        "experiment_name": "bench",
        "trial": {"command": command, "environment": {"image": "python"}},
        "sampling_algorithm": algorithm,
        "search_space": {"n": law},
        "objective": {"goal": "maximize", "primary_metric": "m"},
        "limits": {"max_total_trials": total, "max_concurrent_trials": at_once},
    }


def _quoted(program: str) -> str:
    return "'" + program.replace("'", '"') + "'"
