"""The job that a step becomes: what of it is bound, inherited, and said twice."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine.decisions import ChildView
from lazur.engine.states import State
from lazur.kinds import catalog
from lazur.kinds.pipelines import control, jobs
from lazur.spec.diagnostics import errors_of
from tests.unit.kinds.pipelines.world import child, command, component, graph_of


def made(
    steps: dict[str, Any], name: str, *children: ChildView, given: Any = None, **more: Any
) -> dict[str, Any]:
    graph = graph_of(steps, **more)
    known = {one.step: one for one in children}
    return jobs.job(graph, name, "p", given or {}, known)


def is_a_job(spec: dict[str, Any]) -> None:
    _, found = catalog.validate(f"{spec['type']}-job", spec)
    assert errors_of(found) == []


def input_of(bound: Any, declared: Any = None, **more: Any) -> Any:
    """What the input `x` becomes in the job."""
    if declared is None:
        return made({"s": command(inputs={"x": bound})}, "s", **more)["inputs"]["x"]
    step = {"component": component(inputs={"x": declared}), "inputs": {"x": bound}}
    return made({"s": step}, "s", **more)["inputs"]["x"]


DATA = {"type": "uri_folder", "path": "azureml:d:1", "mode": "download"}
MAKER = {"outputs": {"o": {"type": "mltable"}, "n": {"type": "integer"}, "artifacts": None}}


class TestInputs:
    @pytest.mark.parametrize("value", [3, 0, 2.5, True, False, "", "text", "a ${{name}} b"])
    def test_a_literal_stays(self, value: Any) -> None:
        assert input_of(value) == value
        assert input_of("${{parent.inputs.v}}", inputs={"v": value}) == value

    def test_a_wrapped_literal_is_a_literal(self) -> None:
        assert input_of({"value": 3}) == 3

    def test_a_text_may_hold_several(self) -> None:
        inputs = {"a": 1, "b": "x"}
        assert input_of("${{parent.inputs.a}}-${{parent.inputs.b}}", inputs=inputs) == "1-x"

    def test_data_of_the_pipeline_stays_data(self) -> None:
        assert input_of("${{parent.inputs.d}}", inputs={"d": DATA}) == DATA

    def test_data_within_a_text_is_left(self) -> None:
        text = "a ${{parent.inputs.d}}"
        assert input_of(text, inputs={"d": DATA}) == text

    def test_a_group_has_members(self) -> None:
        inputs = {"g": {"lr": 0.1, "deep": {"n": 2}}}
        assert input_of("${{parent.inputs.g.lr}}", inputs=inputs) == 0.1
        assert input_of("${{parent.inputs.g.deep.n}}", inputs=inputs) == 2
        assert input_of("${{parent.inputs.a.b}}", inputs={"a.b": 5}) == 5
        assert input_of("${{parent.inputs.g.lr.deeper}}", inputs=inputs) is None

    def test_a_path_may_be_bound_and_the_mode_said_here(self) -> None:
        """`path: ${{parent.inputs.d}}` in a mapping that has a type or a mode."""
        bound = {"path": "${{parent.inputs.d}}", "mode": "direct"}
        assert input_of(bound, inputs={"d": DATA}) == {**DATA, "mode": "direct"}
        blank = {"path": "${{parent.inputs.d}}", "mode": None}
        assert input_of(blank, inputs={"d": DATA}) == DATA
        text = {"path": "${{parent.inputs.d}}", "type": "uri_file"}
        assert input_of(text, inputs={"d": "azureml:f:1"}) == {**text, "path": "azureml:f:1"}

    @pytest.mark.parametrize("kind", ["uri_folder", "UriFolder", "path"])
    def test_text_for_a_path_is_its_path(self, kind: str) -> None:
        found = input_of("azureml:d:1", {"type": kind})
        assert found == {"path": "azureml:d:1", "type": kind}

    def test_a_port_that_is_a_path_takes_any_kind(self) -> None:
        """Loose, as Azure is: a folder to an mltable, a file to a folder."""
        found = input_of({"path": "azureml:d:1", "type": "uri_folder"}, {"type": "mltable"})
        assert found["type"] == "uri_folder"
        found = input_of("${{parent.inputs.d}}", {"type": "mltable"}, inputs={"d": DATA})
        assert found == {**DATA, "type": "mltable"}
        file = {"type": "uri_file", "path": "azureml:f:1"}
        assert input_of("${{parent.inputs.f}}", {"type": "uri_folder"}, inputs={"f": file}) == file

    def test_what_is_not_given_is_the_default_or_nothing(self) -> None:
        declared = {
            "n": {"type": "integer", "default": 4},
            "o": {"type": "string", "optional": True},
            "d": {"type": "uri_folder", "optional": True},
        }
        found = made({"s": {"component": component(inputs=declared)}}, "s")
        assert found["inputs"] == {"n": 4, "o": None, "d": None}

    def test_an_optional_input_of_the_pipeline_stays_out(self) -> None:
        inputs = {"v": {"type": "string", "optional": True}, "d": {"type": "uri_folder"}}
        step = {
            "component": component(
                inputs={
                    "x": {"type": "string", "optional": True},
                    "d": {"type": "uri_folder", "optional": True},
                }
            ),
            "inputs": {"x": "${{parent.inputs.v}}", "d": {"path": "${{parent.inputs.d}}"}},
        }
        found = made({"s": step}, "s", inputs=inputs)["inputs"]
        assert found == {"x": None, "d": None}
        after = command(inputs={"x": "${{parent.jobs.s.inputs.x}}"})
        assert made({"s": step, "t": after}, "t", inputs=inputs)["inputs"] == {"x": None}

    def test_a_mapping_without_a_path_is_filled(self) -> None:
        found = input_of({"lr": "${{parent.inputs.v}}"}, inputs={"v": 3})
        assert found == {"lr": 3}

    def test_a_loop_gives_what_it_gives(self) -> None:
        found = made({"s": command(inputs={"x": 1, "y": 2})}, "s", given={"x": 9})
        assert found["inputs"] == {"x": 9, "y": 2}


class TestOutputsOfSteps:
    def steps(self, bound: Any) -> dict[str, Any]:
        return {"a": command(**MAKER), "s": command(inputs={"x": bound})}

    def taken(self, bound: Any, **results: Any) -> Any:
        before = child("a", notes={"results": results})
        return made(self.steps(bound), "s", before)["inputs"]["x"]

    def test_lie_where_the_job_of_the_step_put_them(self) -> None:
        place = {"type": "mltable", "path": "azureml://jobs/p_a/outputs/o"}
        assert self.taken("${{parent.jobs.a.outputs.o}}") == place
        told = {"path": "${{ parent.jobs.a.outputs.o }}", "mode": "download"}
        assert self.taken(told) == {**place, "mode": "download"}

    def test_the_artifacts_are_an_output_of_all(self) -> None:
        found = self.taken("${{parent.jobs.a.outputs.artifacts}}")
        assert found["path"] == "azureml://jobs/p_a/outputs/artifacts"
        assert found["type"] == "uri_folder"
        undeclared = self.taken("${{parent.jobs.a.outputs.default}}")
        assert undeclared == {"type": "uri_folder", "path": "azureml://jobs/p_a/outputs/default"}

    def test_values_are_values(self) -> None:
        assert self.taken("${{parent.jobs.a.outputs.n}}", n=5) == 5
        assert self.taken("n=${{parent.jobs.a.outputs.n}}", n=5) == "n=5"

    def test_data_are_there_of_a_step_that_wrote_no_values(self) -> None:
        found = made(self.steps("${{parent.jobs.a.outputs.o}}"), "s", child("a"))["inputs"]["x"]
        assert found == {"type": "mltable", "path": "azureml://jobs/p_a/outputs/o"}

    @pytest.mark.parametrize("source", ["b", "again"])
    def test_those_of_a_loop_are_its_last_rounds(self, source: str) -> None:
        steps = {
            "again": {
                "type": "do_while",
                "body": "b",
                "condition": False,
                "limits": {"max_iteration_count": 2},
            },
            "b": command(**MAKER),
            "s": command(inputs={"x": f"${{{{parent.jobs.{source}.outputs.o}}}}"}),
        }
        found = made(steps, "s", child("b.1"), child("b.2"))["inputs"]["x"]
        assert found == {"type": "mltable", "path": "azureml://jobs/p_b__2/outputs/o"}

    def test_inputs_of_a_step_may_be_taken_too(self) -> None:
        steps = {
            "a": command(inputs={"lr": "${{parent.inputs.lr}}", "d": DATA}),
            "s": command(
                inputs={
                    "x": "${{parent.jobs.a.inputs.lr}}",
                    "d": "${{parent.jobs.a.inputs.d}}",
                }
            ),
        }
        found = made(steps, "s", child("a"), inputs={"lr": 0.2})["inputs"]
        assert found == {"x": 0.2, "d": DATA}

    def test_a_step_itself_is_no_value(self) -> None:
        step = command(environment_variables={"A": "${{parent.jobs.a}}"})
        found = made({"a": command(), "s": step}, "s", child("a"))
        assert found["environment_variables"] == {"A": "${{parent.jobs.a}}"}

    def test_of_a_step_that_never_ran_there_is_nothing(self) -> None:
        for bound in ("${{parent.jobs.a.outputs.o}}", {"path": "${{parent.jobs.a.outputs.o}}"}):
            assert made(self.steps(bound), "s")["inputs"]["x"] is None

    def test_of_a_loop_through_items_all_are_told(self) -> None:
        steps = {
            "loop": {"type": "parallel_for", "body": "b", "items": [{}, {}]},
            "b": command(outputs={"n": {"type": "integer"}}),
            "s": command(inputs={"x": "${{parent.jobs.b.outputs.n}}"}),
        }
        children = (
            child("b.0", notes={"results": {"n": 1}}),
            child("b.1", State.FAILED),
        )
        assert made(steps, "s", *children)["inputs"]["x"] == "[1]"
        silent = child("b.1")
        assert made(steps, "s", children[0], silent)["inputs"]["x"] == "[1, null]"
        assert jobs.last_child(graph_of(steps), "b", {c.step: c for c in children}) is None

    @pytest.mark.parametrize("kind", ["uri_folder", "uri_file", "mltable", None])
    @pytest.mark.parametrize("source", ["b", "loop"])
    def test_their_data_are_one_table(self, kind: str | None, source: str) -> None:
        steps = {
            "loop": {"type": "parallel_for", "body": "b", "items": [{}, {}]},
            "b": command(outputs={"o": {"type": kind} if kind else None}),
            "s": command(inputs={"x": f"${{{{parent.jobs.{source}.outputs.o}}}}"}),
        }
        found = made(steps, "s", child("b.0"), child("b.1"))["inputs"]["x"]
        assert found == {"type": "mltable", "path": "azureml://jobs/p/outputs/b.o"}
        steps["s"]["inputs"]["x"] = f"${{{{parent.jobs.{source}.outputs.artifacts}}}}"
        found = made(steps, "s", child("b.0"), child("b.1"))["inputs"]["x"]
        assert found == {"type": "mltable", "path": "azureml://jobs/p/outputs/b.artifacts"}


class TestOutputs:
    def outputs(self, written: Any, **more: Any) -> Any:
        return made({"s": command(outputs=written)}, "s", **more)["outputs"]

    def test_an_empty_body_is_left_to_the_job(self) -> None:
        assert self.outputs({"o": None}) == {"o": {}}

    def test_the_artifacts_are_there_anyhow(self) -> None:
        assert self.outputs({"artifacts": None, "default": None, "o": None}) == {"o": {}}
        assert (
            "path"
            in self.outputs({"artifacts": {"path": "azureml://datastores/d/paths/x"}})["artifacts"]
        )

    def test_what_is_said_of_the_pipelines_output_holds(self) -> None:
        body = {
            "type": "uri_folder",
            "path": "azureml://datastores/d/paths/${{name}}/x",
            "mode": "upload",
            "description": "for people",
        }
        found = self.outputs({"o": "${{parent.outputs.all}}"}, outputs={"all": body})
        place = "azureml://datastores/d/paths/p/x"
        assert found == {"o": {"type": "uri_folder", "path": place, "mode": "upload"}}

    def test_where_it_says_something(self) -> None:
        written = {"o": {"path": "${{parent.outputs.all}}", "type": "mltable", "mode": "upload"}}
        blank = {"type": None, "mode": None, "path": None}
        found = self.outputs(written, outputs={"all": blank})
        assert found == {"o": {"type": "mltable", "mode": "upload"}}

    @pytest.mark.parametrize("bound", ["b", "loop"])
    @pytest.mark.parametrize(
        "item, folder",
        [("0", "0"), ("Red", "Red_ba19e9c3d5"), ("a/b", "a_b_c14cddc033"), ("", "")],
    )
    def test_an_item_has_a_place_of_its_own_in_that_of_all(
        self, bound: str, item: str, folder: str
    ) -> None:
        steps: dict[str, Any] = {
            "loop": {"type": "parallel_for", "body": "b", "items": [{}]},
            "b": command(outputs={"o": {"type": "uri_folder"}, "alone": None}),
        }
        port = {"o": "${{parent.outputs.all}}"}
        steps[bound]["outputs"] = {**steps[bound].get("outputs", {}), **port}
        steps["b"]["outputs"].setdefault("o", {"type": "uri_folder"})
        said = {"type": "mltable", "path": "azureml://datastores/d/paths/${{name}}/", "name": "n"}
        graph = graph_of(steps, outputs={"all": {**said, "mode": "upload"}})
        found = jobs.job(graph, "b", "p", {}, {}, item)["outputs"]
        place = f"azureml://datastores/d/paths/p/{folder}"
        kind = {"type": "uri_folder"} if bound == "loop" else {}
        assert found == {"o": {**kind, "path": place, "mode": "upload"}, "alone": {}}

    def test_that_of_all_may_be_without_a_place(self) -> None:
        steps = {
            "loop": {"type": "parallel_for", "body": "b", "items": [{}]},
            "b": command(outputs={"o": "${{parent.outputs.all}}"}),
        }
        graph = graph_of(steps, outputs={"all": {"type": "mltable"}})
        assert jobs.job(graph, "b", "p", {}, {}, "0")["outputs"] == {"o": {}}

    def test_a_mapping_may_be_bound_too(self) -> None:
        written = {"o": {"path": "${{parent.outputs.all}}", "type": "mltable", "mode": "upload"}}
        found = self.outputs(written, outputs={"all": None})
        assert found == {"o": {"type": "mltable", "mode": "upload"}}

    def test_a_path_may_be_an_input_of_the_pipeline(self) -> None:
        place = "azureml://datastores/d/paths/x"
        found = self.outputs({"o": {"path": "${{parent.inputs.w}}"}}, inputs={"w": place})
        assert found["o"].get("path") == place

    def test_a_value_is_written_as_a_file(self) -> None:
        for kind in ("integer", "Integer"):
            assert self.outputs({"n": {"type": kind}}) == {"n": {"type": "uri_file"}}
        assert self.outputs({"o": {"description": "it"}})["o"] == {}
        promoted = {"n": {"type": "integer", "path": "${{parent.outputs.n}}"}}
        folder = self.outputs(promoted, outputs={"n": {"type": "uri_folder"}})["n"]
        assert folder == {"type": "uri_file"}, "a value is a file, whatever the pipeline calls it"
        bare = {"n": {"type": "mltable", "path": "${{parent.outputs.n}}"}}
        table = self.outputs(bare, outputs={"n": {"type": "integer"}})["n"]
        assert table == {"type": "mltable"}, "and what is none does not become one"
        table = self.outputs(bare, outputs={"n": {"type": "Integer"}})["n"]
        assert table == {"type": "mltable"}
        promoted["n"]["type"] = "Integer"
        folder = self.outputs(promoted, outputs={"n": {"type": "uri_folder"}})["n"]
        assert folder == {"type": "uri_file"}
        assert self.outputs(promoted, outputs={"n": {"type": "integer"}})["n"] == {
            "type": "uri_file"
        }

    def test_the_default_datastore_is_where_they_lie(self) -> None:
        settings = {"default_datastore": "azureml:lake"}
        found = self.outputs({"o": None}, settings=settings)
        place = "azureml://datastores/lake/paths/azureml/${{name}}/o/"
        assert found == {"o": {"path": place}}

    def test_the_default_datastore_may_be_asked_for_in_a_path(self) -> None:
        place = "azureml://datastores/${{default_datastore}}/paths/${{name}}/x"
        asked = {"path": place}
        found = self.outputs({"o": asked, "p": {"mode": "upload"}})
        assert found == {"o": asked, "p": {"mode": "upload"}}, "the workspace's own"
        inputs = {"d": {**DATA, "path": place}, "n": 1}
        step = command(inputs=inputs, outputs={"o": asked, "p": {"mode": "upload"}})
        found = made({"s": step}, "s", settings={"default_datastore": "azureml:lake"})
        lake = "azureml://datastores/lake/paths"
        assert found["outputs"]["o"] == {"path": f"{lake}/${{{{name}}}}/x"}
        assert found["outputs"]["p"]["path"] == f"{lake}/azureml/${{{{name}}}}/p/"
        assert found["inputs"] == {"d": {**DATA, "path": f"{lake}/${{{{name}}}}/x"}, "n": 1}

    def test_the_name_of_an_output_is_that_of_the_pipelines_where_it_is_one(self) -> None:
        place = "azureml://datastores/d/paths/${{name}}/${{output_name}}"
        bound = self.outputs({"o": "${{parent.outputs.all}}"}, outputs={"all": {"path": place}})
        assert bound["o"]["path"] == "azureml://datastores/d/paths/p/all"
        assert self.outputs({"o": {"path": place}})["o"] == {"path": place}

    def test_a_name_registers_it(self) -> None:
        written = {"o": {"type": "uri_folder", "name": "prices", "version": "3"}}
        assert self.outputs(written) == written

    def test_notes_say_which_are_values(self) -> None:
        graph = graph_of({"s": command(outputs={"n": {"type": "Integer"}, "o": None})})
        assert jobs.notes(graph["steps"]["s"]) == {"values": {"n": "integer"}}
        graph = graph_of({"s": command(outputs={"o": None})})
        assert jobs.notes(graph["steps"]["s"]) == {}


class TestSettings:
    @pytest.mark.parametrize(
        "settings, compute, step, runs_on",
        [
            (None, None, None, None),
            (None, "azureml:a", None, "azureml:a"),
            ({"default_compute": "azureml:b"}, "azureml:a", None, "azureml:b"),
            ({"default_compute": "azureml:b"}, None, "azureml:c", "azureml:c"),
            (None, None, "${{parent.inputs.where}}", "azureml:d"),
        ],
    )
    def test_where_it_runs(self, settings: Any, compute: Any, step: Any, runs_on: Any) -> None:
        more = {"settings": settings, "compute": compute, "inputs": {"where": "azureml:d"}}
        found = made({"s": command(compute=step)}, "s", **more)
        assert found.get("compute") == runs_on

    def test_it_is_shown_by_its_name_in_the_experiment(self) -> None:
        assert None not in made({"s": command()}, "s").values(), "what nobody said is left out"
        found = made({"s": command()}, "s", experiment_name="e")
        assert (found["display_name"], found["experiment_name"]) == ("s", "e")
        assert made({"s": command(display_name="Shown")}, "s")["display_name"] == "Shown"

    def test_the_step_overrides_its_component(self) -> None:
        step = {
            "component": component(
                environment_variables={"A": "1", "B": "2"}, resources={"instance_count": 1}
            ),
            "environment_variables": {"B": "${{parent.inputs.b}}"},
            "resources": {"instance_count": 2},
            "environment": "azureml:other:1",
        }
        found = made({"s": step}, "s", inputs={"b": "x"})
        assert found["environment_variables"] == {"A": "1", "B": "x"}
        assert found["resources"] == {"instance_count": 2}
        assert found["environment"] == "azureml:other:1"
        assert "version" not in found
        is_a_job(found)

    @pytest.mark.parametrize(
        "said, is_true", [(True, True), ("True", True), (None, False), (False, False), (1, False)]
    )
    def test_words_are_truths(self, said: Any, is_true: bool) -> None:
        assert jobs.says({"x": said}, "x", default=False) is is_true


class TestTruth:
    """Of a condition; a step writes it as text."""

    @pytest.mark.parametrize(
        "said, truth",
        [
            (True, True),
            (False, False),
            (" True\n", True),
            ("false", False),
            ("FALSE", False),
            ("no", None),
            ("", None),
            (0, None),
            (None, None),
        ],
    )
    def test_it_is_true_or_false_or_neither(self, said: Any, truth: bool | None) -> None:
        assert control.truth(said) is truth


INNER = {
    "type": "pipeline",
    "inputs": {"x": {"type": "integer"}},
    "outputs": {"m": {"type": "uri_folder"}},
    "jobs": {
        "a": command(inputs={"x": "${{parent.inputs.x}}"}, outputs={"o": "${{parent.outputs.m}}"}),
        "b": command(inputs={"i": "${{parent.jobs.a.outputs.o}}"}),
    },
}


class TestNested:
    def test_what_stands_within_is_its_own(self) -> None:
        """The pipeline has an input and a step of the same names."""
        steps = {"a": command(), "n": {"component": INNER, "inputs": {"x": 7}}}
        found = made(steps, "n", inputs={"x": 5})
        assert found["jobs"] == INNER["jobs"]
        assert found["inputs"] == {"x": 7}
        is_a_job(found)

    def test_it_may_be_written_in_place(self) -> None:
        step = {**INNER, "inputs": {"x": "${{parent.inputs.x}}"}}
        found = made({"n": step}, "n", inputs={"x": 5})
        assert (found["type"], found["inputs"]) == ("pipeline", {"x": 5})
        assert found["jobs"] == INNER["jobs"]

    def test_settings_hold_within_unless_it_says_otherwise(self) -> None:
        settings = {"default_datastore": "azureml:d", "force_rerun": True, "other": 1}
        found = made({"n": {"component": INNER, "inputs": {"x": 1}}}, "n", settings=settings)
        assert found["settings"] == {"default_datastore": "azureml:d", "force_rerun": True}
        settings = {"continue_on_step_failure": False, "force_rerun": True, "other": 1}
        step = {"component": INNER, "inputs": {"x": 1}, "settings": {"force_rerun": False}}
        found = made({"n": step}, "n", settings=settings, compute="azureml:c")
        assert found["settings"] == {
            "default_compute": "azureml:c",
            "continue_on_step_failure": False,
            "force_rerun": False,
        }
        assert "compute" not in found

    def test_values_of_a_pipeline_are_files_as_those_of_other_steps(self) -> None:
        inner = {
            **INNER,
            "outputs": {"n": {"type": "integer"}},
            "jobs": {"a": command(outputs={"n": "${{parent.outputs.n}}"})},
        }
        found = made({"n": {"component": inner, "inputs": {"x": 1}}}, "n")
        assert found["outputs"] == {"n": {"type": "uri_file"}}


class TestNames:
    def test_each_step_of_each_parent_has_its_own(self) -> None:
        steps = ["a", "a.1", "a__1", "a.x y", "a.x/y", "a.x__y", "b" * 99, "b" * 98 + "c"]
        long = ["p" * 255, "p" * 254 + "q", "p" * 161]
        found = [jobs.child_name(parent, step) for parent in ("p", *long) for step in steps]
        assert len(set(found)) == len(found)
        assert max(map(len, found)) <= 255
        assert found[:2] == ["p_a", "p_a__1"]

    def test_a_deep_step_has_its_own_too(self) -> None:
        left = right = "p"
        for depth in range(20):
            left = jobs.child_name(left, "left" if depth == 0 else f"a_rather_long_step_{depth}")
            right = jobs.child_name(
                right, "right" if depth == 0 else f"a_rather_long_step_{depth}"
            )
        assert left != right
        assert len(left) <= 255
