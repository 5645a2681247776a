"""What was written in place, as Azure's client would have registered it."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds import catalog
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import jobs, nameless
from tests.unit.server.arm.translate.strategies import IDS

IMAGE = {"image": "python:3.11"}
LOOPS = {
    "rounds": {"type": "do_while", "body": "${{parent.jobs.body}}"},
    "each": {"type": "parallel_for", "body": "${{parent.jobs.body}}", "items": "[{}]"},
    "body": {
        "type": "command",
        "command": "true",
        "outputs": {"n": {"type": "integer"}, "rows": {"type": "uri_folder"}},
    },
}
WHOLE: dict[str, Any] = {
    "inputs": {
        "flag": True,
        "n": 3,
        "rate": 0.5,
        "word": "x",
        "value": {"value": 2},
        "table": {"type": "mltable", "path": "azureml:t:1"},
        "folder": {"path": "azureml:d:1"},
        "group": {"inner": 1},
        "outer": "${{parent.inputs.outer}}",
    },
    "outputs": {"model": {"type": "mlflow_model"}, "plain": None},
    "jobs": {
        **LOOPS,
        "made": {"component": {"outputs": {"m": {"type": "custom_model"}}}},
        "inline": {"command": "true", "outputs": {"f": {"type": "uri_file"}, "o": None}},
    },
}


def taken(value: Any) -> Any:
    made = nameless.of_step({"command": "true", "inputs": {"x": value}}, WHOLE)
    return made["inputs"]["x"]


class TestSteps:
    @pytest.mark.parametrize(
        "value, kind",
        [
            (True, "boolean"),
            (1, "integer"),
            (0.1, "number"),
            ("a ${{parent.inputs.n}}", "string"),
            ("${{parent.inputs.flag}}", "boolean"),
            ("${{parent.inputs.n}}", "integer"),
            ("${{parent.inputs.rate}}", "number"),
            ("${{parent.inputs.word}}", "string"),
            ("${{parent.inputs.value}}", "integer"),
            ("${{parent.inputs.group.inner}}", "integer"),
            ("${{parent.inputs.outer}}", "string"),
            ("${{parent.inputs.absent}}", "string"),
            ("${{parent.inputs.folder}}", "uri_folder"),
            ({"path": "${{parent.inputs.table}}", "mode": "direct"}, "mltable"),
            ({"type": "uri_file", "path": "${{parent.inputs.table}}"}, "uri_file"),
            ({"path": "azureml:d:1"}, "uri_folder"),
            ("${{parent.jobs.made.outputs.m}}", "custom_model"),
            ("${{parent.jobs.inline.outputs.f}}", "uri_file"),
            ("${{parent.jobs.inline.outputs.o}}", "uri_folder"),
            ("${{parent.jobs.absent.outputs.o}}", "uri_folder"),
            ("${{parent.jobs.rounds.outputs.n}}", "integer"),
            ("${{parent.jobs.each.outputs.n}}", "string"),
            ("${{parent.jobs.each.outputs.rows}}", "mltable"),
        ],
    )
    def test_an_input_is_of_the_kind_that_it_is_bound_to(self, value: Any, kind: str) -> None:
        assert taken(value) == {"type": kind}

    def test_what_is_not_given_may_be_left_out(self) -> None:
        assert taken(None) == {"type": "string", "optional": True}

    @pytest.mark.parametrize(
        "value, kind",
        [
            ("${{parent.outputs.model}}", "mlflow_model"),
            ({"path": "${{parent.outputs.model}}", "mode": "upload"}, "mlflow_model"),
            ("${{parent.outputs.plain}}", "uri_folder"),
            ({"type": "uri_file"}, "uri_file"),
            (None, "uri_folder"),
        ],
    )
    def test_an_output_is_of_the_kind_that_it_becomes(self, value: Any, kind: str) -> None:
        made = nameless.of_step({"command": "true", "outputs": {"o": value}}, WHOLE)
        assert made["outputs"] == {"o": {"type": kind}}

    def test_notes_and_bindings_are_the_steps_alone(self) -> None:
        step = {
            "type": "command",
            "command": "echo ${{inputs.n}}",
            "environment": IMAGE,
            "inputs": {"n": 1},
            "display_name": "a",
            "compute": "local",
            "limits": {"timeout": 3},
            "depends_on": ["made"],
        }
        made = nameless.of_step(step, WHOLE)
        assert made.keys() == {"type", "command", "environment", "inputs", "outputs"}
        assert made == nameless.of_step({**step, "inputs": {"n": 2}, "display_name": "b"}, WHOLE)

    @pytest.mark.parametrize(
        "step",
        [
            {"type": "command", "command": "true", "environment": IMAGE},
            {
                "type": "parallel",
                "task": {"code": "azureml:c:1", "entry_script": "s.py", "environment": IMAGE},
                "input_data": "${{inputs.x}}",
                "mini_batch_size": "1",
                "inputs": {"x": "${{parent.inputs.folder}}"},
            },
            {"type": "pipeline", "jobs": {"a": {"command": "true", "environment": IMAGE}}},
        ],
    )
    def test_it_is_a_component(self, step: dict[str, Any]) -> None:
        made = {**nameless.of_step(step, WHOLE), "name": "azureml_anonymous", "version": "1"}
        found, wrong = catalog.validate(f"{step['type']}-component", made)
        assert found is not None, wrong

    def test_of_a_kind_that_is_not_known_it_has_an_id_all_the_same(self) -> None:
        assert nameless.of_step({"type": "odd", "x": 1}, WHOLE)["type"] == "odd"


class TestTrials:
    def test_it_takes_the_hyperparameters_too(self) -> None:
        laws = {
            "a": {"type": "uniform", "min_value": 0, "max_value": 1},
            "b": {"type": "randint", "upper": 3},
            "c": {"type": "choice", "values": ["x", "y"]},
            "d": {"type": "choice", "values": [1, "y"]},
            "e": {"type": "choice"},
        }
        step = {
            "type": "sweep",
            "trial": {"command": "true", "environment": IMAGE},
            "search_space": laws,
            "inputs": {"n": 1},
            "outputs": {"o": None},
        }
        made = nameless.of_trial(step, WHOLE)
        kinds = {name: port["type"] for name, port in made["inputs"].items()}
        assert kinds == {
            "n": "integer",
            "a": "number",
            "b": "integer",
            "c": "string",
            "d": "string",
            "e": "string",
        }
        assert (made["type"], made["command"]) == ("command", "true")

    def test_a_component_is_itself(self) -> None:
        trial = {"name": "t", "version": "3", "command": "true", "inputs": {"n": None}}
        made = nameless.of_trial({"type": "sweep", "trial": trial}, WHOLE)
        assert made == {"display_name": "t", "command": "true", "inputs": {"n": None}}


class TestIds:
    def test_what_has_got_one_is_told(self) -> None:
        ids = Ids(IDS.place)
        file = {"name": "c", "version": "4", "command": "true", "environment": IMAGE}
        known = {"id": "azureml://registries/r/components/c/versions/4", "command": "true"}
        steps = {
            "a": {"component": file},
            "b": {"component": known},
            "s": {"type": "sweep", "trial": known},
        }
        made = jobs.definition({"type": "pipeline", "jobs": steps}, ids)["jobs"]
        assert made["b"]["componentId"] == known["id"]
        assert made["s"]["trial"]["componentId"] == known["id"]
        ((kind, version),) = ids.unnamed
        assert made["a"]["componentId"].endswith(f"/azureml_anonymous/versions/{version}")
        assert ids.unnamed[kind, version]["environment"] == IMAGE
        assert "version" not in ids.unnamed[kind, version]

    def test_equal_content_has_one_id(self) -> None:
        first, second = Ids(IDS.place), Ids(IDS.place)
        assert first.nameless("environments", {"a": 1, "b": 2}) == second.nameless(
            "environments", {"b": 2, "a": 1}
        )

    @pytest.mark.parametrize("compute", ["local", "azureml:local", None])
    def test_a_pipeline_on_this_machine_names_no_compute(self, compute: str | None) -> None:
        view = {"type": "pipeline", "compute": compute}
        assert jobs.definition(view, IDS).get("computeId") is None
        there = jobs.definition({**view, "compute": "cpu"}, IDS)["computeId"]
        assert there.endswith("/computes/cpu")

    def test_a_pipelines_output_lies_where_a_step_has_put_it(self) -> None:
        chosen = "azureml://datastores/workspaceblobstore/paths/azureml/first_step/made/"
        outputs = {"final": {"uri": chosen, "jobOutputType": "uri_folder"}}
        found = jobs.from_arm("second", {"jobType": "Pipeline", "outputs": outputs})
        assert found["outputs"]["final"] == {"type": "uri_folder"}
