"""Ticks fire once, whatever happens to those who fire them."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lazur.errors import Unavailable
from lazur.loops.schedules import Schedules
from lazur.services.assets import assets
from lazur.services.base.access import Principal
from lazur.services.jobs import jobs
from lazur.services.people import tokens
from lazur.services.schedules import hooks, schedules
from lazur.store.pages import Query
from lazur.testing.fakes import Engine, FakeBuilder
from tests.effort import examples
from tests.faults import FAULTS, Fault, FaultyDatabase, Killed
from tests.site import Clock, TestSite, call, command, open_site

MIDNIGHT = 1_699_920_000.0
HOUR, DAY = 3600.0, 86400.0
QUARTERLY = {"type": "cron", "expression": "*/15 * * * *"}


@pytest.fixture
def clock() -> Clock:
    return Clock(MIDNIGHT)


def opened(folder: Path, url: str, clock: Clock, db: FaultyDatabase | None = None) -> TestSite:
    return open_site(folder, url, Engine(clock), FakeBuilder(str(folder / "envs")), db)


def cleo(site: TestSite) -> Principal:
    secret = call(site, tokens.issue, "cleo", "Owner", None)
    found = tokens.authenticator(site)("bearer", secret)
    assert found is not None
    return found


def make(site: TestSite, trigger: dict[str, Any], **more: Any) -> None:
    spec = {"trigger": trigger, "create_job": command(), **more}
    call(site, schedules.put, "default", "s", spec, who=cleo(site))


def runs(site: TestSite) -> list[dict[str, Any]]:
    found = call(site, schedules.runs, "default", "s", Query(limit=1000), write=False)
    return found["value"][::-1]


def made(site: TestSite) -> list[str]:
    found = call(site, jobs.find, "default", Query(limit=1000), write=False)
    return sorted(job["name"] for job in found["value"])


def look(site: TestSite) -> None:
    """One round of a server that has just been started, or was killed in it."""
    with contextlib.suppress(Killed, Unavailable):
        Schedules(site)._guarded()


class TestKills:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_each_tick_has_one_job_whichever_write_fails(
        self, home: Path, tmp_path: Path, clock: Clock, fault: Fault
    ) -> None:
        for number in range(1, 8):
            db = FaultyDatabase(f"sqlite:///{tmp_path}/{number}.db")
            site = opened(home / str(number), "", clock, db)
            make(site, QUARTERLY)
            clock.time += 900
            db.writes, db.fail_at, db.fault = 0, number, fault
            look(site)
            db.fail_at = 0
            for _ in range(3):
                look(site)
                clock.time += 61  # leases end, and what is tried again is due
            (run,) = runs(site)
            assert run["state"] == "fired"
            assert made(site) == [run["job"]]
            db.close()
            clock.time += 900 - clock.time % 900

    @pytest.mark.parametrize("fault", FAULTS)
    def test_each_event_has_one_job_whichever_write_fails(
        self, home: Path, tmp_path: Path, clock: Clock, fault: Fault
    ) -> None:
        for number in range(1, 5):
            db = FaultyDatabase(f"sqlite:///{tmp_path}/{number}.db")
            site = opened(home / str(number), "", clock, db)
            make(site, {"type": "event", "event": "data_updated"})
            data = {"name": "d", "type": "uri_file", "path": "https://a.example/x"}
            call(site, assets.create, "default", "data", data)
            db.writes, db.fail_at, db.fault = 0, number, fault
            look(site)
            db.fail_at = 0
            for _ in range(3):
                look(site)
                clock.time += 61
            assert [run["state"] for run in runs(site)] == ["fired"]
            assert len(made(site)) == 1
            db.close()


class TestTogether:
    def test_many_servers_at_once_fire_each_tick_once(
        self, home: Path, ready_database_url: str, clock: Clock
    ) -> None:
        site = opened(home, ready_database_url, clock)
        make(site, QUARTERLY)
        loops = [Schedules(site) for _ in range(4)]
        for _ in range(3):
            clock.time += 900
            threads = [threading.Thread(target=loop._guarded) for loop in loops]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for loop in loops:
            loop._guarded()
        assert Counter(run["state"] for run in runs(site)) == {"fired": 3}
        assert len(made(site)) == 3
        site.db.close()

    def test_one_request_that_is_made_at_once_by_many_has_one_job(
        self, home: Path, ready_database_url: str, clock: Clock
    ) -> None:
        site = opened(home, ready_database_url, clock)
        make(site, {"type": "webhook"})
        told: list[str] = []

        def ask() -> None:
            told.append(call(site, hooks.invoke, "default", "s", {}, "once")["job"])

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(told) == 4
        assert len(set(told)) == 1
        assert made(site) == [told[0]]
        site.db.close()


STEPS = st.lists(
    st.sampled_from([1.0, 60.0, 900.0, 900.0, 1800.0, HOUR, -HOUR, -900.0, 30 * DAY, -30 * DAY]),
    min_size=1,
    max_size=12,
)


class TestClock:
    def test_what_a_clock_that_was_ahead_wrote_down_does_not_wait_until_then(
        self, home: Path, tmp_path: Path, clock: Clock
    ) -> None:
        site = opened(home, f"sqlite:///{tmp_path}/l.db", clock)
        make(site, {"type": "event", "event": "data_updated"})
        clock.time += 30 * DAY
        data = {"name": "d", "type": "uri_file", "path": "https://a.example/x"}
        call(site, assets.create, "default", "data", data)
        clock.time -= 30 * DAY
        look(site)
        (run,) = runs(site)
        assert made(site) == [run["job"]]
        site.db.close()

    @given(steps=STEPS, catch_up=st.booleans())
    @settings(
        max_examples=examples(25),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_no_tick_fires_twice_however_the_clock_jumps(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[float], catch_up: bool
    ) -> None:
        folder, clock = tmp_path_factory.mktemp("clock"), Clock(MIDNIGHT)
        site = opened(folder / "home", f"sqlite:///{folder}/l.db", clock)
        make(site, {**QUARTERLY, **({"missed": "catch_up"} if catch_up else {})})
        loop = Schedules(site)
        for step in steps:
            clock.time = max(MIDNIGHT, clock.time + step)
            loop._guarded()
        found = runs(site)
        fired = [run["time"] for run in found if run["state"] == "fired"]
        assert len(fired) == len(set(fired)) == len(made(site))
        assert {run["state"] for run in found} <= {"fired", "skipped"}
        site.db.close()
