"""What is swept away, and what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazur.loops.base import LONGEST_SLEEP
from lazur.loops.sweepup import Sweepup
from lazur.services.base.site import Keep
from tests.site import Clock, TestSite, put_tree, submit

DAY = 86400.0


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
