"""One run: clients submit, a seeded killer kills, and then everything is compared."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lazur.testing.server import FINAL, Server, W
from tests.chaos import rows
from tests.chaos.checker import Verdict, check, pids
from tests.chaos.ledger import JOB, STEPS, Ledger, pipeline
from tests.chaos.sweeps import check_sweeps, sweep


@dataclass(frozen=True)
class Weather:
    jobs: int
    server_kills: int
    job_kills: int
    cancels: int
    seed: int
    lines: tuple[int, int] = (5, 60)
    pause: float = 0.05
    clients: int = 4
    between: tuple[float, float] = (0.05, 1.5)
    pipelines: int = 0
    """Beside the jobs, of four steps each."""
    sweeps: int = 0
    trials: int = 20
    """Of each sweep."""
    nursery_kills: int = 0
    parallel: int = 0
    """Parallel jobs; and as many pipelines with a parallel step, and one that reads its rows."""
    row_kills: int = 0
    """Of supervisors, coordinators and workers of these."""


_STRIKES = 2
"""For one parallel job: three workers in a row that cannot begin would end it, rightly."""


@dataclass
class Report:
    weather: Weather
    verdict: Verdict
    back: list[float] = field(default_factory=list[float])
    """Seconds from the start of each new server to its first answer."""
    noticed: list[float] = field(default_factory=list[float])
    """Seconds from killing a job's process to the server saying that it failed, with the server
    up."""
    row_kills: int = 0
    """Of a job that had been struck often enough there are fewer than asked for."""
    seconds: float = 0.0


class Storm:
    def __init__(self, folder: Path, weather: Weather, **settings: str) -> None:
        self.weather = weather
        self.random = random.Random(weather.seed)
        self.ledger = Ledger(folder / "ledger")
        self.server = Server(folder / "home", **settings)
        self.report = Report(weather, Verdict())
        self._reader = ""
        self._folder = folder
        self._strikes = Counter[str]()

    def run(self) -> Report:
        began = time.monotonic()
        self.server.start()
        try:
            self._blow()
        finally:
            self.server.stop()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _blow(self) -> None:
        self._reader = self._token("reader", "Reader")
        acts = [partial(self._submit, number) for number in range(self.weather.clients)]
        acts += [self._submit_pipelines, self._submit_sweeps, *self._parallel_clients()]
        with ThreadPoolExecutor(len(acts)) as pool:
            clients = [pool.submit(act) for act in acts]
            self._kill_things()
            for client in clients:
                client.result()
        self._wait()
        self.server.stop()
        self.server.start()
        with contextlib.closing(self.server.client()) as client:
            self.report.verdict = check(self.ledger, client)
            check_sweeps(self.ledger, client, self.report.verdict)
            rows.check_rows(self.ledger, client, self.report.verdict)

    def _submit(self, number: int) -> None:
        client, dice = self.server.client(), random.Random(self.weather.seed * 100 + number)
        reader = self.server.client(self._reader)
        for _ in range(self.weather.jobs // self.weather.clients):
            lines, code = dice.randint(*self.weather.lines), dice.choice((0, 0, 0, 5))
            name = client.submit(
                {
                    "command": JOB,
                    "environment": {"image": "python"},
                    "environment_variables": {
                        "LEDGER": str(self.ledger.jobs),
                        "LINES_WANTED": lines,
                        "PAUSE": self.weather.pause,
                        "CODE": code,
                    },
                    "resources": {"properties": {"cpus": 1}},
                }
            )
            self.ledger.acknowledge(name, code, lines)
            assert reader.call("POST", f"{W}/jobs/{name}/cancel")[0] == 403
            self.ledger.refused.add(name)
        client.close()
        reader.close()

    def _submit_pipelines(self) -> None:
        dice = random.Random(self.weather.seed * 100 - 1)
        with contextlib.closing(self.server.client()) as client:
            for _ in range(self.weather.pipelines):
                codes = {step: dice.choice((0, 0, 0, 0, 0, 5)) for step in STEPS}
                name = client.submit(pipeline(self.ledger.jobs, codes))
                self.ledger.pipelines[name] = codes

    def _submit_sweeps(self) -> None:
        with contextlib.closing(self.server.client()) as client:
            for number in range(self.weather.sweeps):
                seed = self.weather.seed // 2 * 100 + number
                wanted = sweep(self.ledger.jobs, seed, self.weather.trials)
                self.ledger.sweeps[client.submit(wanted.spec)] = wanted

    def _parallel_clients(self) -> list[Callable[[], None]]:
        if not self.weather.parallel:
            return []
        task = rows.prepare(self.server, self._folder / "project", self.ledger.jobs)
        job = rows.job(task, self.ledger.jobs)
        steps = rows.pipeline(self.ledger.jobs)
        return [partial(self._submit_parallel, spec) for spec in (job, steps)]

    def _submit_parallel(self, spec: dict[str, Any]) -> None:
        """One after the other, so that one is at work whenever something is killed."""
        with contextlib.closing(self.server.client()) as client:
            for _ in range(self.weather.parallel):
                name = client.submit(spec)
                if spec["type"] == "pipeline":
                    self.ledger.rows[f"{name}_p"] = f"{name}_r"
                else:
                    self.ledger.rows[name] = None
                until = time.monotonic() + 300
                while client.get(name)["status"] not in FINAL and time.monotonic() < until:
                    time.sleep(0.3)

    def _token(self, name: str, role: str) -> str:
        asked = {"name": name, "role": role, "workspace": "default"}
        with contextlib.closing(self.server.client()) as client:
            status, made = client.call("POST", "/api/v1/tokens", asked)
        assert status == 201, made
        return str(made["token"])

    def _kill_things(self) -> None:
        weather = self.weather
        acts = (
            ["server"] * weather.server_kills
            + ["job"] * weather.job_kills
            + ["cancel"] * weather.cancels
            + ["nursery"] * weather.nursery_kills
            + ["row"] * weather.row_kills
        )
        self.random.shuffle(acts)
        for act in acts:
            time.sleep(self.random.uniform(*weather.between))
            getattr(self, f"_{act}")()

    def _server(self) -> None:
        self.server.kill()
        time.sleep(self.random.uniform(0, 0.3))
        self.report.back.append(self.server.start())

    def _nursery(self) -> None:
        """What forks supervisors."""
        children = Path(f"/proc/{self.server.pid}/task").glob("*/children")
        for pid in [int(p) for of_thread in children for p in of_thread.read_text().split()]:
            with contextlib.suppress(OSError):
                if b"--nursery" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def _job(self) -> None:
        """Kill a supervisor, the command, or both, as the out-of-memory killer would."""
        running: list[tuple[str, list[int]]] = []
        until = time.monotonic() + 10
        while not running and time.monotonic() < until:
            running = [
                (name, tree)
                for name, tree in self._processes().items()
                if len(tree) > 1 and name not in self.ledger.rows
            ]
            time.sleep(0.05)
        if not running:
            return
        name, tree = self.random.choice(running)
        victims = self.random.choice((tree[:1], tree[1:2], tree[:2]))
        self.ledger.struck.add(name)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        with contextlib.closing(self.server.client()) as client:
            while time.monotonic() - killed < 20:
                if client.get(name)["status"] in FINAL:
                    self.report.noticed.append(time.monotonic() - killed)
                    return
                time.sleep(0.05)

    def _row(self) -> None:
        """Kill one process of a parallel job, whichever it is: another goes on."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for name, tree in self._processes().items():
                if name in self.ledger.rows and self._strikes[name] < _STRIKES:
                    self._strikes[name] += 1
                    self.report.row_kills += 1
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.random.choice(tree), signal.SIGKILL)
                    return
            time.sleep(0.05)

    def _cancel(self) -> None:
        names = list(self._processes()) or [entry.name for entry in self.ledger.acknowledged[-3:]]
        if names:
            name = self.random.choice(names)
            self.ledger.canceled.add(name)
            with contextlib.closing(self.server.client()) as client:
                client.cancel(name)

    def _processes(self) -> dict[str, list[int]]:
        """Pids by job: the supervisor first, then what it started."""
        found: dict[str, list[int]] = {}
        folder = str(self.server.home / "jobs")
        for pid in sorted(map(int, pids())):
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                environ = Path(f"/proc/{pid}/environ").read_bytes()
                place = next((p for p in map(os.fsdecode, command) if p.startswith(folder)), None)
                if b"LAZUR_ATTEMPT=" in environ and os.fsencode(self.ledger.jobs) in environ:
                    name = environ.split(b"AZUREML_RUN_ID=")[1].split(b"\0")[0].decode()
                    found.setdefault(name, []).append(pid)
                elif place is not None:
                    found.setdefault(Path(place).parts[-2], []).insert(0, pid)
        return found

    def _wait(self, patience: float = 600.0) -> None:
        until = time.monotonic() + patience
        with contextlib.closing(self.server.client()) as client:
            while client.unfinished():
                assert time.monotonic() < until, "jobs are still waiting or running"
                time.sleep(0.3)
