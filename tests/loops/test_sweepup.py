"""What is swept away, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazur.loops.base import LONGEST_SLEEP
from lazur.loops.sweepup import Sweepup
from lazur.services.base.site import Keep
from lazur.testing.fakes import Engine
from tests.site import Clock, Server, TestSite, put_tree, submit

HOUR, DAY = 3600.0, 86400.0


@pytest.fixture
def sweepup(site: TestSite) -> Sweepup:
    return Sweepup(site)


class TestDrafts:
    def test_an_old_draft_goes_and_everything_else_stays(
        self, site: TestSite, clock: Clock, sweepup: Sweepup
    ) -> None:
        tree = put_tree(site, {"a": b"a"})
        kept = [
            aged(site.home.cache / "trees" / tree, clock.time - 9 * DAY),
            aged(site.home.cache / "trees" / f"{tree}.12.34", clock.time - 60),
        ]
        gone = [
            aged(site.home.cache / "trees" / f"{tree}.99.88", clock.time - 2 * DAY),
        ]
        sweepup.round()
        assert [path.exists() for path in kept] == [True] * 2
        assert [path.exists() for path in gone] == [False]


class TestEnvironments:
    def test_what_nobody_used_for_long_is_removed(
        self, site: TestSite, clock: Clock, sweepup: Sweepup
    ) -> None:
        site.keep = Keep(days=30)
        submit(site)
        _write(site, "UPDATE lazur_builds SET state = 'ready'")
        _write(site, "UPDATE lazur_jobs SET state = 'Completed', ended_at = 1")
        clock.time += 29 * DAY
        sweepup.round()
        assert _states(site) == ["ready"]
        clock.time += 2 * DAY
        sweepup.round()
        assert _states(site) == ["removing"]

    def test_what_a_job_waits_for_is_kept(
        self, site: TestSite, clock: Clock, sweepup: Sweepup
    ) -> None:
        site.keep = Keep(days=30)
        submit(site)
        _write(site, "UPDATE lazur_builds SET state = 'ready'")
        clock.time += 90 * DAY
        sweepup.round()
        assert _states(site) == ["ready"]


class TestAClockThatIsPutBack:
    """By hours, under a server that goes on."""

    def test_a_job_is_looked_at_now_and_not_in_hours(
        self, site: TestSite, clock: Clock, sweepup: Sweepup, engine: Engine
    ) -> None:
        submit(site, name="j")
        server = Server(site)
        server.settle()
        engine.run("default/j/1")
        server.settle()
        assert server.show("j")["status"] == "Running"
        engine._watchers.clear()  # the word is lost
        engine.end("default/j/1")
        clock.time -= 5 * HOUR
        server.settle()
        assert server.show("j")["status"] == "Running", "it was to be looked at later"
        heard: list[str] = []
        site.bus.listen("due", lambda _topic, key: heard.append(key))
        sweepup.round()
        assert "jobs" in heard
        server.settle()
        assert server.show("j")["status"] == "Completed"
        heard.clear()
        sweepup.round()
        assert heard == []

    def test_a_build_begins(self, site: TestSite, clock: Clock, sweepup: Sweepup) -> None:
        submit(site, name="j")
        clock.time -= 5 * HOUR
        server = Server(site)
        server.settle()
        assert _states(site) == ["waiting"]
        sweepup.round()
        server.settle()
        assert _states(site) == ["ready"]

    def test_what_is_due_soon_keeps_its_time_and_who_works_keeps_the_lease(
        self, site: TestSite, clock: Clock, sweepup: Sweepup
    ) -> None:
        submit(site, name="j")
        now = clock.time
        kept = (now + 179, "me-1", now + 60)
        _write(site, _LEASED.format(*kept))
        sweepup.round()
        assert _lease(site) == kept
        _write(site, _LEASED.format(now + 5000, "me-1", now + 5060))
        sweepup.round()
        assert _lease(site) == (now, "me-1", now + 60)
        _write(site, "UPDATE lazur_jobs SET due_at = NULL, lease_token = NULL, lease_until = NULL")
        sweepup.round()
        assert _lease(site) == (None, None, None), "what is not due is not made so"


_LEASED = "UPDATE lazur_jobs SET due_at = {}, lease_token = '{}', lease_until = {}"


def _lease(site: TestSite) -> tuple[float | None, str | None, float | None]:
    with site.db.read() as db:
        found = db.exec_driver_sql("SELECT due_at, lease_token, lease_until FROM lazur_jobs")
        return tuple(found.one())


def aged(folder: Path, at: float) -> Path:
    """A read-only folder with a file in it, last touched then."""
    folder.mkdir(parents=True)
    (folder / "file").touch()
    folder.chmod(0o500)
    os.utime(folder, (at, at))
    return folder


def _write(site: TestSite, statement: str) -> None:
    with site.db.write() as db:
        db.exec_driver_sql(statement)


def _states(site: TestSite) -> list[str]:
    with site.db.read() as db:
        return [row.state for row in db.exec_driver_sql("SELECT state FROM lazur_builds")]


class TestPace:
    def test_it_does_not_look_as_often_as_what_moves_jobs(self, sweepup: Sweepup) -> None:
        assert sweepup.round() == sweepup.longest > LONGEST_SLEEP
