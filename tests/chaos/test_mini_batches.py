"""`make chaos` is the long storm over parallel jobs; a short one runs with the slow tests."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.chaos.mini_batches import Storm, Verdict, Weather

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARK = "<!-- mini-batches -->", "<!-- /mini-batches -->"

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")


@pytest.mark.slow
class TestShortStorm:
    def test_each_row_counts_once(self, tmp_path: Path) -> None:
        weather = Weather(jobs=2, server_kills=5, job_kills=4, seed=_seed(), rows=120, pause=0.1)
        verdict = Storm(tmp_path, weather).run()
        print(_text(weather, verdict))
        assert verdict.clean, (weather.seed, verdict)


@pytest.mark.chaos
class TestLongStorm:
    def test_fifty_kills_of_the_server_over_jobs_of_three_hundred_rows(
        self, tmp_path: Path
    ) -> None:
        weather = Weather(jobs=12, server_kills=50, job_kills=20, seed=_seed())
        verdict = Storm(tmp_path, weather).run()
        text = _text(weather, verdict)
        print(text)
        page = PAGE.read_text()
        before, after = page.split(MARK[0])[0], page.split(MARK[1])[1]
        PAGE.write_text(f"{before}{MARK[0]}\n{text}\n{MARK[1]}{after}")
        assert verdict.clean, (weather.seed, verdict)


def _seed() -> int:
    """Given back as CHAOS_SEED, it makes the same storm again."""
    return int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))


def _text(weather: Weather, verdict: Verdict) -> str:
    rows = [
        (f"parallel jobs of {weather.rows} rows", verdict.jobs),
        ("kill -9 of the server", weather.server_kills),
        ("kill -9 of supervisors, coordinators and workers", weather.job_kills),
        ("rows in the results", verdict.rows),
        ("rows that ran again, and count once", verdict.again),
        ("rows lost", len(verdict.lost)),
        ("rows doubled", len(verdict.doubled)),
        ("jobs with another end than Completed", len(verdict.unfinished)),
        ("jobs that counted wrongly", len(verdict.miscounted)),
        ("processes left over", len(verdict.left)),
        ("seed", weather.seed),
    ]
    lines = ["| what | count |", "|---|---:|", *(f"| {name} | {n} |" for name, n in rows)]
    return "\n".join(lines)
