"""The real command line, against a real server that it starts itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.ports import port_of

_PROGRAM = [sys.executable, "-m", "lazur.cli"]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    home: Path
    folder: Path

    def __call__(self, *words: str, given: str = "", **variables: str) -> Ran:
        done = subprocess.run(
            [*_PROGRAM, *words],
            input=given,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environ(variables),
            timeout=300,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """For commands that something is to happen to."""
        return subprocess.Popen(
            [*_PROGRAM, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environ({}),
            # A shell that runs the tests in the background has children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def ok(self, *words: str) -> Any:
        """The command's answer."""
        return self(*words).json()

    def job(self, command: str, **fields: Any) -> str:
        """Path of a job's file."""
        path = self.folder / "job.yml"
        spec = {"command": command, "environment": {"image": "python:3.11"}, **fields}
        path.write_text(json.dumps(spec))
        return str(path)

    def pid(self) -> int:
        return json.loads((self.home / "server.json").read_text())["pid"]

    def _environ(self, variables: dict[str, str]) -> dict[str, str]:
        mine = {"LAZUR_HOME": str(self.home), "LAZUR_PORT": str(port_of(self.home))}
        return {**os.environ, **mine, "COLUMNS": "100", **variables}


@pytest.fixture(scope="session")
def server_home(_persons: Path) -> Iterator[Path]:
    home = _persons / "cli" / ".lazur"
    home.parent.mkdir()
    yield home
    stop(home)


@pytest.fixture
def lazur(server_home: Path, tmp_path: Path) -> Cli:
    """Runs commands in an empty folder; the first one starts the server that all tests share."""
    return Cli(server_home, tmp_path)


@pytest.fixture
def alone(home: Path, tmp_path: Path) -> Iterator[Cli]:
    """As `lazur`, with a home of its own, where no server runs yet."""
    yield Cli(home, tmp_path)
    stop(home)


def stop(home: Path) -> None:
    try:
        pid = json.loads((home / "server.json").read_text())["pid"]
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while (home / "server.json").exists():
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.02)
    except (FileNotFoundError, ProcessLookupError):
        return
