"""What a pipeline that failed says to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lazur.engine.states import State
from tests.unit.kinds.pipelines.world import World, command, graph_of


def error_of(within: dict[str, Any] | None) -> dict[str, Any]:
    """Of a pipeline whose only step failed in this way."""
    made = World(graph_of({"a": command()})).settle().end("a", State.FAILED)
    made.children["a"] = replace(made.children["a"], error=within)
    made.settle()
    assert made.finish is not None
    assert made.finish.error is not None
    return made.finish.error


class TestHint:
    def test_it_leads_to_the_log_of_the_job_that_failed(self) -> None:
        assert "lazur job stream -n p_a." in error_of({"message": "exit 3"})["hint"]
        assert "lazur job stream -n p_a." in error_of(None)["hint"]

    def test_so_it_does_through_pipelines_within(self) -> None:
        inner = error_of({"message": "exit 3", "job": "p_a_deep_down"})
        assert "lazur job stream -n p_a_deep_down." in inner["hint"]
        assert error_of(inner)["job"] == "p_a_deep_down"

    def test_it_begins_with_what_that_job_says_itself(self) -> None:
        inner = error_of({"message": "too many nodes", "hint": "Ask for fewer."})
        assert inner["hint"].startswith("Ask for fewer. See its log: lazur job stream -n p_a.")
        outer = error_of(inner)
        assert outer["hint"].startswith("Ask for fewer. See its log: lazur job stream -n p_a.")
        assert "advice" not in error_of(None)
        assert outer["hint"].count("Ask for fewer") == outer["hint"].count("See its log") == 1

    def test_a_retry_is_for_what_needs_no_change(self) -> None:
        before, _, after = error_of(None)["hint"].partition("Nothing to change?")
        assert "submit the pipeline again" in before
        assert "lazur job retry -n p" in after
