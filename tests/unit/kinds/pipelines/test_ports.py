"""What is said of inputs and outputs that do not fit: where it is shown, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import load_document
from lazur.kinds.pipelines.compiling import compile_graph
from lazur.spec.checking import Check
from lazur.spec.diagnostics import Diagnostic, errors_of
from lazur.spec.yaml import load
from tests.unit.kinds.pipelines.world import command, component, mistakes

FILE = """\
type: pipeline
inputs:
  v: 3
outputs:
  all:
jobs:
  maker:
    command: t
    environment: azureml:e:1
    inputs: {rate: 1}
    outputs: {model: , notes: , other: }
  bare: {command: t, environment: azureml:e:1}
  s:
    component:
      command: t
      environment: azureml:e:1
      inputs:
        n: {type: integer, optional: true}
        d: {type: mltable, optional: true}
"""
NEEDY = """\
type: pipeline
jobs:
  s:
    component:
      command: t
      environment: azureml:e:1
      inputs:
        n: {type: integer}
"""


def the_error(text: str) -> Diagnostic:
    _, _, found = load_document(load(text, "p.yml"))
    (one,) = errors_of(found)
    return one


def shown(found: Diagnostic) -> str:
    """The text of the file from where the mistake is shown."""
    assert found.text is not None
    assert found.column is not None
    return found.text[found.column - 1 :]


class TestPlaces:
    @pytest.mark.parametrize(
        "inputs, at, message, hint",
        [
            (
                "{N: 3}",
                "N: 3",
                "the component of step 's' has no input 'N'",
                "Did you mean 'n'?",
            ),
            ("{n: x}", "x}", "the input 'n' of step 's' takes an integer: ", None),
            ("{d: 3}", "3}", "the input 'd' of step 's' takes an mltable, not 3", None),
            (
                "{n: 1, d: '${{parent.inputs.v}}'}",
                "${{parent.inputs.v}}",
                "the input 'd' of step 's' takes an mltable, not 3",
                None,
            ),
            (
                "{d: {path: 'x', mode: '${{parent.inputs.w}}'}}",
                "${{parent.inputs.w}}",
                "${{parent.inputs.w}} is not defined: the pipeline has no input 'w'",
                "There are: v.",
            ),
            (
                "{n: '${{parent.jobs.maker.inputs.rat}}'}",
                "${{parent.jobs.maker.inputs.rat}}",
                "${{parent.jobs.maker.inputs.rat}} is not defined: step 'maker' has no input",
                "Did you mean 'rate'?",
            ),
            (
                "{d: '${{parent.jobs.maker.outputs.xyz}}'}",
                "${{parent.jobs.maker.outputs.xyz}}",
                "${{parent.jobs.maker.outputs.xyz}} is not defined: step 'maker' has no output",
                "There are: artifacts, default, model, notes, other.",
            ),
            (
                "{d: '${{parent.jobs.bare.inputs.xyz}}'}",
                "${{parent.jobs.bare.inputs.xyz}}",
                "${{parent.jobs.bare.inputs.xyz}} is not defined: step 'bare' has no input",
                "It has: none.",
            ),
            (
                "{n: 3, d: '${{parent.jobs.maker}}'}",
                "${{parent.jobs.maker}}",
                "${{parent.jobs.maker}} gives nothing to the input 'd' of step 's'",
                "Write ${{parent.jobs.NAME.outputs.PORT}}, or ${{parent.inputs.NAME}}.",
            ),
            (
                "{n: 'a ${{parent.outputs.all}}'}",
                "${{parent.outputs.all}}",
                "${{parent.outputs.all}} gives nothing to the input 'n' of step 's'",
                "Write ${{parent.jobs.NAME.outputs.PORT}}, or ${{parent.inputs.NAME}}.",
            ),
        ],
        ids=str,
    )
    def test_of_what_is_given(self, inputs: str, at: str, message: str, hint: str | None) -> None:
        found = the_error(f"{FILE}    inputs: {inputs}\n")
        assert shown(found).startswith(at)
        assert found.message.startswith(message)
        assert found.hint == hint

    @pytest.mark.parametrize("inputs", ["{rt: 3}", "{default: 3}", "{n: 1, N: 2}"])
    def test_of_what_nobody_reads(self, inputs: str) -> None:
        _, _, diagnostics = load_document(load(f"{FILE}    inputs: {inputs}\n", "p.yml"))
        assert errors_of(diagnostics) == []
        (found,) = (one for one in diagnostics if "nobody reads it" in one.message)
        port = inputs[1:-1].split()[-2].removesuffix(":")
        assert found.severity == "warning"
        assert found.message == f"the component of step 's' has no input {port!r}: nobody reads it"
        assert shown(found).startswith(f"{port}: ")
        assert found.hint in ("There are: d, n.", "Did you mean 'n'?")

    def test_of_what_may_be_meant_for_an_input_that_is_missing(self) -> None:
        _, _, diagnostics = load_document(load(f"{NEEDY}    inputs: {{rt: 3}}\n", "p.yml"))
        missing, surplus = sorted(one.message for one in errors_of(diagnostics))
        assert missing.startswith("step 's' is not given the input 'n'")
        assert surplus == "the component of step 's' has no input 'rt'"

    @pytest.mark.parametrize(
        "inputs, line, at",
        [
            ("", 3, "s:"),
            ("    inputs: {}\n", 3, "s:"),
            ("    inputs: {n: }\n", 9, "inputs: {n: }"),
        ],
    )
    def test_of_what_is_missing(self, inputs: str, line: int, at: str) -> None:
        found = the_error(f"{NEEDY}{inputs}")
        assert (found.line, shown(found)) == (line, at)
        assert found.message == (
            "step 's' is not given the input 'n', an integer, which its component needs"
        )
        assert found.hint == "Give it under `inputs:`, `n: …`."

    @pytest.mark.parametrize(
        "many, hint",
        [
            (0, "It has: none."),
            (2, "There are: p0, p1."),
            (9, "It has: p0, p1, p2, p3, p4, p5, p6, p7, p8."),
        ],
    )
    def test_what_there_is_instead(self, many: int, hint: str) -> None:
        ports = {f"p{at}": {"type": "integer", "optional": True} for at in range(many)}
        step = {"component": component(outputs=ports), "outputs": {"strange": None}}
        assert hints({"jobs": {"s": step}}) == [hint]
        maker = command(outputs=dict.fromkeys(ports))
        taker = command(inputs={"x": "${{parent.jobs.s.outputs.strange}}"})
        (found,) = hints({"jobs": {"s": maker, "t": taker}})
        there = hint if many == 9 else f"There are: {', '.join(['artifacts', 'default', *ports])}."
        assert found == there

    def test_of_what_is_of_another_kind(self) -> None:
        step = {"component": component(inputs={"n": {"type": "integer"}})}
        step["inputs"] = {"n": "${{parent.jobs.a.outputs.o}}"}
        maker = command(outputs={"o": {"type": "mltable"}})
        (found,) = told({"jobs": {"a": maker, "s": step}})
        assert found.message == (
            "${{parent.jobs.a.outputs.o}} is an mltable; "
            "the input 'n' of step 's' takes an integer"
        )
        assert found.hint == "Bind it to an integer, or change what the component takes."

    def test_of_what_has_no_value_when_it_begins(self) -> None:
        given = "    inputs: {n: '${{parent.inputs.v}}'}\n"
        document = load(f"{NEEDY}{given}inputs:\n  v: {{type: integer}}\n", "p.yml")
        check = Check(document.value, document)
        compile_graph(document.value, check, begins=True)
        (found,) = check.diagnostics
        assert (found.line, shown(found)) == (11, "v: {type: integer}")


def told(value: dict[str, Any], *, begins: bool = False) -> list[Diagnostic]:
    check = Check(value)
    compile_graph(value, check, begins=begins)
    return errors_of(check.diagnostics)


def hints(value: dict[str, Any]) -> list[str | None]:
    return [one.hint for one in told(value)]


def step_with(declared: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"component": component(inputs=declared), "inputs": given}


class TestGiven:
    def test_a_command_written_in_place_declares_nothing(self) -> None:
        assert mistakes({"jobs": {"s": command(inputs={"x": None})}}) == []

    def test_a_path_in_a_mapping_is_looked_through(self) -> None:
        step = step_with({"d": {"type": "uri_folder"}}, d={"path": "${{parent.inputs.v}}"})
        ((message, _),) = mistakes({"inputs": {"v": 3}, "jobs": {"s": step}})
        assert message == "the input 'd' of step 's' takes a uri_folder, not 3"
        step["inputs"] = {"d": {"path": "${{parent.jobs.a.outputs.o}}"}}
        maker = command(outputs={"o": {"type": "Integer"}})
        ((message, _),) = mistakes({"jobs": {"a": maker, "s": step}})
        assert message.startswith("${{parent.jobs.a.outputs.o}} is an Integer; ")

    def test_types_are_the_same_whatever_their_case(self) -> None:
        step = step_with({"n": {"type": "integer"}}, n="${{parent.jobs.a.outputs.o}}")
        maker = command(outputs={"o": {"type": "Integer"}})
        assert mistakes({"jobs": {"a": maker, "s": step}}) == []

    def test_an_output_is_not_taken_for_the_pipelines_input_of_its_name(self) -> None:
        step = step_with({"n": {"type": "integer"}}, n="${{parent.jobs.a.outputs.o}}")
        maker = command(outputs={"o": {"type": "integer"}})
        assert mistakes({"inputs": {"o": "text"}, "jobs": {"a": maker, "s": step}}) == []

    def test_what_a_step_that_is_not_there_makes_is_told_once(self) -> None:
        step = step_with({"n": {"type": "integer"}}, n="${{parent.jobs.z.outputs.o}}")
        ((message, _),) = mistakes({"jobs": {"s": step}})
        assert "there is no step 'z'" in message

    @pytest.mark.parametrize("bound", ["parent.jobs.a", "parent.outputs.o"])
    def test_a_whole_step_or_an_output_of_the_pipeline_gives_nothing(self, bound: str) -> None:
        steps = {"a": command(), "s": command(inputs={"x": f"${{{{{bound}}}}}"})}
        ((message, path),) = mistakes({"outputs": {"o": None}, "jobs": steps})
        assert "gives nothing to the input 'x' of step 's'" in message
        assert path == "jobs.s.inputs.x"
        del steps["a"]
        ((message, _),) = mistakes({"jobs": steps})
        assert "is not defined" in message

    def test_an_input_of_the_pipeline_may_be_called_as_an_output_is(self) -> None:
        step = command(inputs={"x": "${{parent.inputs.o}}"})
        value = {"inputs": {"o": 1}, "outputs": {"o": None}, "jobs": {"s": step}}
        assert mistakes(value) == []

    def test_all_that_a_text_names_is_looked_at(self) -> None:
        text = "${{parent.inputs.v}} ${{parent.jobs.a.outputs.o}}"
        steps = {"a": command(outputs={"p": None}), "s": command(inputs={"x": text})}
        ((message, _),) = mistakes({"inputs": {"v": 1}, "jobs": steps})
        assert "step 'a' has no output 'o'" in message

    def test_the_artifacts_of_a_step_may_be_taken(self) -> None:
        steps = {
            "a": command(),
            "s": command(inputs={"x": "${{parent.jobs.a.outputs.artifacts}}"}),
        }
        assert mistakes({"jobs": steps}) == []

    def test_what_the_component_of_another_place_makes_is_not_known(self) -> None:
        taker = command(inputs={"x": "${{parent.jobs.a.outputs.o}}"})
        for maker in ({"component": "azureml:c:1"}, {"type": "sweep", "trial": "azureml:c:1"}):
            assert mistakes({"jobs": {"a": maker, "s": taker}}) == []

    def test_a_components_own_mistakes_hide_no_others(self) -> None:
        wrong_default = {"n": {"type": "integer", "default": "many"}}
        ((message, _),) = mistakes({"jobs": {"s": step_with(wrong_default, n="few")}})
        assert "'few'" in message
        assert mistakes({"jobs": {"s": step_with({"n": {"description": "?"}}, n=3)}}) == []


INTEGER = {"type": "integer"}
BODY = {"component": component(inputs={"x": INTEGER, "y": INTEGER})}
NEEDED = "the pipeline's input 'v', an integer, has no value, and step 's' needs it"


class TestLoops:
    """What a loop gives its body."""

    def missing(self, **loop: Any) -> list[str]:
        steps = {"l": {"type": "parallel_for", "body": "b", **loop}, "b": BODY}
        found = told({"jobs": steps, "inputs": {"list": "[]"}})
        return [one.message.split("'")[3] for one in found if "is not given" in one.message]

    def test_all_of_its_items_have(self) -> None:
        assert self.missing(items=[{"x": 1, "y": 2}]) == []
        assert self.missing(items=[{"x": 1, "y": 2}, {"y": 2}]) == ["x"]

    @pytest.mark.parametrize("items", [[], {}, 3, [1]])
    def test_nothing_where_there_are_none(self, items: Any) -> None:
        assert self.missing(items=items) == ["x", "y"]

    def test_all_of_items_that_are_not_known_yet_also_without_a_type(self) -> None:
        assert self.missing(items="${{parent.inputs.list}}") == []
        untyped = {"component": component(inputs={"g.x": {"description": "?"}})}
        loop = {"type": "parallel_for", "body": "b", "items": "${{parent.inputs.list}}"}
        assert mistakes({"inputs": {"list": "[]"}, "jobs": {"l": loop, "b": untyped}}) == []

    def test_inputs_of_the_loop_itself_go_nowhere(self) -> None:
        assert self.missing(items=[{"x": 1}], inputs={"y": 2}) == ["y"]

    def test_a_mapping_gives_what_it_names_as_an_input_of_the_body(self) -> None:
        loop = {
            "type": "do_while",
            "body": "b",
            "condition": True,
            "limits": {"max_iteration_count": 2},
            "mapping": {"o": "${{parent.jobs.b.inputs.x}}", "p": "${{parent.jobs.b.outputs.y}}"},
        }
        found = mistakes({"jobs": {"l": loop, "b": BODY}})
        assert [path for _, path in found] == ["jobs.b"]
        assert "'y'" in found[0][0]


class TestWhenItBegins:
    def asked(self, declared: dict[str, Any], given: dict[str, Any], **inputs: Any) -> list[str]:
        step = {"component": component(inputs=declared), "inputs": given}
        return [one.message for one in told({"jobs": {"s": step}, "inputs": inputs}, begins=True)]

    @pytest.mark.parametrize(
        "first", [{"type": "integer", "optional": True}, {"type": "integer", "default": 1}]
    )
    def test_what_can_be_left_out_does_not_hide_what_cannot(self, first: dict[str, Any]) -> None:
        given = {"a": "${{parent.inputs.u}}", "n": "${{parent.inputs.v}}"}
        declared = {"a": first, "n": INTEGER}
        assert self.asked(declared, given, u=None, v=None) == [NEEDED]

    def test_nor_does_what_is_given(self) -> None:
        declared = {"a": INTEGER, "n": INTEGER}
        given = {"a": 3, "n": "${{parent.inputs.v}}"}
        assert self.asked(declared, given, v=None) == [NEEDED]

    def test_a_step_without_a_component_says_itself_what_it_needs(self) -> None:
        step = command(inputs={"x": "${{parent.inputs.v}}"})
        assert told({"jobs": {"s": step}, "inputs": {"v": None}}, begins=True) == []

    def test_a_group_has_its_members_values(self) -> None:
        given = {"n": "${{parent.inputs.g.lr}}"}
        assert self.asked({"n": INTEGER}, given, g={"lr": 1}) == []

    def test_an_output_is_not_taken_for_the_pipelines_input_of_its_name(self) -> None:
        step = step_with({"n": INTEGER}, n="${{parent.jobs.a.outputs.o}}")
        maker = command(outputs={"o": INTEGER})
        value = {"inputs": {"o": None}, "jobs": {"a": maker, "s": step}}
        assert told(value, begins=True) == []

    def test_what_is_wrong_is_told_then_too(self) -> None:
        (surplus,) = self.asked(
            {"n": {**INTEGER, "optional": True}}, {"N": "${{parent.inputs.v}}"}, v=None
        )
        assert "has no input 'N'" in surplus
        (unknown,) = self.asked({"n": INTEGER}, {"n": "${{parent.inputs.w}}"})
        assert "the pipeline has no input 'w'" in unknown

    def test_data_in_the_words_of_the_first_version_is_asked_for_by_its_path(self) -> None:
        step = step_with({"d": {"type": "path"}}, d="${{parent.inputs.v}}")
        (found,) = told({"jobs": {"s": step}, "inputs": {"v": None}}, begins=True)
        assert found.hint == "Give it a `path:` here, or: --set inputs.v.path=…"
