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


class TestWords:
    def test_a_replay_is_debugged_by_either_word(self) -> None:
        given = ["job", "replay", "-n", "x", "--debug"]
        assert _named(given) == ["job", "replay", "-n", "x", "--debugger"]
        assert _named(["job", "show", "--debug"]) == ["job", "show", "--debug"]
