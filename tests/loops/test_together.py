"""Real threads: several loops, several servers, builds that take their time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lazur.engine.plan import Demand, Plan
from lazur.loops.base import Loop
from lazur.loops.builds import Builds
from lazur.loops.dispatch import Dispatch
from lazur.loops.gathering import Gathering
from lazur.loops.jobs import Jobs
from lazur.loops.sweepup import Sweepup
from lazur.services.assets import builds, environments
from lazur.services.jobs import jobs
from lazur.store.pages import Query
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, TestSite, call, open_site, submit

PATIENCE = 60.0


@contextmanager
def running(*sites: TestSite) -> Iterator[None]:
    loops: list[Loop] = []
    for site in sites:
        moving = Jobs(site)
        loops += [moving, Dispatch(site, moving), Builds(site), Sweepup(site)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in reversed(loops):
            loop.stop()


def wait_until(site: TestSite, happened: Callable[[], bool]) -> None:
    """Asked whenever somebody says that something changed, and now and then."""
    changed = threading.Event()
    for topic in ("job", "build", "due"):
        site.bus.listen(topic, lambda _topic, _key: changed.set())
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up, "it never happened"
        changed.wait(0.05)
        changed.clear()


class Instant(Engine):
    """Attempts are over as soon as they have begun."""

    def begin(self, plan: Plan) -> None:
        if plan.key not in self.attempts:
            super().begin(plan)
            self.run(plan.key)
            self.end(plan.key)


@pytest.fixture
def engine(clock: Clock) -> Engine:
    return Instant(clock, Demand(cpus=8))


class TestServers:
    def test_two_servers_share_200_jobs_and_start_none_twice(
        self, site: TestSite, ready_database_url: str, engine: Engine, builder: FakeBuilder
    ) -> None:
        other = open_site(site.home.path, ready_database_url, engine, builder)
        other.server = "other"
        names = [submit(site)["name"] for _ in range(200)]
        with running(site, other):
            wait_until(site, lambda: len(engine.begun) == 200)
            wait_until(site, lambda: _count(site, "Completed") == 200)
        assert set(engine.begun.values()) == {1}
        assert {key.split("/")[1] for key in engine.begun} == set(names)
        other.db.close()


class TestBuilds:
    def test_a_build_does_not_hold_up_another(self, site: TestSite, builder: FakeBuilder) -> None:
        slow = submit(site, name="slow", environment=_conda("slow"))
        assert slow["status"] == "Preparing"
        with running(site):
            assert builder.begun.wait(PATIENCE)
            submit(site, name="quick")
            wait_until(site, lambda: _status(site, "quick") == "Completed")
            assert _status(site, "slow") == "Preparing"
            builder.release.set()
            wait_until(site, lambda: _status(site, "slow") == "Completed")

    def test_a_canceled_build_ends_soon_and_so_do_the_jobs_that_wait(
        self, site: TestSite, builder: FakeBuilder
    ) -> None:
        submit(site, name="j", environment=_conda("slow"))
        with running(site):
            assert builder.begun.wait(PATIENCE)
            key = _builds(site)[0]["key"]
            call(site, builds.cancel, "default", key)
            wait_until(site, lambda: _status(site, "j") == "Failed")
        job = call(site, jobs.get, "default", "j", write=False)
        assert job["error"]["code"] == "BuildFailed"
        assert "canceled" in job["error"]["message"]
        assert _builds(site)[0]["status"] == "canceled"

    def test_a_server_that_stops_leaves_the_build_to_the_next(
        self, site: TestSite, builder: FakeBuilder
    ) -> None:
        submit(site, name="j", environment=_conda("slow"))
        with running(site):
            assert builder.begun.wait(PATIENCE)
        assert _builds(site)[0]["status"] in ("waiting", "building")
        assert _status(site, "j") == "Preparing"
        builder.release.set()
        with running(site):
            wait_until(site, lambda: _status(site, "j") == "Completed")

    def test_a_pruned_environment_goes(self, site: TestSite, builder: FakeBuilder) -> None:
        submit(site, name="j")
        with running(site):
            wait_until(site, lambda: _status(site, "j") == "Completed")
            call(site, environments.prune, {"older_than_days": 0, "max_bytes": 0})
            wait_until(site, lambda: not _builds(site))
        assert builder.made == {}


def _status(site: TestSite, name: str) -> str:
    return call(site, jobs.get, "default", name, write=False)["status"]


def _count(site: TestSite, status: str) -> int:
    query = Query(limit=1000, filters={"status": status})
    return len(call(site, jobs.find, "default", query, write=False)["value"])


def _builds(site: TestSite) -> list[dict[str, str]]:
    return call(site, builds.find, "default", Query(), write=False)["value"]


def _conda(package: str) -> dict[str, object]:
    return {
        "image": "python:3.11",
        "conda_file": {"dependencies": ["python=3.11", {"pip": [package]}]},
    }


class TestGathering:
    def test_one_look_answers_all_that_was_heard_meanwhile(self) -> None:
        looks: list[int] = []
        looked = threading.Event()

        def look(number: int) -> None:
            looks.append(number)
            looked.set()

        gathering = Gathering(look, 1.0)
        for number in (1, 2, 1, 1):
            gathering.hear(number)
        assert looks == []
        assert looked.wait(PATIENCE)
        looked.clear()
        gathering.hear(1)
        assert looked.wait(PATIENCE)
        give_up = time.monotonic() + PATIENCE
        while len(looks) < 3 and time.monotonic() < give_up:
            time.sleep(0.01)
        assert sorted(looks) == [1, 1, 2]

    def test_a_parent_with_many_steps_in_line_comes_to_its_end(
        self, site: TestSite, engine: Engine
    ) -> None:
        step = {"command": "true", "environment": {"image": "python"}}
        steps = {f"s{n}": {**step, "command": f"echo {n}"} for n in range(20)}
        steps["last"] = {**step, "command": "echo last", "depends_on": ["s0", "s19"]}
        with running(site):
            call(site, jobs.submit, "default", {"type": "pipeline", "name": "p", "jobs": steps})
            ended: set[str] = set()

            def all_ended() -> bool:
                for key in sorted(engine.attempts.keys() - ended):
                    ended.add(key)
                    engine.run(key)
                    engine.finalize(key)
                    engine.end(key)
                return bool(call(site, jobs.get, "default", "p")["status"] == "Completed")

            wait_until(site, all_ended)
        assert len(ended) == 21
