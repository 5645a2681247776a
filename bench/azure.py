"""Azure's own client against Lazur, beside our SDK: the same things asked of the same server, in
turns. How long each takes, how many requests it sends, and how long the server is at them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.harness import Result, Row, compare
from lazur.testing.server import Server
from tests.parity import clients

QUICK = bool(os.environ.get("BENCH_QUICK"))
ROUNDS = 3 if QUICK else 15
_MOST_REQUESTS, _MOST_SECONDS = 12, 0.3
_LINE = re.compile(r" (?:GET|HEAD|PUT|POST|PATCH) (\S+) \d+ ([\d.]+)ms$")
_ASIDE = "/metadata/endpoints"
"""A file that the client fetches again and again, since it forgets it."""

_AZURE = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import Environment
from azure.identity import DefaultAzureCredential
client = MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"],
                  os.environ["AZURE_RESOURCE_GROUP"], "default")
def create():
    job = command(code="src", command="python main.py", environment=Environment(image="python"),
                  compute="local", experiment_name="bench")
    return client.jobs.create_or_update(job).name
"""
_OURS = """
import json, os, sys, time
import lazur
client = lazur.connect(workspace="default")
def create():
    job = lazur.command(code="src", command="python main.py",
                        environment={"image": "python"}, experiment_name="bench")
    return client.jobs.create_or_update(job).name
"""
_LOOP = """
names = []
def do(what):
    if what == "create":
        names.append(create())
    elif what == "get":
        client.jobs.get(names[-1])
    else:
        sum(1 for _, _ in zip(range(20), client.jobs.list()))
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    do(line.strip())
    print(json.dumps(time.perf_counter() - began), flush=True)
"""


def measure() -> list[Result]:
    python = clients.python(clients.NEWEST)
    if python is None:
        sys.exit("azure-ai-ml is not installed: make azure-clients")
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as folder:
        place = Path(folder)
        _code(place / "src")
        server = Server(place / "home")
        server.start()
        try:
            return _measured(server, python, place)
        finally:
            server.stop()


def _measured(server: Server, python: Path, place: Path) -> list[Result]:
    ours = {**os.environ, "LAZUR_HOME": str(server.home)}
    told = subprocess.run(
        [sys.executable, "-m", "lazur.cli", "azure", "env", "--json"],
        env=ours,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = {"PATH": os.environ["PATH"], "HOME": str(place), **json.loads(told.stdout)}
    azure = Asked([str(python), "-c", _AZURE + _LOOP], theirs, place)
    sdk = Asked([sys.executable, "-c", _OURS + _LOOP], ours, place)
    try:
        for client in (azure, sdk):
            client("create")
        log = server.home / "logs" / "server.log"
        times = [
            compare(
                f"jobs.{what}",
                {"our SDK": _work(sdk, what), "Azure's client": _work(azure, what)},
                rounds=ROUNDS,
                floor="our SDK",
            )
            for what in ("create", "get", "list")
        ]
        return [*times, *_served(azure, log)]
    finally:
        azure.end()
        sdk.end()


def _served(azure: Asked, log: Path) -> list[Result]:
    """What a small job with unchanged code asks of the server."""
    counts: list[float] = []
    seconds: list[float] = []
    for _ in range(ROUNDS):
        begin = log.stat().st_size
        azure("create")
        with log.open() as file:
            file.seek(begin)
            found = [match for line in file if (match := _LINE.search(line.rstrip()))]
        asked = [float(match[2]) / 1000 for match in found if match[1] != _ASIDE]
        counts.append(len(asked))
        seconds.append(sum(asked))
    return [
        _result("Requests of jobs.create, code unchanged", "", counts, _MOST_REQUESTS),
        _result("Server's time for jobs.create", "s", seconds, _MOST_SECONDS),
    ]


def _result(title: str, unit: str, samples: list[float], most: float) -> Result:
    ordered = sorted(samples)
    median = ordered[len(ordered) // 2]
    row = Row("Azure's client", median, ordered[0], ordered[-1], None, None, samples)
    return Result(title, unit, [row], f"at most {most}", median <= most)


class Asked:
    """A client that stays, so that its imports are no part of what is measured."""

    def __init__(self, argv: list[str], environ: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            argv,
            env=environ,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._next()

    def __call__(self, what: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return float(self._next())

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _next(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a client of this benchmark failed")
        return line if line.startswith("ready") else json.loads(line)


def _work(client: Asked, what: str) -> Callable[[], float]:
    return lambda: client(what)


def _code(folder: Path) -> None:
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    for number in range(4):
        (folder / f"part{number}.py").write_text("x = 1\n" * 200)
