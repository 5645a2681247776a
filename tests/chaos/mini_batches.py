"""Parallel jobs in a storm: the server is killed again and again, and so are workers, coordinators
and supervisors; then each row is counted, in the jobs' results and in a ledger of their own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lazur.sdk.client import connect
from lazur.sdk.source import read
from lazur.testing.server import Client, Server, W
from tests.chaos.checker import pids

SCRIPT = """\
import os, sys, time

def run(mini_batch):
    time.sleep(float(sys.argv[2]))
    names = [os.path.basename(path) for path in mini_batch]
    with open(os.path.join(sys.argv[1], os.environ["AZUREML_RUN_ID"]), "a") as file:
        file.write("".join(name + "\\n" for name in names))
    return names
"""
JOB = """\
type: parallel
inputs:
  files:
    type: uri_folder
    path: ./data
outputs:
  rows:
    type: uri_file
input_data: ${{{{inputs.files}}}}
mini_batch_size: "3"
max_concurrency_per_instance: 2
retry_settings:
  max_retries: 8
task:
  type: run_function
  code: ./src
  entry_script: score.py
  environment:
    image: python
  program_arguments: {ledger} {pause}
  append_row_to: ${{{{outputs.rows}}}}
"""


@dataclass(frozen=True)
class Weather:
    jobs: int
    server_kills: int
    job_kills: int
    seed: int
    rows: int = 300
    pause: float = 0.25
    """Seconds that a mini-batch of three rows takes."""
    between: tuple[float, float] = (0.05, 1.2)


@dataclass
class Verdict:
    jobs: int = 0
    rows: int = 0
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    unfinished: list[str] = field(default_factory=list[str])
    miscounted: list[str] = field(default_factory=list[str])
    left: list[int] = field(default_factory=list[int])
    again: int = 0
    """Rows that ran more than once, and count once."""

    @property
    def clean(self) -> bool:
        wrong = (self.lost, self.doubled, self.unfinished, self.miscounted, self.left)
        return not any(wrong)


class Storm:
    def __init__(self, folder: Path, weather: Weather) -> None:
        self.weather = weather
        self.random = random.Random(weather.seed)
        self.server = Server(folder / "home")
        self.ledger = folder / "ledger"
        self.struck: Counter[str] = Counter()
        self.thinned: Counter[str] = Counter()
        """Of how many workers each was robbed."""
        self._folder = folder
        self._names: list[str] = []

    def run(self) -> Verdict:
        self._write()
        self.server.start()
        source = read(self._folder / "job.yml")
        with connect(self.server.url, self.server.token, home=self.server.home) as person:
            self._names = [person.jobs.submit(source).name for _ in range(self.weather.jobs)]
        with contextlib.closing(self.server.client()) as client:
            for act in self._acts():
                time.sleep(self.random.uniform(*self.weather.between))
                act()
            self._wait(client)
            verdict = self._check(client)
        self.server.stop()
        verdict.left = [pid for pid, _ in self._processes()]
        return verdict

    def _write(self) -> None:
        self.ledger.mkdir()
        for folder in ("src", "data"):
            (self._folder / folder).mkdir()
        (self._folder / "src" / "score.py").write_text(SCRIPT)
        for number in range(self.weather.rows):
            (self._folder / "data" / f"f{number:03}").write_text(str(number))
        (self._folder / "job.yml").write_text(
            JOB.format(ledger=self.ledger, pause=self.weather.pause)
        )

    def _acts(self) -> Iterator[Callable[[], None]]:
        acts = [self._kill_server] * self.weather.server_kills
        acts += [self._kill_process] * self.weather.job_kills
        self.random.shuffle(acts)
        yield from acts

    def _kill_server(self) -> None:
        self.server.kill()
        time.sleep(self.random.uniform(0, 0.3))
        self.server.start()

    def _kill_process(self) -> None:
        """Of a job: no job is struck more often than it has attempts for, nor so often that three
        workers in a row could not begin, which ends it rightly."""
        found = [
            (pid, job, worker)
            for pid, job in self._processes()
            if self.struck[job] < 5 and not ((worker := _is_worker(pid)) and self.thinned[job] > 1)
        ]
        if found:
            pid, job, worker = self.random.choice(found)
            self.struck[job] += 1
            self.thinned[job] += worker
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _processes(self) -> list[tuple[int, str]]:
        """The supervisors, coordinators and workers that there are, with their jobs."""
        found: list[tuple[int, str]] = []
        for pid in map(int, pids()):
            with contextlib.suppress(OSError):
                environ = Path(f"/proc/{pid}/environ").read_bytes()
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                found += [(pid, n) for n in self._names if _is_of(n, environ, command)]
        return found

    def _wait(self, client: Client, patience: float = 600.0) -> None:
        until = time.monotonic() + patience
        while client.unfinished():
            assert time.monotonic() < until, "jobs are still waiting or running"
            time.sleep(0.3)

    def _check(self, client: Client) -> Verdict:
        verdict = Verdict(jobs=len(self._names))
        wanted = Counter(f"f{number:03}" for number in range(self.weather.rows))
        for name in self._names:
            job = client.get(name)
            if job["status"] != "Completed":
                verdict.unfinished.append(f"{name}: {job['status']} {job.get('error')}")
                continue
            found = Counter(self._rows(client, name))
            ran = Counter((self.ledger / name).read_text().split())
            verdict.rows += sum(found.values())
            verdict.again += sum(ran.values()) - len(ran)
            verdict.lost += [f"{name}: {row}" for row in wanted - found]
            verdict.lost += [f"{name}: {row} did not run" for row in wanted if not ran[row]]
            verdict.doubled += [f"{name}: {row}" for row in found - wanted]
            items = job["progress"]["items"]
            if (items["done"], items["failed"]) != (self.weather.rows, 0):
                verdict.miscounted.append(f"{name}: {json.dumps(job['progress'])}")
        return verdict

    def _rows(self, client: Client, name: str) -> list[str]:
        path = f"{W}/jobs/{name}/files"
        _, listed = client.call("GET", f"{path}?prefix=named-outputs")
        (file,) = (one["path"] for one in listed["value"] if one["path"].startswith("named-"))
        status, text = client.call("GET", f"{path}/{file}")
        assert status == 200, text
        return text.split() if isinstance(text, str) else [str(text)]


def _is_worker(pid: int) -> bool:
    try:
        return b"LAZUR_ROLE=worker\0" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _is_of(name: str, environ: bytes, command: bytes) -> bool:
    """A job's own processes are told its name; a supervisor has its folder as an argument."""
    told = os.fsencode(name)
    return b"AZUREML_RUN_ID=" + told + b"\0" in environ or b"/jobs/default/" + told in command
