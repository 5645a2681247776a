"""Two processes on one home and one database: one answers, one moves jobs along."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from lazur.testing.server import FINAL, Client, Server

JOB = {"command": "echo done", "environment": {"image": "python"}}


@pytest.mark.slow
class TestRoles:
    def test_the_one_answers_while_the_other_is_killed_and_comes_back(
        self, tmp_path: Path
    ) -> None:
        home = tmp_path / "home"
        answering = Server(home, role="api")
        answering.start()
        with contextlib.closing(answering.client()) as client:
            with moving(home) as loops:
                first = client.submit(JOB)
                assert ended(client, first) == "Completed"
                loops.kill()
            waiting = client.submit(JOB)
            assert client.get(waiting)["status"] not in FINAL
            with moving(home):
                assert ended(client, waiting) == "Completed"
            assert client.log(waiting) == "done\n"
        assert answering.stop() == 0

    def test_another_home_is_refused_the_database(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'shared.db'}"
        first = Server(tmp_path / "one", database=url)
        first.start()
        first.stop()
        with pytest.raises(AssertionError, match="belongs to another home"):
            Server(tmp_path / "two", database=url).start()


@contextlib.contextmanager
def moving(home: Path) -> Generator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "lazur.server.daemon", "--home", str(home), "--role", "loops"]
    with (home.parent / "loops.out").open("ab") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def ended(client: Client, name: str, patience: float = 60.0) -> str:
    until = time.monotonic() + patience
    while (status := client.get(name)["status"]) not in FINAL and time.monotonic() < until:
        time.sleep(0.05)
    return str(status)
