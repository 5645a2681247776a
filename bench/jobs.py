"""Jobs, from outside: how soon the first line of user code runs, and how many no-op jobs a
second."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Generator
from typing import Any

from bench.harness import Result, Row, compare, folder, percentile
from lazur.testing.server import FINAL, Client, Server

QUICK = bool(os.environ.get("BENCH_QUICK"))
_CLOCK = 'python -c "import time; print(time.time(), flush=True)"'


def measure() -> list[Result]:
    with running() as server:
        client = server.client()
        finished(
            client, client.submit(_job("true"))
        )  # the environment is built, everything is warm
        return [first_line(server), *many(server)]


def first_line(server: Server) -> Result:
    """Submit to the first line of user code, beside starting the same Python bare."""
    client = server.client()
    python = finished(client, client.submit(_job("python -c 'import sys; print(sys.executable)'")))

    def ours() -> float:
        began = time.time()
        name = client.submit(_job(_CLOCK))
        finished(client, name)
        return float(client.log(name)) - began

    def bare() -> float:
        began = time.time()
        argv = [client.log(python).strip(), "-c", "import time; print(time.time(), flush=True)"]
        return float(subprocess.run(argv, check=True, capture_output=True).stdout) - began

    def whole() -> float:
        began = time.perf_counter()
        finished(client, client.submit(_job("true")))
        return time.perf_counter() - began

    result = compare(
        "Submit to the first line of user code, warm",
        {
            "the same Python, bare": bare,
            "lazur": ours,
            "a no-op job from submit to its end": whole,
        },
        rounds=5 if QUICK else 31,
        floor="the same Python, bare",
        goal="at most 100 ms over the floor",
    )
    over = result.rows[1].over or 0.0
    return Result(result.title, result.unit, result.rows, result.goal, over <= 0.1)


def many(server: Server) -> list[Result]:
    """1,000 no-op jobs from eight clients: acknowledged, and run to the end."""
    count, clients = (100 if QUICK else 1000), 8
    slowest: list[float] = []

    def submit() -> None:
        client = server.client()
        for _ in range(count // clients):
            began = time.perf_counter()
            client.submit(_job("true"))
            slowest.append(time.perf_counter() - began)
        client.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=submit) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    acknowledged = time.perf_counter() - began
    client = server.client()
    while client.unfinished():
        time.sleep(0.1)
    ended = time.perf_counter() - began
    spawned = _spawn_bare(count)
    return [
        Result(
            f"{count} no-op jobs from {clients} clients",
            "1/s",
            [
                rate("submits acknowledged, while jobs run", count / acknowledged),
                rate("jobs, submit to recorded end", count / ended),
                rate("floor: the same processes started bare, two at a time", count / spawned),
            ],
            "200 submits and 30 jobs a second",
            count / acknowledged >= 200 and count / ended >= 30,
        ),
        Result(
            "One submit while jobs run",
            "s",
            [rate("median", percentile(slowest, 50)), rate("p99", percentile(slowest, 99))],
        ),
    ]


@contextlib.contextmanager
def running(**settings: str) -> Generator[Server]:
    server = Server(folder() / "home", **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _spawn_bare(count: int) -> float:
    began = time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(count):
        if len(running) == 2:
            running.pop(0).wait()
        running.append(subprocess.Popen(["bash", "-c", "true"]))
    for process in running:
        process.wait()
    return time.perf_counter() - began


def _job(command: str) -> dict[str, Any]:
    return {"command": command, "environment": {"image": "python"}, "experiment_name": "bench"}


def finished(client: Client, name: str, every: float = 0.005) -> str:
    while client.get(name)["status"] not in FINAL:
        time.sleep(every)
    return name


def rate(name: str, value: float) -> Row:
    return Row(name, value, value, value, None, None, [value])
