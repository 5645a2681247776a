from __future__ import annotations

import io
from typing import Any

import pytest

from lazur.cli.tables import duration, job_row
from lazur.cli.waterfall import explain

JOB: dict[str, Any] = {
    "name": "kind_lime",
    "status": "Failed",
    "duration": 6.0,
    "phases": [
        {"name": "queued", "start": "2026-01-01T00:00:00Z", "seconds": 2.0},
        {"name": "running", "start": "2026-01-01T00:00:02Z", "seconds": 6.0},
        {"name": "finalizing", "start": "2026-01-01T00:00:08Z", "seconds": 0.0},
        {"name": "end", "start": "2026-01-01T00:00:08Z"},
    ],
    "error": {
        "code": "ModuleMissing",
        "message": "No module named 'pandas'",
        "hint": "Add pandas to conda.yml.",
        "log_tail": ["Traceback", "ModuleNotFoundError"],
    },
    "warnings": ["odd"],
    "services": {"Studio": {"endpoint": "http://here/jobs/kind_lime"}},
}


class TestExplain:
    def test_says_all_there_is_to_know(self) -> None:
        text = explain(JOB, 100, io.StringIO())
        assert "Job kind_lime: Failed after 6.00 s" in text
        assert "Cause (ModuleMissing): No module named 'pandas'" in text
        assert "Next: Add pandas to conda.yml." in text
        assert "  ModuleNotFoundError" in text
        assert "Warning: odd" in text
        assert "http://here/jobs/kind_lime" in text

    def test_bars_stand_one_after_the_other(self) -> None:
        lines = explain(JOB, 100, io.StringIO()).splitlines()
        queued, running, finalizing = (line[28:68] for line in lines[2:5])
        assert queued.strip() == "█" * 10
        assert running == " " * 10 + "█" * 30
        assert finalizing.strip() == "▏"
        assert not any("end" in line.split()[:1] for line in lines)

    def test_steps_of_a_pipeline_stand_where_they_were_in_time(self) -> None:
        def step(name: str, second: int, seconds: float | None, **more: Any) -> dict[str, Any]:
            begun = f"2026-01-01T00:00:0{second}Z"
            return {"name": name, "status": "Completed", "started_at": begun, **more} | {
                "duration": seconds
            }

        steps = [
            step("make", 2, 3.0),
            step("fit_the_largest_of_all_models", 5, None, status="Running"),
            step("look", 2, 0.0, reused_from="other_look"),
            {"name": "never", "status": "NotRun", "started_at": None, "duration": None},
        ]
        job = {**JOB, "type": "pipeline", "steps": steps}
        lines = explain(job, 100, io.StringIO()).splitlines()
        assert lines[3].endswith("running its steps")
        bars = {line[2:25].strip(): line[40:] for line in lines[6:9]}
        assert bars == {
            "make": " " * 8 + "█" * 12,
            "fit_the_largest_of_all…": " " * 20 + "█" * 12 + "  Running",
            "look": " " * 8 + "▏" + " " * 23 + "  done before",
        }
        many = {**job, "steps": steps[:1] * 60}
        said = "  and 10 more: lazur job show -n kind_lime -o table"
        assert said in explain(many, 80, io.StringIO()).splitlines()

    def test_a_waiting_job_says_what_for(self) -> None:
        job = {"name": "x", "status": "Queued", "waiting_for": "free slots", "phases": []}
        assert "Waiting: free slots." in explain(job, 80, io.StringIO())

    @pytest.mark.parametrize("width", [40, 60, 200])
    def test_no_bar_is_wider_than_asked(self, width: int) -> None:
        for line in explain(JOB, width, io.StringIO()).splitlines()[2:5]:
            assert len(line) <= max(width, 60)


class TestDuration:
    @pytest.mark.parametrize(
        "seconds, text",
        [
            (None, ""),
            (0.0123, "12 ms"),
            (1.5, "1.50 s"),
            (59.4, "59 s"),
            (61, "1 min 01 s"),
            (3700, "1 h 01 min"),
        ],
    )
    def test_is_as_exact_as_it_is_useful(self, seconds: float | None, text: str) -> None:
        assert duration(seconds) == text


class TestJobRow:
    def test_tells_why(self) -> None:
        assert job_row(JOB)["Why"] == "No module named 'pandas'"
        assert job_row({"name": "x", "waiting_for": "slots"})["Why"] == "slots"
