from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.harness import Result, compare, markdown, percentile, rate, refilled, report


class TestCompare:
    def test_contenders_take_turns_and_warm_up_does_not_count(self) -> None:
        order: list[str] = []

        def contender(name: str, seconds: float) -> float:
            order.append(name)
            return seconds

        result = compare(
            "turns",
            {"floor": lambda: contender("floor", 2.0), "ours": lambda: contender("ours", 3.0)},
            rounds=2,
            warm_up=1,
            floor="floor",
        )
        assert order == ["floor", "ours"] * 3
        assert [len(row.samples) for row in result.rows] == [2, 2]
        assert [row.ratio for row in result.rows] == [1.0, 1.5]
        assert result.rows[1].over == 1.0

    def test_a_contender_that_returns_nothing_is_timed_as_a_whole(self) -> None:
        result = compare("timed", {"sum": lambda: print(end="")}, rounds=3)
        assert result.rows[0].median > 0
        assert result.rows[0].ratio is None


class TestPercentile:
    @pytest.mark.parametrize("percent, value", [(0, 1), (50, 50), (99, 99), (100, 100)])
    def test_it_is_a_value_that_occurred(self, percent: float, value: int) -> None:
        assert percentile(range(100, 0, -1), percent) == value


class TestReport:
    def test_it_is_a_table_and_raw_samples(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        missed = Result("slow thing", "s", [], goal="under 1 s", met=False)
        report([rate("jobs", {"lazur": (100, 2.0)}), missed], tmp_path)
        shown = (tmp_path / "latest.md").read_text()
        assert capsys.readouterr().out.strip() == shown.strip()
        assert "| lazur | 50 |" in shown
        assert "Goal: under 1 s: **not reached**" in shown
        kept = json.loads((tmp_path / "latest.json").read_text())
        assert kept["results"][0]["rows"][0]["samples"] == [50.0]

    def test_the_machine_is_described(self) -> None:
        assert "cores" in markdown([])


class TestRefilled:
    PAGE = "before\n<!-- bench a b -->\nold\n<!-- /bench -->\nafter\n"

    def test_only_what_stands_between_the_marks_is_replaced(self) -> None:
        page = refilled(self.PAGE, ["a", "b"], [rate("jobs", {"lazur": (100, 2.0)})])
        assert page.startswith("before\n<!-- bench a b -->\n")
        assert page.endswith("\n<!-- /bench -->\nafter\n")
        assert "old" not in page
        assert "| lazur | 50 |" in page

    def test_a_page_without_the_marks_is_refused(self) -> None:
        with pytest.raises(ValueError, match="<!-- bench a -->"):
            refilled(self.PAGE, ["a"], [])


class TestFolder:
    def test_it_outlives_the_benchmark_and_not_the_measuring(self) -> None:
        program = (
            "import bench.harness as h\n"
            "made = h.folder(); (made / 'kept').touch(); print(made)\n"
            "import os; assert os.listdir(made) == ['kept']\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert not Path(done.stdout.strip()).exists()


class TestMain:
    def test_a_page_without_such_tables_is_told_before_anything_is_measured(
        self, tmp_path: Path
    ) -> None:
        page = tmp_path / "page.md"
        page.write_text("nothing\n")
        asked = [sys.executable, "-m", "bench", "floor", "--refill", str(page)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "the page has no <!-- bench floor -->" in done.stderr
        assert page.read_text() == "nothing\n"
