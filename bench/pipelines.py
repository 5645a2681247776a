"""Pipelines, from outside: what a step costs beside a bare process, in a chain and in a fan-out,
and what it costs when it was done before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.harness import Result, Row, compare
from bench.jobs import running
from lazur.testing.server import FINAL, Client

QUICK = bool(os.environ.get("BENCH_QUICK"))
_CHAIN, _FAN, _REUSED, _LARGE = (10, 20, 50, 200) if QUICK else (20, 50, 100, 2000)
_STEP = {"command": "python -c pass", "environment": {"image": "python"}}


def measure() -> list[Result]:
    with running() as server:
        client = server.client()
        _run(client, pipeline({"warm": _STEP}))
        results = [chain(client), fan_out(client), seconds_each(client), reused(client)]
        return [*results, large(client, server.pid)]


def chain(client: Client) -> Result:
    """Each step waits for the one before: what is between two steps, and nothing beside it."""
    result = compare(
        f"A chain of {_CHAIN} no-op steps",
        {
            "the same Python processes, bare": lambda: bare(_CHAIN, 1),
            "lazur": lambda: _run(client, pipeline(chained(_CHAIN))),
        },
        rounds=3 if QUICK else 7,
        floor="the same Python processes, bare",
        goal="at most 40 ms a step over bare processes",
    )
    over = (result.rows[1].over or 0.0) / _CHAIN
    rows = [*result.rows, _figure("lazur, over bare, a step", over)]
    return Result(result.title, result.unit, rows, result.goal, over <= 0.04)


def fan_out(client: Client) -> Result:
    result = compare(
        f"A fan-out of {_FAN} no-op steps",
        {
            "the same Python processes, bare, two at a time": lambda: bare(_FAN, 2),
            "lazur": lambda: _run(client, pipeline(parallel(_FAN))),
        },
        rounds=3 if QUICK else 5,
        floor="the same Python processes, bare, two at a time",
        goal="at least 30 steps a second",
    )
    rate = _FAN / result.rows[1].median
    rows = [*result.rows, _figure("lazur, steps a second", rate)]
    return Result(result.title, result.unit, rows, result.goal, rate >= 30)


def seconds_each(client: Client) -> Result:
    count = 6 if QUICK else 20
    step = {**_STEP, "command": 'python -c "import time; time.sleep(1)"'}
    result = compare(
        f"A fan-out of {count} steps of a second each",
        {
            "the same Python processes, bare, two at a time": lambda: bare(
                count, 2, "import time; time.sleep(1)"
            ),
            "lazur": lambda: _run(client, pipeline(parallel(count, step))),
        },
        rounds=1 if QUICK else 3,
        warm_up=0,
        floor="the same Python processes, bare, two at a time",
        goal="at least 95 % of the bare rate",
    )
    share = result.rows[0].median / result.rows[1].median
    rows = [*result.rows, _figure("lazur, share of the bare rate", share)]
    return Result(result.title, result.unit, rows, result.goal, share >= 0.95)


def reused(client: Client) -> Result:
    """The second time nothing runs: each step is found, and given the outputs that are there."""
    spec = pipeline(chained(_REUSED, linked=True), force_rerun=False)
    _run(client, spec)
    samples = [_run(client, spec) for _ in range(3 if QUICK else 5)]
    median = sorted(samples)[len(samples) // 2]
    rows = [
        Row("submit to the end", median, min(samples), max(samples), None, None, samples),
        _figure("a step", median / _REUSED),
    ]
    title = f"A chain of {_REUSED} steps that were done before"
    return Result(title, "s", rows, "at most 1 s in all, 10 ms a step", median <= 1.0)


def large(client: Client, pid: int) -> Result:
    before = _memory(pid)
    began = time.perf_counter()
    name = client.submit(pipeline(parallel(_LARGE, {**_STEP, "command": "true"})))
    most = before
    while (
        client.call("GET", f"/api/v1/workspaces/default/jobs?name_contains={name}")[1]["value"][0][
            "status"
        ]
        not in FINAL
    ):
        most = max(most, _memory(pid))
        time.sleep(0.5)
    seconds = time.perf_counter() - began
    view = client.get(name)
    assert view["status"] == "Completed", view["error"]
    assert [step["status"] for step in view["steps"]] == ["Completed"] * _LARGE
    rows = [
        _figure("seconds", seconds),
        _figure("steps a second", _LARGE / seconds),
        _figure("growth of the server, MB", (most - before) / 1e6),
    ]
    title = f"A pipeline of {_LARGE} steps"
    return Result(title, "as named", rows, "correct, under 200 MB", (most - before) < 200e6)


def pipeline(steps: dict[str, Any], *, force_rerun: bool = True) -> dict[str, Any]:
    settings = {"force_rerun": force_rerun}
    return {"type": "pipeline", "jobs": steps, "settings": settings, "experiment_name": "bench"}


def chained(count: int, *, linked: bool = False) -> dict[str, Any]:
    """By order alone, or each with the output of the one before."""
    steps: dict[str, Any] = {}
    for number in range(count):
        step: dict[str, Any] = dict(_STEP)
        if linked:
            step["command"] = f"echo {number} > ${{{{outputs.out}}}}/{number}"
            step["outputs"] = {"out": {"type": "uri_folder"}}
        if number and linked:
            step["inputs"] = {"given": f"${{{{parent.jobs.s{number - 1}.outputs.out}}}}"}
        elif number:
            step["depends_on"] = [f"s{number - 1}"]
        steps[f"s{number}"] = step
    return steps


def parallel(count: int, step: dict[str, Any] = _STEP) -> dict[str, Any]:
    return {f"s{number}": step for number in range(count)}


def _run(client: Client, spec: dict[str, Any]) -> float:
    began = time.perf_counter()
    name = client.submit(spec)
    while (view := client.get(name))["status"] not in FINAL:
        time.sleep(0.05)  # the view of a pipeline is no small thing to ask for
    assert view["status"] == "Completed", view["error"]
    return time.perf_counter() - began


def bare(count: int, at_once: int, code: str = "pass") -> float:
    began = time.perf_counter()
    busy: list[subprocess.Popen[bytes]] = []
    for _ in range(count):
        if len(busy) == at_once:
            busy.pop(0).wait()
        busy.append(subprocess.Popen(["bash", "-c", f"{sys.executable} -c {code!r}"]))
    for process in busy:
        process.wait()
    return time.perf_counter() - began


def _memory(pid: int) -> float:
    with Path(f"/proc/{pid}/status").open() as file:
        found = next(line for line in file if line.startswith("VmRSS"))
    return float(found.split()[1]) * 1024


def _figure(name: str, value: float) -> Row:
    return Row(name, value, value, value, None, None, [value])
