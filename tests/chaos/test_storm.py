"""`make chaos` is the long storm; a short one runs with the slow tests."""

from __future__ import annotations

import os
import random
import statistics
from pathlib import Path

import pytest

from tests.chaos.storm import Report, Storm, Weather

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARK = "<!-- chaos -->", "<!-- /chaos -->"
COMPOSITE = "<!-- composite -->", "<!-- /composite -->"


@pytest.mark.slow
class TestShortStorm:
    def test_nothing_acknowledged_is_lost(self, tmp_path: Path) -> None:
        weather = Weather(
            jobs=40,
            server_kills=6,
            job_kills=4,
            cancels=3,
            seed=_seed(),
            lines=(3, 20),
            pause=0.05,
            pipelines=6,
            sweeps=2,
            trials=8,
            nursery_kills=6,
            parallel=1,
            row_kills=3,
        )
        report = Storm(tmp_path, weather).run()
        print(_text(report))
        assert report.verdict.clean, report.verdict


@pytest.mark.chaos
class TestLongStorm:
    def test_a_hundred_kills_over_five_hundred_jobs(self, tmp_path: Path) -> None:
        weather = Weather(
            jobs=500,
            server_kills=100,
            job_kills=40,
            cancels=20,
            seed=_seed(),
            pipelines=60,
            nursery_kills=40,
        )
        report = Storm(tmp_path, weather).run()
        print(_text(report))
        _write_down(report, MARK)
        assert report.verdict.clean, report.verdict


@pytest.mark.chaos
class TestCompositeStorm:
    def test_fifty_kills_over_pipelines_sweeps_and_parallel_jobs(self, tmp_path: Path) -> None:
        weather = Weather(
            jobs=0,
            server_kills=50,
            job_kills=10,
            cancels=5,
            seed=_seed(),
            pipelines=60,
            sweeps=10,
            nursery_kills=10,
            parallel=8,
            row_kills=15,
        )
        report = Storm(tmp_path, weather).run()
        print(_text(report))
        _write_down(report, COMPOSITE)
        assert report.verdict.clean, report.verdict


def _seed() -> int:
    """Printed with the report: give it back as CHAOS_SEED to have the same storm again."""
    return int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))


def _text(report: Report) -> str:
    weather, verdict = report.weather, report.verdict
    rows = [
        *_if(weather.jobs, ("jobs acknowledged", verdict.jobs)),
        *_if(weather.pipelines, ("pipelines of four steps acknowledged", verdict.pipelines)),
        *_if(
            weather.sweeps,
            ("sweeps acknowledged, their trials", f"{verdict.sweeps}, {verdict.trials}"),
            ("trials that a policy stopped, each rightly", verdict.stopped),
        ),
        *_if(
            weather.parallel,
            ("parallel jobs and steps acknowledged", verdict.parallel),
            ("rows in the results of those that nobody canceled", verdict.rows),
            ("rows that ran again, and count once", verdict.again),
        ),
        ("kill -9 of the server", weather.server_kills),
        ("kill -9 of supervisors and commands", weather.job_kills),
        *_if(weather.parallel, ("kill -9 of processes of parallel jobs", report.row_kills)),
        ("cancels", weather.cancels),
        ("lost", len(verdict.lost)),
        ("started twice", len(verdict.twice)),
        ("with a wrong end", len(verdict.wrong)),
        *_if(
            weather.jobs,
            ("log lines compared", verdict.lines),
            ("logs with a line missing, doubled or out of order", len(verdict.logs)),
        ),
        ("acknowledged points of metrics compared", verdict.points),
        ("runs with a point missing or another end than their job", len(verdict.runs)),
        ("rows of the audit log verified", verdict.audited),
        ("changes and refusals missing or doubled there", len(verdict.audit)),
        ("processes left over", len(verdict.left)),
        ("API back after a kill, median and worst, s", _spread(report.back)),
        ("killed job or supervisor noticed, median and worst, s", _spread(report.noticed)),
        ("whole run, s", f"{report.seconds:.0f}"),
        ("seed", weather.seed),
    ]
    return "\n".join(
        ["| what | count |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)]
    )


def _if(there: int, *rows: tuple[str, object]) -> tuple[tuple[str, object], ...]:
    """Rows about what the storm had in it; the others would be noughts that prove nothing."""
    return rows if there else ()


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f}, {max(seconds):.2f}" if seconds else "-"


def _write_down(report: Report, mark: tuple[str, str]) -> None:
    """The page shows the last run, good or bad."""
    page = PAGE.read_text()
    before, after = page.split(mark[0])[0], page.split(mark[1])[1]
    PAGE.write_text(f"{before}{mark[0]}\n{_text(report)}\n{mark[1]}{after}")
