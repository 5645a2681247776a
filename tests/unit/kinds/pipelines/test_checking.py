"""What is said about a pipeline's file before anything runs: what, where, and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lazur.errors import SpecError
from lazur.kinds.catalog import load_document, validate
from lazur.kinds.pipelines.checking import check_pipeline_job
from lazur.kinds.pipelines.compiling import compile_graph
from lazur.spec.checking import Check
from lazur.spec.diagnostics import Diagnostic, errors_of
from lazur.spec.yaml import load
from tests.unit.kinds.pipelines.world import command, compiled, component, graph_of, mistakes

HEAD = "type: pipeline\njobs:\n"
PORTS = {
    "n": {"type": "integer", "min": 1, "max": 9, "optional": True},
    "word": {"type": "string", "enum": ["a", "b"], "optional": True},
    "data": {"type": "uri_folder", "optional": True},
    "flag": {"type": "boolean", "optional": True},
}


def errors(text: str) -> list[Diagnostic]:
    _, _, found = load_document(load(text, "p.yml"))
    return errors_of(found)


def the_error(text: str) -> Diagnostic:
    (found,) = errors(text)
    return found


def with_component(given: Any = None, declared: Any = None, **more: Any) -> dict[str, Any]:
    step = {"component": component(inputs=declared or PORTS), "inputs": given or {}}
    return {"jobs": {"s": step}, **more}


class TestPlaces:
    """File, line and column of each mistake that people make."""

    def test_an_undefined_input(self) -> None:
        found = the_error(
            "type: pipeline\ninputs: {raw: 3}\njobs:\n  a:\n    command: echo ${{inputs.x}}\n"
            "    environment: azureml:e:1\n    inputs:\n      x: ${{parent.inputs.row}}\n"
        )
        assert (found.file, found.line) == ("p.yml", 8)
        assert found.text is not None
        assert found.text[(found.column or 0) - 1 :].startswith("${{parent.inputs.row}}")
        assert "the pipeline has no input 'row'" in found.message
        assert found.hint == "There are: raw."

    def test_an_undefined_step(self) -> None:
        found = the_error(
            HEAD + "  train: {command: t, environment: azureml:e:1, outputs: {m: }}\n"
            "  b:\n    command: t\n    environment: azureml:e:1\n    inputs:\n"
            "      m: ${{parent.jobs.trian.outputs.m}}\n"
        )
        assert (found.line, found.hint) == (8, "Did you mean 'train'?")
        assert "there is no step 'trian'" in found.message

    def test_an_undefined_output_of_a_step(self) -> None:
        found = the_error(
            HEAD + "  a: {command: t, environment: azureml:e:1, outputs: {model: }}\n"
            "  b:\n    command: t\n    environment: azureml:e:1\n    inputs:\n"
            "      m: ${{parent.jobs.a.outputs.modle}}\n"
        )
        assert (found.line, found.hint) == (8, "Did you mean 'model'?")

    def test_a_cycle(self) -> None:
        found = the_error(
            HEAD + "  a:\n    command: t\n    environment: azureml:e:1\n    outputs: {o: }\n"
            "    inputs: {x: '${{parent.jobs.b.outputs.o}}'}\n"
            "  b:\n    command: t\n    environment: azureml:e:1\n    outputs: {o: }\n"
            "    inputs: {x: '${{parent.jobs.a.outputs.o}}'}\n"
        )
        assert found.line in (3, 8)
        assert "wait for each other" in found.message
        assert "a → b" in found.message or "b → a" in found.message

    def test_an_unquoted_template(self) -> None:
        with pytest.raises(SpecError) as refused:
            errors(HEAD + "  a:\n    command: t\n    compute: {{COMPUTE}}\n")
        (found,) = refused.value.details["diagnostics"]
        assert (found["file"], found["line"]) == ("p.yml", 5)

    def test_a_missing_and_a_surplus_input_of_a_component(self) -> None:
        found = errors(
            HEAD + "  a:\n    inputs:\n      lr: 3\n    component:\n"
            "      command: t\n      environment: azureml:e:1\n"
            "      inputs: {rate: {type: number}, data: {type: uri_folder}}\n"
        )
        said = {(one.line, one.message) for one in found}
        assert (5, "the component of step 'a' has no input 'lr'") in said
        needs = "which its component needs"
        assert sum(needs in message for _, message in said) == 2

    @pytest.mark.parametrize("flow", [{"nodes": []}, {"flow": "."}])
    def test_a_flow_is_named_as_one(self, flow: dict[str, Any]) -> None:
        check = Check({"jobs": {"a": {"component": flow}}})
        check_pipeline_job(check)
        (found,) = check.diagnostics
        assert (found.path, found.severity) == ("jobs.a.component", "error")
        assert "a flow of prompt flow" in found.message
        assert found.hint is not None

    def test_what_is_no_step(self) -> None:
        found = the_error(HEAD + "  a: 3\n")
        assert (found.line, found.column) == (3, 3)
        assert found.message == "a step is a mapping, with `command:` or `component:`"
        found = the_error(HEAD + "  a: {code: .}\n")
        assert (found.line, found.column) == (3, 3)
        assert "neither a command nor a component" in found.message
        assert found.hint == "Give it `command:`, or `component:`."
        kind = the_error(HEAD + "  a: {type: comand, command: t}\n")
        assert kind.hint == "Did you mean 'command'?"
        assert "not supported yet" in the_error(HEAD + "  a: {type: spark, entry: x}\n").message
        assert "no name of a step" in errors(HEAD + "  a.b: {command: t}\n")[0].message
        (found,) = errors(HEAD + "  'a b': {command: t}\n")
        assert (found.line, found.column) == (3, 3)
        assert "'a b'" in found.message

    def test_a_pipeline_without_steps(self) -> None:
        assert "needs `jobs`" in the_error("type: pipeline\n").message
        assert errors("type: pipeline\ncomponent: azureml:c:1\n") == []

    def test_names_of_inputs_and_outputs(self) -> None:
        text = "type: pipeline\ninputs: {'a b': 1}\noutputs: {'c d': }\njobs: {s: {command: t}}\n"
        assert [one.line for one in errors(text)] == [2, 3]


class TestForms:
    """Every way to write a step that is seen in public files."""

    @pytest.mark.parametrize(
        "step, kind",
        [
            (command(), "command"),
            ({"type": "command", **command()}, "command"),
            ({"type": "Command", "component": component()}, "command"),
            ({"component": component()}, "command"),
            ({"component": "azureml:c:1"}, "command"),
            ({"component": "azureml:c@latest"}, "command"),
            ({"component": "azureml://registries/r/components/c/versions/1"}, "command"),
            ({"component": "azureml://registries/r/components/c/labels/latest"}, "command"),
            ({"component": {"command": "t", "environment": {}}}, "command"),
            ({"type": "pipeline", "component": "azureml:c:1"}, "pipeline"),
            ({"component": {"type": "pipeline", "jobs": {}}}, "pipeline"),
            ({"component": {"jobs": {"a": command()}}}, "pipeline"),
            ({"jobs": {"a": command()}}, "pipeline"),
            ({"type": "sweep", "trial": "azureml:c:1"}, "sweep"),
            ({"type": "sweep", "trial": component(inputs={})}, "sweep"),
            ({"type": "parallel", "task": {"type": "run_function"}}, "parallel"),
        ],
    )
    def test_its_kind(self, step: dict[str, Any], kind: str) -> None:
        assert graph_of({"s": step})["steps"]["s"]["kind"] == kind

    def test_unknown_settings_are_let_through(self) -> None:
        """`default_datestore`, as a public file has it."""
        settings = {"default_datestore": "azureml:d", "default_compute": "azureml:c"}
        value = {"type": "pipeline", "settings": settings, "jobs": {"a": command()}}
        model, found = validate("pipeline-job", value)
        assert model is not None
        assert [(d.severity, d.path) for d in found] == [("warning", "settings.default_datestore")]

    def test_numbers_are_what_yaml_1_1_says(self) -> None:
        text = (
            HEAD
            + "  a:\n    command: t\n    environment: azureml:e:1\n    inputs: {r: 1e-3, v: 01}\n"
        )
        value = load(text, "p.yml").value
        inputs = graph_of(value["jobs"])["steps"]["a"]["inputs"]
        assert inputs["v"] == 1
        assert float(inputs["r"]) == 0.001

    def test_an_output_that_nobody_makes_is_a_warning(self) -> None:
        _, check = compiled({"outputs": {"o": None}, "jobs": {"a": command()}})
        assert [d.severity for d in check.diagnostics] == ["warning"]

    def test_a_pipeline_component_is_checked_alike(self) -> None:
        made = {"type": "pipeline", "name": "c", "version": "1"}
        _, found = validate("pipeline-component", {**made, "jobs": {"a": 3}})
        assert [d.path for d in errors_of(found)] == ["jobs.a"]
        loops = {name: command(depends_on=other) for name, other in ("ab", "ba")}
        _, found = validate("pipeline-component", {**made, "jobs": loops})
        assert "wait for each other" in errors_of(found)[0].message
        _, found = validate("pipeline-component", made)
        assert errors_of(found)
        assert validate("pipeline-component", {**made, "jobs": {"a": command()}})[0] is not None


class TestValues:
    """What a pipeline that is about to run has to be given."""

    def _told(self, declared: dict[str, Any], given: Any, **inputs: Any) -> list[tuple[str, str]]:
        step = {"component": component(inputs=declared), "inputs": given}
        check = Check({"jobs": {"s": step, "t": step}, "inputs": inputs})
        compile_graph(check.value, check, begins=True)
        return [(d.message, f"{d.path} {d.hint}") for d in check.diagnostics]

    def test_a_step_that_is_written_in_its_place_asks_for_what_its_command_needs(self) -> None:
        def told(command_: str, **inputs: Any) -> list[tuple[str, str]]:
            given = {"x": "${{parent.inputs.v}}"}
            step = {"command": command_, "environment": "azureml:e:1", "inputs": given}
            check = Check({"jobs": {"s": step, "t": step}, "inputs": inputs})
            compile_graph(check.value, check, begins=True)
            return [(d.message, f"{d.path} {d.hint}") for d in check.diagnostics]

        folder = {"type": "uri_folder"}
        assert told("ls ${{inputs.x}}", v=folder) == [
            (
                "the pipeline's input 'v', a uri_folder, has no value, and step 's' needs it",
                "inputs.v Give it a `path:` here, or: --set inputs.v.path=…",
            )
        ]
        assert told("ls ${{inputs.x}}", v={**folder, "path": "./x"}) == []
        assert told("ls $[[${{inputs.x}}]]", v=folder) == []
        assert told("ls", v=folder) == []

    def test_an_input_without_a_value_is_asked_for_once(self) -> None:
        given = {"n": "${{parent.inputs.v}}"}
        ((message, place),) = self._told({"n": {"type": "integer"}}, given, v=None)
        assert (
            message == "the pipeline's input 'v', an integer, has no value, and step 's' needs it"
        )
        assert place == "inputs.v Give it here, or: --set inputs.v=…"
        ((message, _),) = self._told({"n": {"description": "it"}}, given, v=None)
        assert message == "the pipeline's input 'v' has no value, and step 's' needs it"

    def test_data_is_asked_for_by_its_path(self) -> None:
        given = {"d": {"path": "${{parent.inputs.v}}", "mode": "download"}}
        ((_, place),) = self._told({"d": {"type": "uri_folder"}}, given, v=None)
        assert place == "inputs.v Give it a `path:` here, or: --set inputs.v.path=…"

    @pytest.mark.parametrize(
        "declared, given, value",
        [
            ({"type": "integer"}, "${{parent.inputs.v}}", 3),
            ({"type": "integer", "optional": True}, "${{parent.inputs.v}}", None),
            ({"type": "integer", "default": 1}, "${{parent.inputs.v}}", None),
            ({"type": "integer"}, 3, None),
            ({"type": "string"}, "a ${{parent.inputs.v}}", None),
        ],
    )
    def test_what_is_there_or_not_needed_is_not(
        self, declared: dict[str, Any], given: Any, value: Any
    ) -> None:
        assert self._told({"n": declared}, {"n": given}, v=value) == []

    def test_nor_what_a_loop_gives(self) -> None:
        body = {
            "component": component(inputs={"x": {"type": "integer"}}),
            "inputs": {"x": "${{parent.inputs.v}}"},
        }
        loop = {"type": "parallel_for", "body": "b", "items": [{"x": 1}]}
        check = Check({"jobs": {"l": loop, "b": body}, "inputs": {"v": None}})
        compile_graph(check.value, check, begins=True)
        assert check.diagnostics == []


class TestTypes:
    @pytest.mark.parametrize(
        "given, part",
        [
            ({"n": "three"}, "takes an integer"),
            ({"n": 0}, "at least 1"),
            ({"n": 10}, "at most 9"),
            ({"n": True}, "takes an integer"),
            ({"n": {"path": "azureml:d:1"}}, "not a mapping with a path"),
            ({"word": "c"}, "takes a string"),
            ({"flag": "maybe"}, "takes a boolean"),
            ({"data": 3}, "takes a uri_folder"),
            ({"data": True}, "takes a uri_folder"),
        ],
    )
    def test_what_does_not_fit(self, given: dict[str, Any], part: str) -> None:
        (port,) = given
        ((message, path),) = mistakes(with_component(given))
        assert path == f"jobs.s.inputs.{port}"
        assert part in message
        bound = with_component({port: "${{parent.inputs.v}}"}, inputs={"v": given[port]})
        ((again, _),) = mistakes(bound)
        assert again == message

    @pytest.mark.parametrize(
        "given",
        [
            {"n": 3},
            {"n": "3"},
            {"word": "a", "flag": False},
            {"data": "azureml:d:1"},
            {"data": {"type": "uri_file", "path": "azureml:f:1"}},
            {"data": {"type": "mltable", "path": "azureml:f:1"}},
            {"word": "${{parent.inputs.v}}-x"},
            {"word": "${{parent.inputs.unset}}"},
            {"data": {"path": "${{parent.inputs.v}}", "mode": "direct"}},
            {},
        ],
    )
    def test_what_fits(self, given: dict[str, Any]) -> None:
        inputs = {"v": "a", "unset": {"type": "string", "optional": True}}
        assert mistakes(with_component(given, inputs=inputs)) == []

    @pytest.mark.parametrize("port, kind", [("n", "uri_folder"), ("data", "integer")])
    def test_a_value_is_no_path_and_no_path_a_value(self, port: str, kind: str) -> None:
        value = with_component({port: "${{parent.jobs.a.outputs.o}}"})
        value["jobs"]["a"] = command(outputs={"o": {"type": kind}})
        ((message, _),) = mistakes(value)
        assert message.startswith("${{parent.jobs.a.outputs.o}} is a")

    @pytest.mark.parametrize("port, kind", [("n", "uri_folder"), ("data", "integer")])
    def test_nor_is_it_before_anybody_gave_it(self, port: str, kind: str) -> None:
        inputs = {"v": {"type": kind}}
        value = with_component({port: "${{parent.inputs.v}}"}, inputs=inputs)
        ((message, path),) = mistakes(value)
        assert message.startswith("${{parent.inputs.v}} is a")
        assert path == f"jobs.s.inputs.{port}"
        inputs["v"] = {"type": PORTS[port]["type"]}
        assert mistakes(value) == []

    def test_what_comes_from_further_up_is_checked_there(self) -> None:
        given = {"n": "${{parent.inputs.v}}"}
        assert mistakes(with_component(given, inputs={"v": "${{parent.inputs.w}}"})) == []

    def test_what_another_step_is_given_has_the_type_it_has_there(self) -> None:
        value = with_component({"n": "${{parent.jobs.a.inputs.x}}"})
        value["jobs"]["a"] = command(inputs={"x": 1})
        assert mistakes(value) == []

    def test_a_folder_may_go_where_a_file_is_asked_for(self) -> None:
        value = with_component({"data": "${{parent.jobs.a.outputs.o}}"})
        value["jobs"]["a"] = command(outputs={"o": {"type": "uri_file"}})
        assert mistakes(value) == []

    def test_a_components_own_mistake_is_said_elsewhere(self) -> None:
        broken = {"n": {"type": "integer", "min": [1], "optional": True}}
        assert mistakes(with_component({"n": 3}, broken)) == []

    def test_outputs_that_a_component_has_not(self) -> None:
        step = {
            "component": component(outputs={"o": {"type": "uri_folder"}}),
            "outputs": {"p": None},
        }
        ((message, path),) = mistakes({"jobs": {"s": step}})
        assert (message, path) == (
            "the component of step 's' has no output 'p'",
            "jobs.s.outputs.p",
        )
        step["outputs"] = {"artifacts": None}
        assert mistakes({"jobs": {"s": step}}) == []

    def test_inputs_and_outputs_that_another_step_has_not(self) -> None:
        first = {"command": "true", "inputs": {"rate": 1}, "outputs": {"out": None}}
        for side, name in (("inputs", "rat"), ("outputs", "ot")):
            bound = f"${{{{parent.jobs.a.{side}.{name}}}}}"
            second = {"command": "true", "inputs": {"x": bound}}
            ((message, path),) = mistakes({"jobs": {"a": first, "b": second}})
            noun = side.removesuffix("s")
            assert message == f"{bound} is not defined: step 'a' has no {noun} {name!r}"
            assert path == "jobs.b.inputs.x"

    @pytest.mark.parametrize("part", ["inputs", "outputs"])
    @pytest.mark.parametrize("name", ["jobs.a.outputs.m", "inputs.x", "outputs.y"])
    def test_bindings_of_the_first_preview_are_no_texts(self, part: str, name: str) -> None:
        found = the_error(
            HEAD + "  a: {command: t, environment: azureml:e:1, outputs: {m: }}\n"
            f"  b:\n    command: t\n    environment: azureml:e:1\n    {part}:\n"
            f"      p: {{path: '${{{{{name}}}}}'}}\n"
        )
        assert found.line == 8
        assert found.message == f"${{{{{name}}}}} means nothing in a step's `{part}:`"
        assert found.hint == f"Write: ${{{{parent.{name}}}}}"

    def test_the_type_of_steps_with_components_in_the_first_preview(self) -> None:
        found = the_error(HEAD + "  a: {type: component, component: 'azureml:c:1'}\n")
        assert found.message == "there is no type 'component'"
        assert found.hint == "Say what the component is, such as `type: command`."


class TestOutputs:
    @pytest.mark.parametrize(
        "written, part",
        [
            ("${{parent.outputs.p}}", "the pipeline has no output 'p'"),
            ("${{parent.jobs.s}}", "is bound to ${{parent.outputs.…}}"),
            ("text", "'text' is no output"),
        ],
    )
    def test_what_is_none(self, written: str, part: str) -> None:
        found = mistakes({"jobs": {"s": command(outputs={"o": written})}, "outputs": {}})
        assert part in found[0][0]

    def test_two_steps_do_not_make_the_same(self) -> None:
        step = command(outputs={"o": "${{parent.outputs.p}}"})
        ((message, path),) = mistakes({"jobs": {"a": step, "b": step}, "outputs": {"p": None}})
        assert path == "jobs.b.outputs.o"
        assert "is made by jobs.a.outputs.o already" in message

    def test_two_sides_of_a_condition_may(self) -> None:
        step = command(outputs={"o": "${{parent.outputs.p}}"})
        ask = {"type": "if_else", "condition": True, "true_block": "a", "false_block": "b"}
        assert mistakes({"jobs": {"i": ask, "a": step, "b": step}, "outputs": {"p": None}}) == []


class TestNeeds:
    @pytest.mark.parametrize("field", ["depends_on", "on_failure"])
    def test_name_steps_that_are_there(self, field: str) -> None:
        ((message, path),) = mistakes({"jobs": {"abc": command(), "b": command(**{field: "abd"})}})
        assert (message, path) == (
            f"`{field}` names 'abd': there is no such step",
            f"jobs.b.{field}",
        )

    def test_not_the_step_itself(self) -> None:
        ((message, _),) = mistakes({"jobs": {"a": command(depends_on=["a"])}})
        assert message == "`depends_on` names 'a', the step itself"

    def test_a_step_cannot_take_what_it_makes(self) -> None:
        step = command(inputs={"x": "${{parent.jobs.a.outputs.o}}"}, outputs={"o": None})
        ((message, _),) = mistakes({"jobs": {"a": step}})
        assert "wait for each other: a → a" in message

    @pytest.mark.parametrize(
        "written", ["a", ["a"], "${{parent.jobs.a}}", ["${{ parent.jobs.a }}"], ["a", None]]
    )
    def test_are_written_in_many_ways(self, written: Any) -> None:
        graph = graph_of({"b": command(depends_on=written), "a": command()})
        assert (graph["order"], graph["steps"]["b"]["needs"]) == (["a", "b"], ["a"])


def looped(**more: Any) -> list[tuple[str, str]]:
    loop = {"type": "parallel_for", "body": "b", "items": [{"x": 1}], **more}
    return mistakes({"jobs": {"l": loop, "b": command(inputs={"x": 0})}})


def repeated(**more: Any) -> list[tuple[str, str]]:
    loop = {
        "type": "do_while",
        "body": "b",
        "condition": "${{parent.jobs.b.outputs.o}}",
        "limits": {"max_iteration_count": 3},
        **more,
    }
    return mistakes({"jobs": {"l": loop, "b": command(outputs={"o": {"type": "boolean"}})}})


class TestWhatAStepIs:
    def said(self, **steps: Any) -> list[tuple[str, str | None]]:
        check = Check({"type": "pipeline", "jobs": steps})
        check_pipeline_job(check)
        return [(one.message, one.hint) for one in errors_of(check.diagnostics)]

    @pytest.mark.parametrize(
        "step",
        [
            {"component": "azureml:c:1"},
            {"component": "./c.yml"},
            {"type": "command", "component": "azureml:c:1"},
            {"type": "sweep", "trial": "azureml:c:1"},
            {"type": "parallel", "component": "azureml:c:1"},
            {"type": "pipeline", "component": "azureml:c:1"},
            {"type": "pipeline", "jobs": {"a": {"command": "true"}}},
            {"component": {"type": "command", "command": "true", "flow": 1, "nodes": 2}},
        ],
        ids=str,
    )
    def test_a_step_that_runs_something_is_one(self, step: dict[str, Any]) -> None:
        assert self.said(s=step) == []

    def test_one_of_a_strange_type_is_told_what_there_is(self) -> None:
        ((_, near),) = self.said(s={"type": "comand", "command": "true"})
        assert near == "Did you mean 'command'?"
        ((_, far),) = self.said(s={"type": "zzz", "command": "true"})
        assert far == (
            "There are: command, do_while, if_else, parallel, parallel_for, pipeline, sweep."
        )

    @pytest.mark.parametrize("kind", ["spark", "automl", "import", "DataTransfer"])
    def test_one_that_nothing_runs_yet_is_told_so_and_looked_into_no_further(
        self, kind: str
    ) -> None:
        step = {"type": kind, "inputs": {"x": "${{parent.inputs.nobody}}"}}
        found = the_error(f"{HEAD}  s: {json.dumps(step)}\n")
        assert found.message.startswith("steps of type ")
        assert found.message.endswith(" are not supported yet")
        assert found.path == "jobs.s.type"

    @pytest.mark.parametrize("jobs", [3, [1], "text"])
    def test_what_is_no_mapping_of_steps_is_told_once(self, jobs: Any) -> None:
        for kind in ("pipeline-job", "pipeline-component"):
            value = {"type": "pipeline", "name": "p", "jobs": jobs}
            (found,) = errors_of(validate(kind, value)[1])
            assert found.path == "jobs"

    def test_of_a_component_of_another_place_nothing_is_known(self) -> None:
        value = {"type": "pipeline", "component": "azureml:c:1", "outputs": {"o": None}}
        assert validate("pipeline-job", value)[1] == []

    def test_what_a_step_is_told_is_told_once(self) -> None:
        assert len(self.said(**{"a.b": {"command": "true"}})) == 1

    def test_a_pipeline_component_is_a_component(self) -> None:
        made = {"type": "pipeline", "name": "p", "jobs": {"a": command()}}
        _, found = validate("pipeline-component", {**made, "inputs": {"a b": {"type": "string"}}})
        assert [one.path for one in errors_of(found)] == ["inputs.a b"]


class TestControl:
    def test_fields_that_no_such_step_has_are_told(self) -> None:
        steps = {
            "i": {"type": "if_else", "condition": True, "true_block": "a", "fals_block": "b"},
            "d": {
                "type": "do_while",
                "body": "b",
                "condition": True,
                "limits": {"max_iteration_count": 2},
                "mapping": {},
                "display_name": "again",
                "description": "until it is good",
                "tags": {},
                "properties": {},
                "depends_on": "a",
                "maping": {},
            },
            "p": {"type": "parallel_for", "body": "c", "items": [{}], "max_concurency": 1},
            **{name: command() for name in "abc"},
        }
        check = Check({"jobs": steps})
        compile_graph(check.value, check)
        assert [(one.path, one.hint) for one in check.diagnostics] == [
            ("jobs.i.fals_block", "Did you mean 'false_block'?"),
            ("jobs.d.maping", "Did you mean 'mapping'?"),
            ("jobs.p.max_concurency", "Did you mean 'max_concurrency'?"),
        ]

    def test_what_is_right(self) -> None:
        assert looped() == looped(max_concurrency=2) == repeated() == []
        assert looped(items="${{parent.inputs.list}}") == []
        assert looped(items='[{"x": 1}]') == []

    @pytest.mark.parametrize(
        "body, hint", [(["b", "c"], "Put it into a pipeline component"), ([], "Write ${{parent.")]
    )
    def test_a_body_is_one_step(self, body: list[str], hint: str) -> None:
        loop = {"type": "parallel_for", "body": body, "items": []}
        _, check = compiled({"jobs": {"l": loop, "b": command(), "c": command()}})
        assert str(check.diagnostics[0].hint).startswith(hint)

    def test_bounds_are_part_of_what_is_allowed(self) -> None:
        assert looped(max_concurrency=1) == []
        assert repeated(limits={"max_iteration_count": 1}) == []
        assert repeated(limits={"max_iteration_count": 1000}) == []
        assert looped(items={"k" * 100: {"x": 1}}) == []
        assert looped(items={"k" * 101: {"x": 1}}) != []

    def test_a_loop_needs_what_its_body_needs_once(self) -> None:
        body = command(inputs={"x": 0}, depends_on=["first", "second"])
        loop = {"type": "parallel_for", "body": "b", "items": [], "depends_on": "first"}
        graph = graph_of({"l": loop, "b": body, "first": command(), "second": command()})
        assert graph["steps"]["l"]["needs"] == ["first", "second"]

    @pytest.mark.parametrize(
        "loop, line",
        [
            ("{type: if_else, condition: true}", "loop"),
            ("{type: do_while, body: b, condition: true}", "loop"),
            ("{type: parallel_for, items: []}", "loop"),
            ("{type: parallel_for, body: b}", "loop"),
        ],
    )
    def test_what_is_missing_is_told_at_the_steps_name(self, loop: str, line: str) -> None:
        found = errors(HEAD + f"  b: {{command: t, environment: azureml:e:1}}\n  {line}: {loop}\n")
        assert [(one.line, one.column) for one in found] == [(4, 3)]

    def bound(self, step: str, body: dict[str, Any], port: str = "o") -> Check:
        steps = {"l": {"type": "parallel_for", "body": "b", "items": [{"x": 1}]}, "b": body}
        said = dict(steps[step].get("outputs") or {})
        steps[step] = {
            **steps[step],
            "outputs": {**said, port: "${{parent.outputs.all}}"},
        }
        value = {"outputs": {"all": {"type": "mltable"}}, "jobs": steps}
        check = Check(value)
        compile_graph(value, check)
        return check

    @pytest.mark.parametrize("step", ["l", "b"])
    def test_an_output_of_each_item_is_one_of_the_pipelines_in_the_end(self, step: str) -> None:
        body = command(inputs={"x": 0}, outputs={"o": {"type": "uri_folder"}})
        assert self.bound(step, body).diagnostics == []

    def test_but_what_a_loop_runs_must_make_it(self) -> None:
        (found,) = self.bound("l", command(outputs={"model": None}), "modle").diagnostics
        assert (found.severity, found.path) == ("error", "jobs.l.outputs.modle")
        assert found.message == "step 'b', which 'l' runs, has no output 'modle'"
        assert found.hint == "Did you mean 'model'?"
        (found,) = self.bound("l", command(), "other").diagnostics
        assert found.hint == "It has: none."

    def test_nobody_looked_into_a_component_of_another_place(self) -> None:
        assert self.bound("l", {"component": "azureml:c:1"}).diagnostics == []
        assert self.bound("l", command(), "artifacts").diagnostics == []

    def test_what_is_missing_is_told_once(self) -> None:
        assert looped(items=None) == [("`items` is missing", "jobs.l")]
        assert repeated(condition=None) == [("`condition` is missing", "jobs.l")]

    @pytest.mark.parametrize(
        "more, part",
        [
            ({"items": None}, "`items` is missing"),
            ({"items": 3}, "`items` must be"),
            ({"items": [1]}, "`items` must be"),
            ({"items": "["}, "`items` must be"),
            ({"items": "${{parent.jobs.z.outputs.o}}"}, "there is no step 'z'"),
            ({"max_concurrency": 0}, "must be a number from 1"),
            ({"max_concurrency": "2"}, "must be a number from 1"),
            ({"max_concurrency": True}, "must be a number from 1"),
            ({"body": None}, "has no `body`"),
            ({"body": ["b", "l"]}, "has more than one `body`"),
            ({"body": "z"}, "there is no such step"),
            ({"body": "l"}, "`body` is a job or a pipeline"),
        ],
    )
    def test_parallel_for(self, more: dict[str, Any], part: str) -> None:
        assert any(part in message for message, _ in looped(**more)), looped(**more)

    @pytest.mark.parametrize(
        "more, part",
        [
            ({"limits": None}, "max_iteration_count"),
            ({"limits": {"max_iteration_count": 0}}, "a number from 1 to 1000"),
            ({"limits": {"max_iteration_count": 1001}}, "a number from 1 to 1000"),
            ({"limits": {"max_iteration_count": True}}, "a number from 1 to 1000"),
            ({"condition": None}, "`condition` is missing"),
            ({"condition": "maybe"}, "neither true nor false"),
        ],
    )
    def test_do_while(self, more: dict[str, Any], part: str) -> None:
        assert any(part in message for message, _ in repeated(**more)), repeated(**more)

    def test_a_condition_without_sides(self) -> None:
        ((message, _),) = mistakes({"jobs": {"i": {"type": "if_else", "condition": True}}})
        assert message == "`if_else` has neither `true_block` nor `false_block`"

    def test_a_step_is_run_by_one(self) -> None:
        ask = {"type": "if_else", "condition": True, "true_block": "a"}
        ((message, path),) = mistakes({"jobs": {"i": ask, "j": ask, "a": command()}})
        assert (message, path) == ("'a' is run by 'i' already", "jobs.j.true_block")
        loop = {"type": "parallel_for", "body": "a", "items": []}
        found = mistakes({"jobs": {"l": loop, "m": loop, "a": command()}})
        assert ("'a' is run by 'l' already", "jobs.m.body") in found

    def test_a_condition_cannot_ask_its_own_side(self) -> None:
        ask = {"type": "if_else", "condition": "${{parent.jobs.a.outputs.o}}", "true_block": "a"}
        found = mistakes({"jobs": {"i": ask, "a": command(outputs={"o": {"type": "boolean"}})}})
        assert "wait for each other" in found[0][0]

    def test_items_give_a_component_what_it_needs(self) -> None:
        needs = {"x": {"type": "integer"}, "y": {"type": "integer"}}
        body = {"component": component(inputs=needs)}
        loop = {"type": "parallel_for", "body": "b", "items": [{"x": 1, "y": 1}, {"x": 2}]}
        ((message, _),) = mistakes({"jobs": {"l": loop, "b": body}})
        assert "is not given the input 'y'" in message
        loop["items"] = "${{parent.inputs.list}}"
        assert mistakes({"jobs": {"l": loop, "b": body}, "inputs": {"list": "[]"}}) == []

    def test_a_mapping_gives_a_component_what_it_needs(self) -> None:
        body = {
            "component": component(
                inputs={"x": {"type": "integer"}}, outputs={"o": {"type": "boolean"}}
            )
        }
        loop = {
            "type": "do_while",
            "body": "b",
            "condition": "${{parent.jobs.b.outputs.o}}",
            "limits": {"max_iteration_count": 2},
            "mapping": {"o": "${{parent.jobs.b.inputs.x}}"},
        }
        assert mistakes({"jobs": {"l": loop, "b": body}}) == []
