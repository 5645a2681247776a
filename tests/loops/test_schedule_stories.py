"""Random lives of schedules: time that passes and clocks that jump, servers that are killed at any
write, people who switch them off and on or fire them by hand, events. Each tick has one job or is
told as left out, and no job is there that no tick tells of."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from lazur.services.assets import assets
from lazur.services.jobs import jobs
from lazur.services.people import tokens
from lazur.services.schedules import hooks, schedules
from lazur.store.pages import Query
from lazur.testing.fakes import Engine, FakeBuilder
from tests.effort import examples
from tests.faults import FAULTS, FaultyDatabase
from tests.loops.test_schedules import DAY, HOUR, MIDNIGHT, look
from tests.site import Clock, call, command, open_site

QUARTER = 900.0
CLOCKED = {"type": "cron", "expression": "*/15 * * * *"}
TRIGGERS = {"clock": CLOCKED, "event": {"type": "event", "event": "data_updated"}}
NUMBERS = count()
NAMES = st.sampled_from(sorted(TRIGGERS))


class Stories(RuleBasedStateMachine):
    homes: Iterator[Path]
    ready: Path

    def __init__(self) -> None:
        super().__init__()
        folder = next(self.homes)
        self.clock = Clock(MIDNIGHT)
        shutil.copy(self.ready, folder / "l.db")
        self.db = FaultyDatabase(f"sqlite:///{folder}/l.db")
        builder = FakeBuilder(str(folder / "envs"))
        self.site = open_site(folder / "home", "", Engine(self.clock), builder, self.db)
        self.told = Counter[str]()
        """What schedules have to answer for, by what caused it."""
        self.is_on = dict.fromkeys(TRIGGERS, True)
        self.straight = True
        """Neither did the clock jump nor was the first one switched."""

    @initialize(catch_up=st.booleans())
    def begin(self, catch_up: bool) -> None:
        secret = call(self.site, tokens.issue, "cleo", "Owner", None)
        self.cleo = tokens.authenticator(self.site)("bearer", secret)
        for name, trigger in TRIGGERS.items():
            missed = {"missed": "catch_up"} if catch_up and name == "clock" else {}
            spec = {"trigger": {**trigger, **missed}, "create_job": command()}
            self._call(schedules.put, "default", name, spec)

    @rule(seconds=st.sampled_from([1.0, 60.0, QUARTER, QUARTER, 2 * QUARTER, HOUR, 5 * HOUR]))
    def time_passes(self, seconds: float) -> None:
        self.clock.time += seconds

    @rule(seconds=st.sampled_from([-HOUR, -QUARTER, 30 * DAY, -30 * DAY]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.clock.time = max(MIDNIGHT, self.clock.time + seconds)
        self.straight = False

    @rule(
        fault=st.sampled_from([None, None, *FAULTS]),
        write=st.integers(1, 7),
        again=st.booleans(),
    )
    def a_server_looks(self, fault: Any, write: int, again: bool) -> None:
        self.db.writes, self.db.fail_at, self.db.fault = 0, write if fault else 0, fault
        look(self.site)
        self.db.fail_at = 0
        if again:
            look(self.site)
        self._agrees()

    @rule(name=NAMES, on=st.booleans())
    def somebody_switches_one(self, name: str, on: bool) -> None:
        self._call(schedules.set_enabled, "default", name, enabled=on)
        self.straight &= name != "clock" or on == self.is_on[name]
        self.is_on[name] = on

    @rule(name=NAMES)
    def somebody_fires_one(self, name: str) -> None:
        self._call(hooks.trigger, "default", name, {})
        self.told["manual"] += 1

    @rule()
    def data_come(self) -> None:
        data = {"name": "d", "type": "uri_file", "path": f"https://a.example/{next(NUMBERS)}"}
        self._call(assets.create, "default", "data", data)
        self.told["event"] += self.is_on["event"]

    def teardown(self) -> None:
        """Once there is time enough for what was tried again, nothing is left in the middle."""
        try:
            if hasattr(self, "cleo"):
                for _ in range(8):
                    look(self.site)
                    self.clock.time += 65.0
                self._agrees()
                self._all_is_told()
        finally:
            self.db.close()

    def _agrees(self) -> None:
        runs = self._runs()
        fired = [run["job"] for run in runs if run["state"] == "fired"]
        assert sorted(fired) == self._jobs()
        by_time = [run["time"] for run in runs if run["job"] and run["trigger"] == "time"]
        assert len(by_time) == len(set(by_time)), "one moment fired twice"

    def _all_is_told(self) -> None:
        runs = self._runs()
        assert {run["state"] for run in runs} <= {"fired", "skipped"}, runs
        told = Counter[str]()
        for run in runs:
            told[run["trigger"]] += run.get("count", 1)
        assert told["manual"] == self.told["manual"]
        assert told["event"] == self.told["event"]
        if self.straight:
            passed = self.clock.time - 65.0 - MIDNIGHT
            assert told["time"] == int(passed // QUARTER), runs

    def _runs(self) -> list[dict[str, Any]]:
        query = Query(limit=1000)
        found = [self._call(schedules.runs, "default", name, query) for name in TRIGGERS]
        return [run for one in found for run in one["value"]]

    def _jobs(self) -> list[str]:
        found = self._call(jobs.find, "default", Query(limit=1000))
        return sorted(job["name"] for job in found["value"])

    def _call(self, service: Any, *args: Any, **more: Any) -> Any:
        return call(self.site, service, *args, who=self.cleo, **more)


def test_whatever_happens_each_tick_counts_once(
    tmp_path_factory: pytest.TempPathFactory, ready_file: Path
) -> None:
    class Here(Stories):
        homes = (tmp_path_factory.mktemp("stories") for _ in count())
        ready = ready_file

    calm = [HealthCheck.too_slow, HealthCheck.data_too_large]
    told = settings(
        max_examples=examples(20),
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=calm,
    )
    run_state_machine_as_test(Here, settings=told)
