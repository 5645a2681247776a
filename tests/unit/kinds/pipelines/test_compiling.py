"""What a graph holds of the steps as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.pipelines.compiling import compile_graph
from lazur.spec.checking import Check
from tests.unit.kinds.pipelines.world import (
    command,
    compiled,
    component,
    graph_of,
    mistakes,
)

PORTS = {"rate": {"type": "number", "default": 0.1}, "word": {"type": "string", "optional": True}}


def inputs(**given: Any) -> dict[str, Any]:
    """Of a step whose component has the ports."""
    step = {"type": "command", "component": component(inputs=PORTS), "inputs": given}
    return graph_of({"a": step})["steps"]["a"]["inputs"]


class TestInputs:
    def test_what_a_step_says_goes_before_the_default(self) -> None:
        assert inputs(rate=0.5) == {"rate": 0.5, "word": None}

    @pytest.mark.parametrize("given", [{}, {"rate": None}])
    def test_what_it_does_not_say_is_the_default(self, given: dict[str, Any]) -> None:
        assert inputs(**given, word="x") == {"rate": 0.1, "word": "x"}

    @pytest.mark.parametrize("given", [0, False, ""])
    def test_nothing_is_something_to_say(self, given: Any) -> None:
        assert inputs(word=given)["word"] == given


class TestPipelineInputs:
    @pytest.mark.parametrize(
        "written, value",
        [
            ({"optional": True}, None),
            ({"optional": True, "default": 3}, 3),
            ({"type": "integer"}, None),
            ({"type": "integer", "default": 3, "value": 4}, 4),
            ({"value": None, "default": 3}, None),
            ({}, None),
            ({"path": ""}, {"path": ""}),
            ({"path": "azureml:d:1"}, {"path": "azureml:d:1"}),
            (0, 0),
        ],
    )
    def test_they_are_values_data_or_nothing_yet(self, written: Any, value: Any) -> None:
        assert graph_of({"a": command()}, inputs={"x": written})["inputs"] == {"x": value}


class TestNames:
    def test_they_have_a_length(self) -> None:
        assert mistakes({"jobs": {"n" * 100: command()}}) == []
        ((message, path),) = mistakes({"jobs": {"n" * 101: command()}})
        assert "at most 100 characters" in message
        assert path == f"jobs.{'n' * 101}"

    def test_they_have_no_dots(self) -> None:
        assert "no name of a step" in mistakes({"jobs": {"a.b": command()}})[0][0]


class TestOutputs:
    def test_what_a_step_says_of_one_goes_before_what_its_component_declares(self) -> None:
        made = component(outputs={"o": {"type": "uri_folder", "mode": "rw_mount"}, "p": {}})
        said = {"path": "${{parent.outputs.all}}", "mode": "upload"}
        step = {"type": "command", "component": made, "outputs": {"o": said}}
        graph = graph_of({"a": step}, outputs={"all": {"type": "uri_folder"}})
        assert graph["steps"]["a"]["outputs"] == {
            "o": {"type": "uri_folder", "mode": "upload", "promoted": "all"},
            "p": {},
        }


class TestUnknown:
    @pytest.mark.parametrize(
        "text, declared, hint",
        [
            ("inputs.dta", {"data": {"type": "string"}}, "Did you mean 'data'?"),
            ("inputs.dta", {}, "Declare it under the pipeline's `inputs:`."),
            ("outputs.modle", {"model": {"type": "uri_folder"}}, "Did you mean 'model'?"),
            ("outputs.modle", {}, "Declare it under the pipeline's `outputs:`."),
        ],
    )
    def test_a_near_name_is_the_hint_or_else_what_to_do(
        self, text: str, declared: dict[str, Any], hint: str
    ) -> None:
        steps = {"a": command(inputs={"x": f"${{{{parent.{text}}}}}"})}
        side = text.partition(".")[0]
        check = compiled({"jobs": steps, side: declared})[1]
        assert hint in [found.hint for found in check.diagnostics]

    def test_a_pipeline_whose_steps_are_elsewhere_may_have_outputs(self) -> None:
        value = {"component": "azureml:c:1", "outputs": {"model": {"type": "uri_folder"}}}
        assert compiled(value)[1].diagnostics == []

    def test_what_a_loop_runs_says_what_it_has(self) -> None:
        body = component(outputs={"o": {"type": "uri_folder"}})
        steps = {
            "b": {"type": "command", "component": body},
            "l": {
                "type": "parallel_for",
                "body": "${{parent.jobs.b}}",
                "items": [{"x": 1}],
                "outputs": {"zzz": "${{parent.outputs.all}}"},
            },
        }
        check = compiled({"jobs": steps, "outputs": {"all": {"type": "uri_folder"}}})[1]
        (found,) = [one for one in check.diagnostics if "has no output" in one.message]
        assert found.hint == "There are: o."


class TestDepends:
    @pytest.mark.parametrize(
        "names, hint",
        [
            ("trian", "Did you mean 'train'?"),
            ("score", "There are: train."),
            ("scor", "There are: train."),
        ],
    )
    def test_a_step_that_is_not_there_may_be_another_but_not_the_step_itself(
        self, names: str, hint: str
    ) -> None:
        steps = {"train": command(), "score": command(depends_on=names)}
        (found,) = compiled({"jobs": steps})[1].diagnostics
        assert (found.path, found.hint) == ("jobs.score.depends_on", hint)


class TestBegins:
    def test_what_has_no_value_yet_is_wrong_only_where_it_begins(self) -> None:
        made = component(inputs={"x": {"type": "integer"}})
        step = {"type": "command", "component": made, "inputs": {"x": "${{parent.inputs.v}}"}}
        value = {"jobs": {"a": step}, "inputs": {"v": None}}
        for begins in (False, True):
            told = Check(value)
            compile_graph(value, told, begins=begins)
            assert bool(told.failed) == begins
        told = Check(value)
        compile_graph(value, told)
        assert not told.failed
