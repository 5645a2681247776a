"""Pipelines of real processes, on a server that is killed in the middle: every step runs once."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import FINAL, Client, Server, W

pytestmark = pytest.mark.slow

ENVIRONMENT = {"image": "python:3.11"}


def step(said: str, *needs: str, **more: Any) -> dict[str, Any]:
    """Notes that it ran, in a file beside the server, and takes what it needs."""
    inputs = {f"from_{name}": f"${{{{parent.jobs.{name}.outputs.o}}}}" for name in needs}
    takes = "".join(f"cat ${{{{inputs.{name}}}}}/text; " for name in inputs)
    gives = f"echo {said} > ${{{{outputs.o}}}}/text"
    return {
        "command": f"echo {said} >> $LEDGER; {takes}sleep 0.1; {gives}",
        "environment": ENVIRONMENT,
        "environment_variables": {"LEDGER": "${{parent.inputs.ledger}}"},
        "inputs": inputs,
        "outputs": {"o": None},
        "is_deterministic": False,
        **more,
    }


def failing(said: str, allowed: Path, **more: Any) -> dict[str, Any]:
    """Until somebody mends it."""
    made = step(said, **more)
    return {**made, "command": f"echo {said} >> $LEDGER; test -e {allowed}", "outputs": {}}


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "home")
        self.server.start()
        self.client: Client = self.server.client()

    def submit(self, steps: dict[str, Any], **more: Any) -> str:
        inputs = {"ledger": str(self.folder / "ledger")}
        return self.client.submit({"type": "pipeline", "jobs": steps, "inputs": inputs, **more})

    def wait(self, name: str, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        until = time.monotonic() + 120
        while (job := self.client.get(name))["status"] not in FINAL:
            assert time.monotonic() < until, job["steps"]
            meanwhile()
            time.sleep(0.05)
        return job

    def retry(self, name: str) -> dict[str, Any]:
        status, made = self.client.call("POST", f"{W}/jobs/{name}/retry")
        assert status == 201, made
        return self.wait(made["name"])

    def ran(self) -> Counter[str]:
        return Counter((self.folder / "ledger").read_text().split())

    def die(self) -> None:
        self.server.kill()
        self.server.start()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.client.close()
    made.server.stop()


def nested(*names: str) -> dict[str, Any]:
    """A pipeline within, of steps one after another; its last output is its own."""
    steps: dict[str, Any] = {}
    for before, name in zip((None, *names), names, strict=False):
        steps[name] = step(name, *([before] if before else []))
    steps[names[-1]]["outputs"] = {"o": "${{parent.outputs.o}}"}
    return {
        "type": "pipeline",
        "inputs": {"ledger": "${{parent.inputs.ledger}}"},
        "outputs": {"o": {"type": "uri_folder"}},
        "jobs": steps,
    }


class TestNested:
    def test_it_runs_through_all_levels(self, site: Site) -> None:
        steps = {"a": step("a"), "n": nested("b", "c"), "d": step("d", "a", "n")}
        job = site.wait(site.submit(steps))
        assert job["status"] == "Completed", job
        assert site.ran() == dict.fromkeys("abcd", 1)
        assert site.client.log(f"{job['name']}_d") == "a\nc\n"


class TestFailure:
    @pytest.mark.parametrize("goes_on", [True, False])
    def test_the_settings_say_what_becomes_of_the_rest(self, site: Site, goes_on: bool) -> None:
        lasts = 1 if goes_on else 600
        steps = {
            "bad": failing("bad", site.folder / "mended"),
            "long": {**step("long"), "command": f"echo long >> $LEDGER; sleep {lasts}"},
            "after": step("after", depends_on=["bad"]),
            "handler": step("handler", on_failure=["bad"]),
        }
        settings = {"continue_on_step_failure": goes_on}
        job = site.wait(site.submit(steps, settings=settings))
        ended = {one["name"]: one["status"] for one in job["steps"]}
        assert job["status"] == "Failed"
        assert job["error"]["message"].startswith("step bad failed")
        assert ended["after"] == "NotRun"
        assert ended["handler"] == "Completed"
        assert ended["long"] == ("Completed" if goes_on else "Canceled")

    def test_mended_it_goes_on_from_there(self, site: Site) -> None:
        mended = site.folder / "mended"
        inner = nested("b", "c")
        inner["jobs"]["bad"] = failing("bad", mended)
        steps = {"a": step("a"), "n": inner, "d": step("d", "a", "n")}
        job = site.wait(site.submit(steps))
        assert job["status"] == "Failed"
        mended.touch()
        again = site.retry(job["name"])
        assert again["status"] == "Completed", again
        assert site.ran() == {"a": 1, "b": 1, "c": 1, "bad": 2, "d": 1}


class TestKilled:
    def test_each_step_runs_once_whatever_is_killed(self, site: Site) -> None:
        chain = {f"s{n}": step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(8)}
        fan = {f"f{n}": step(f"f{n}") for n in range(6)}
        steps = {**chain, **fan, "n": nested("b", "c", "d")}
        dice, kills = random.Random(5), iter(range(6))
        name = site.submit(steps)

        def kill() -> None:
            if dice.random() < 0.5 and next(kills, None) is not None:
                site.die()

        job = site.wait(name, kill)
        assert job["status"] == "Completed", job
        assert site.ran() == dict.fromkeys([*chain, *fan, *"bcd"], 1)
        with contextlib.closing(site.server.client()) as client:
            found = client.call("GET", f"{W}/jobs?parent={name}&limit=100")[1]["value"]
        assert len(found) == len(steps)
