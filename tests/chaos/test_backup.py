"""A server is backed up while jobs are submitted, run and log; what is restored agrees with the
ledger as it was when the backup began."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import FINAL, Client, Server, W
from tests.chaos.ledger import JOB, Ledger, Own

_MLFLOW = "/mlflow/workspaces/default/api/2.0/mlflow"
_ENDS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
_JOBS, _CLIENTS, _LINES = 12, 3, 12


class Busy:
    """Clients that submit, each its share."""

    def __init__(self, server: Server, ledger: Ledger) -> None:
        self._server = server
        self._ledger = ledger
        self._threads = [threading.Thread(target=self._submit, args=(n,)) for n in range(_CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _submit(self, number: int) -> None:
        with contextlib.closing(self._server.client()) as client:
            for _ in range(_JOBS):
                code = 5 if number == 1 else 0
                variables = {"LEDGER": str(self._ledger.jobs), "LINES_WANTED": _LINES}
                name = client.submit(
                    {
                        "command": JOB,
                        "environment": {"image": "python"},
                        "environment_variables": {**variables, "PAUSE": 0.05, "CODE": code},
                        "resources": {"properties": {"cpus": 1}},
                    }
                )
                self._ledger.acknowledge(name, code, _LINES)
                time.sleep(0.1)


@pytest.mark.slow
class TestBackup:
    @pytest.mark.parametrize("to", ["b", "b.tar"])
    def test_what_was_acknowledged_before_is_restored_and_nothing_is_half(
        self, tmp_path: Path, to: str
    ) -> None:
        ledger, server = Ledger(tmp_path / "ledger"), Server(tmp_path / "old" / "home")
        (tmp_path / "old").mkdir()
        server.start()
        busy = Busy(server, ledger)
        busy.start()
        _wait_for_some_ends(server)
        before = _told(server, ledger)
        _lazur(server.home, "backup", "--to", tmp_path / to)
        busy.join()
        _wait(server)
        server.stop()
        _lazur(server.home, "backup", "verify", tmp_path / to)
        _lazur(server.home, "restore", tmp_path / to, "--home", tmp_path / "new" / "home")
        restored = Server(tmp_path / "new" / "home")
        restored.start()
        try:
            _wait(restored)
            with contextlib.closing(restored.client()) as client:
                found = _check(client, before)
                assert client.call("GET", "/api/v1/audit/verify")[1]["whole"]
        finally:
            restored.stop()
        ended = [status for status, _ in before.values() if status in FINAL]
        assert ended
        assert len(before) <= found <= len(ledger.acknowledged) + _CLIENTS


def _told(server: Server, ledger: Ledger) -> dict[str, tuple[str, Own]]:
    """What was acknowledged by now: each job, its end where it has one, its points."""
    with contextlib.closing(server.client()) as client:
        names = [entry.name for entry in list(ledger.acknowledged)]
        return {name: (str(client.get(name)["status"]), ledger.own(name)) for name in names}


def _check(client: Client, before: dict[str, tuple[str, Own]]) -> int:
    """Returns how many jobs there are."""
    jobs = {job["name"]: job for job in _jobs(client)}
    assert set(before) <= set(jobs)
    for name, job in jobs.items():
        run = client.call("GET", f"{_MLFLOW}/runs/get?run_id={name}")[1]["run"]
        assert run["info"]["status"] == _ENDS[job["status"]], name
        if job["status"] == "Failed":
            assert client.get(name)["error"]["code"] in ("RunnerLost", "ExitCode"), name
    for name, (status, own) in before.items():
        if status in FINAL:
            assert jobs[name]["status"] == status
            assert _lines(client, name) == list(range(1, _LINES + 1))
        asked = f"{_MLFLOW}/metrics/get-history?run_id={name}&metric_key=line"
        points = [int(p["step"]) for p in client.call("GET", asked)[1].get("metrics", [])]
        assert set(own.points) <= set(points), name
    return len(jobs)


def _jobs(client: Client) -> Iterator[dict[str, Any]]:
    yield from client.call("GET", f"{W}/jobs?limit=1000&archived=all")[1]["value"]


def _lines(client: Client, name: str) -> list[int]:
    log = client.log(name)
    return [int(line.split()[1]) for line in log.splitlines() if line.startswith("line ")]


def _wait_for_some_ends(server: Server, patience: float = 120.0) -> None:
    until = time.monotonic() + patience
    with contextlib.closing(server.client()) as client:
        while sum(job["status"] in FINAL for job in _jobs(client)) < 5:
            assert time.monotonic() < until, "no job ends"
            time.sleep(0.1)


def _wait(server: Server, patience: float = 300.0) -> None:
    until = time.monotonic() + patience
    with contextlib.closing(server.client()) as client:
        while client.unfinished():
            assert time.monotonic() < until, "jobs are still waiting or running"
            time.sleep(0.3)


def _lazur(home: Path, *words: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lazur.cli", *map(str, words)],
        env={**os.environ, "LAZUR_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
