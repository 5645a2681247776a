"""A clock that jumps under a real server: each tick fires once or is told as left out, and nothing
that runs is given up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import FINAL, Client, Server, W

pytestmark = pytest.mark.slow

HOUR, MONTH = 3600.0, 30 * 86400.0
HOURLY = {"type": "cron", "expression": "0 * * * *"}
JOB = {"type": "command", "environment": {"image": "python"}}
ANOTHER_CLOCK = """\
import os, time

real, file = time.time, os.environ["CLOCK_IS_OFF_BY"]

def moment():
    with open(file) as off:
        return real() + float(off.read())

time.time = moment
time.time_ns = lambda: int(moment() * 1e9)
"""
"""Python runs `sitecustomize` before anything else, in the server and in what it starts."""


class Site:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "clock").mkdir()
        (folder / "clock" / "sitecustomize.py").write_text(ANOTHER_CLOCK)
        self._off = folder / "off"
        self.now = time.time()
        monkeypatch.setenv("PYTHONPATH", str(folder / "clock"), prepend=":")
        monkeypatch.setenv("CLOCK_IS_OFF_BY", str(self._off))
        self.server = Server(folder / "home")
        self.server.start()
        self.client: Client = self.server.client()

    @property
    def now(self) -> float:
        return time.time() + float(self._off.read_text())

    @now.setter
    def now(self, moment: float) -> None:
        draft = self._off.with_suffix(".new")
        draft.write_text(repr(moment - time.time()))
        draft.replace(self._off)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.client.call(method, f"{W}/{path}", body)
        assert status < 300, answer
        return answer

    def runs(self, state: str) -> list[dict[str, Any]]:
        found = self.call("GET", "schedules/hourly/runs")["value"]
        assert {run["state"] for run in found} <= {"due", "fired", "skipped"}, found
        return [run for run in reversed(found) if run["state"] == state]

    def fired(self) -> list[float]:
        return [datetime.fromisoformat(run["time"]).timestamp() for run in self.runs("fired")]

    def pass_to(self, moment: float) -> None:
        """As time does: a loop that sleeps for a while looks again after ten seconds."""
        self.now = moment - 2
        time.sleep(2 + 11)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(tmp_path, monkeypatch)
    yield made
    made.client.close()
    made.server.stop()


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 180
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
    return found


class TestJumps:
    def test_each_tick_fires_once_or_is_left_out_and_what_runs_goes_on(self, site: Site) -> None:
        noon = (site.now // HOUR + 2) * HOUR
        site.now = noon - 20
        ledger = site.folder / "ledger"
        long = {**JOB, "command": f"echo began >> {ledger}; sleep 45; echo ended >> {ledger}"}
        running = site.call("POST", "jobs", long)["name"]
        create = {**JOB, "command": "true"}
        site.call("PUT", "schedules/hourly", {"trigger": HOURLY, "create_job": create})
        until(lambda: site.fired() == [noon])

        site.pass_to(noon - HOUR + 60)
        assert site.fired() == [noon], "put back, it fires nothing"
        site.pass_to(noon)
        assert site.fired() == [noon], "nor does it when that hour comes again"

        later = noon + MONTH
        site.now = later - 60
        until(lambda: site.runs("skipped"))
        site.server.kill()
        site.server.start()
        site.now = later - 2
        until(lambda: site.fired() == [noon, later])
        (skipped,) = site.runs("skipped")
        assert skipped["count"] == MONTH / HOUR - 1, "all between, in one line"

        site.server.kill()
        site.now = later - HOUR
        site.server.start()
        site.pass_to(later)
        assert site.fired() == [noon, later], "nor does another server fire what has fired"

        job = until(lambda: (j := site.client.get(running))["status"] in FINAL and j)
        assert (job["status"], job["attempt"]) == ("Completed", 1)
        assert Counter(ledger.read_text().split()) == {"began": 1, "ended": 1}
        jobs = [run["job"] for run in site.runs("fired")]
        until(lambda: [site.client.get(name)["status"] for name in jobs] == ["Completed"] * 2)
