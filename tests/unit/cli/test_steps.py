"""The steps of a job as a table."""

from __future__ import annotations

from typing import Any

from lazur.cli import steps
from lazur.cli.__main__ import _named


def step(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "command", "status": "Skipped", **more}


class TestShown:
    def test_why_a_step_was_left_out(self) -> None:
        inner = {"steps": [step("care")], "jobs": {"care": {"on_failure": "fit"}}}
        job = {
            "name": "p",
            "steps": [step("yes"), step("care"), step("n", **inner)],
            "jobs": {"yes": {}, "care": {"on_failure": ["fit"]}},
        }
        rows = steps.shown(job)
        assert isinstance(rows, list)
        assert [row.get("Why") for row in rows] == [
            "",
            "the condition went the other way",
            "nothing failed that it is there for",
            "the condition went the other way",
            "nothing failed that it is there for",
        ]

    def test_why_a_step_has_not_begun(self) -> None:
        job = {
            "name": "p",
            "status": "Canceled",
            "steps": [
                step("late", status="NotRun"),
                step("next", status="Queued"),
                step("behind", status="NotStarted", waiting_for="next"),
            ],
        }

        def why(status: str) -> list[str]:
            rows = steps.shown({**job, "status": status})
            assert isinstance(rows, list)
            return [row["Why"] for row in rows[1:]]

        waiting = ["waits for free slots", "waits for next"]
        assert why("Canceled") == ["all was canceled before", *waiting]
        assert why("Failed") == ["a step that it needs did not end well", *waiting]


class TestWords:
    def test_a_replay_is_debugged_by_either_word(self) -> None:
        given = ["job", "replay", "-n", "x", "--debug"]
        assert _named(given) == ["job", "replay", "-n", "x", "--debugger"]
        assert _named(["job", "show", "--debug"]) == ["job", "show", "--debug"]
