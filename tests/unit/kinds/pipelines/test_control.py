"""Conditions and loops: where a mistake is shown, what to do, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.pipelines import control
from lazur.spec.diagnostics import Diagnostic, errors_of
from tests.unit.kinds.pipelines.world import command, compiled, graph_of

ASK = {"type": "if_else", "condition": True, "true_block": "b"}
AGAIN = {
    "type": "do_while",
    "body": "b",
    "condition": "${{parent.jobs.b.outputs.o}}",
    "limits": {"max_iteration_count": 3},
}
EACH = {"type": "parallel_for", "body": "b", "items": [{"x": 1}]}
BODY = command(outputs={"o": {"type": "boolean"}})


def the_error(step: dict[str, Any], **others: Any) -> Diagnostic:
    _, check = compiled({"jobs": {"s": step, "b": BODY, **others}})
    (found,) = errors_of(check.diagnostics)
    return found


class TestMistakes:
    @pytest.mark.parametrize(
        "step, path, hint",
        [
            ({**ASK, "true_block": "bb"}, "jobs.s.true_block", "There are: b, s."),
            (
                {**ASK, "condition": "maybe"},
                "jobs.s.condition",
                "Such as ${{parent.jobs.NAME.outputs.PORT}}, where the output is a boolean.",
            ),
            (
                {**ASK, "condition": "${{parent.jobs.z.outputs.o}}"},
                "jobs.s.condition",
                "There are: b, s.",
            ),
            ({**AGAIN, "limits": {"max_iteration_count": 0}}, "jobs.s.limits", None),
            ({**EACH, "max_concurrency": 0}, "jobs.s.max_concurrency", None),
            (
                {**EACH, "items": 3},
                "jobs.s.items",
                'Such as [{"x": 1}, {"x": 2}], or {"a": {"x": 1}}.',
            ),
        ],
    )
    def test_are_shown_where_they_are(
        self, step: dict[str, Any], path: str, hint: str | None
    ) -> None:
        found = the_error(step)
        assert (found.path, found.hint) == (path, hint)

    @pytest.mark.parametrize("kind", [ASK, AGAIN, EACH])
    def test_a_body_is_neither_a_condition_nor_a_loop(self, kind: dict[str, Any]) -> None:
        inner = {**kind, **({"true_block": "b"} if kind is ASK else {"body": "b"})}
        found = the_error({**EACH, "body": "inner"}, inner=inner)
        assert found.message == "`body` is a job or a pipeline, and 'inner' is neither"
        assert found.path == "jobs.s.body"
        assert found.hint == "Put it into a pipeline component, and make that the body."

    def test_a_condition_does_not_ask_itself(self) -> None:
        found = the_error({**ASK, "condition": "${{parent.jobs.s.outputs.o}}"})
        assert "these steps wait for each other: s → s" in found.message


class TestLoops:
    @pytest.mark.parametrize("said_of", ["s", "b"])
    def test_a_condition_asks_the_loop_or_its_body(self, said_of: str) -> None:
        condition = f"${{{{parent.jobs.{said_of}.outputs.o}}}}"
        graph = graph_of({"s": {**AGAIN, "condition": condition}, "b": BODY})
        assert graph["steps"]["s"]["needs"] == []

    @pytest.mark.parametrize("said_of", ["s", "b"])
    def test_a_round_may_take_what_the_last_one_made(self, said_of: str) -> None:
        body = {**BODY, "inputs": {"x": f"${{{{parent.jobs.{said_of}.outputs.o}}}}"}}
        graph = graph_of({"s": AGAIN, "b": body})
        assert graph["steps"]["s"]["needs"] == []

    def test_a_job_that_has_a_field_of_this_name_is_none(self) -> None:
        assert control.body(graph_of({"a": command(body="b"), "b": command()}), "a") is None


class TestItems:
    @pytest.mark.parametrize(
        "written, items",
        [
            ([{"x": 1}, {}], {"0": {"x": 1}, "1": {}}),
            ({"a": {"x": 1}}, {"a": {"x": 1}}),
            ({1: {"x": 1}}, {"1": {"x": 1}}),
            ('[{"x": 1}]', {"0": {"x": 1}}),
            ('{"a": {}}', {"a": {}}),
            ([], {}),
            ("", None),
            ("3", None),
            ([3], None),
            ({"a": None}, None),
            (None, None),
        ],
    )
    def test_have_names(self, written: Any, items: Any) -> None:
        assert control.items_of(written) == items


class TestTrue:
    @pytest.mark.parametrize("said", [True, "true", " True\n"])
    def test_is_what_a_step_may_have_written(self, said: Any) -> None:
        assert control.is_true(said)

    @pytest.mark.parametrize("said", [False, "false", "yes", "", 1, None])
    def test_and_nothing_else(self, said: Any) -> None:
        assert not control.is_true(said)


class TestInputs:
    @pytest.mark.parametrize("step", [ASK, AGAIN, EACH])
    def test_of_what_decides_reach_nobody_and_are_told(self, step: dict[str, Any]) -> None:
        _, check = compiled({"jobs": {"s": {**step, "inputs": {"x": 1}}, "b": BODY}})
        (found,) = check.diagnostics
        assert (found.severity, found.path) == ("warning", "jobs.s.inputs")
        assert found.hint == "Give them to the steps that it runs."

    @pytest.mark.parametrize("inputs", [None, {}])
    def test_none_are_no_mistake(self, inputs: Any) -> None:
        _, check = compiled({"jobs": {"s": {**EACH, "inputs": inputs}, "b": BODY}})
        assert check.diagnostics == []
