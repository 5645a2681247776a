"""What a graph holds of the steps as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import load_document
from lazur.kinds.pipelines.compiling import compile_graph
from lazur.spec.checking import Check
from lazur.spec.diagnostics import errors_of
from lazur.spec.yaml import load
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

    def test_what_its_component_has_not_is_left_out(self) -> None:
        assert inputs(surplus=2) == {"rate": 0.1, "word": None}


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
            ({"type": "uri_folder", "path": ""}, None),
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

    def test_what_is_said_of_one_that_no_component_declares_holds_too(self) -> None:
        made = component(outputs={"o": {"type": "uri_folder", "mode": "upload"}})
        said = {"path": "azureml://datastores/d/paths/x"}
        graph = graph_of({"a": {"component": made, "outputs": {"artifacts": said}}})
        assert graph["steps"]["a"]["outputs"] == {
            "o": {"type": "uri_folder", "mode": "upload"},
            "artifacts": said,
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
        (found,) = errors_of(check.diagnostics)
        assert found.hint == hint

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

    def test_a_step_waits_for_one_whose_inputs_it_takes(self) -> None:
        taker = command(inputs={"x": "${{parent.jobs.a.inputs.x}}"})
        steps = {"b": taker, "a": command(inputs={"x": 1})}
        assert graph_of(steps)["steps"]["b"]["needs"] == ["a"]


FILE = """\
type: pipeline
outputs:
  all:
jobs:
  a: {command: t, environment: azureml:e:1, outputs: {m: }}
  b:
    command: t
    environment: azureml:e:1
"""


class TestPlaces:
    @pytest.mark.parametrize(
        "line, at, hint",
        [
            ("depends_on: [a, c]", "c]", "There are: a."),
            ("depends_on: '${{parent.jobs.c}}'", "c}}'", "There are: a."),
            ("on_failure: '${{parent.jobs.c}}'", "c}}'", "There are: a."),
            (
                "description: from ${{parent.jobs.c.outputs.m}}",
                "${{parent.jobs.c.outputs.m}}",
                "There are: a, b.",
            ),
            (
                "inputs: {x: 'a ${{jobs.a.outputs.m}}'}",
                "${{jobs.a.outputs.m}}",
                "Write: ${{parent.jobs.a.outputs.m}}",
            ),
            (
                "outputs: {o: {path: '${{parent.jobs.a.outputs.m}}'}}",
                "${{parent.jobs.a.outputs.m}}",
                None,
            ),
            (
                "outputs: {o: text}",
                "text}",
                "Write ${{parent.outputs.NAME}}, or a mapping with `path:`.",
            ),
        ],
    )
    def test_a_mistake_is_shown_where_it_is(self, line: str, at: str, hint: str | None) -> None:
        _, _, diagnostics = load_document(load(f"{FILE}    {line}\n", "p.yml"))
        (found,) = errors_of(diagnostics)
        assert found.text is not None
        assert found.text[(found.column or 0) - 1 :].startswith(at)
        assert found.hint == hint

    def test_a_name_is_shown_itself(self) -> None:
        text = "type: pipeline\njobs:\n  a.b: {command: t, environment: azureml:e:1}\n"
        _, _, diagnostics = load_document(load(text, "p.yml"))
        (found,) = errors_of(diagnostics)
        assert (found.line, found.column) == (3, 3)


class TestPromoted:
    def test_each_output_of_the_pipeline_is_made_once_whatever_else_a_step_makes(self) -> None:
        step = command(outputs={"own": None, "o": "${{parent.outputs.all}}"})
        ((message, path),) = mistakes({"jobs": {"a": step, "b": step}, "outputs": {"all": None}})
        assert message == "the pipeline's output 'all' is made by jobs.a.outputs.o already"
        assert path == "jobs.b.outputs.o"


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
