"""The command job that a trial is."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lazur.engine.search.laws import Choice, Normal, RandInt, Uniform
from lazur.kinds.catalog import validate
from lazur.kinds.trials import job_of, outputs_of, sampling_of, space_of
from lazur.spec.diagnostics import errors_of

SWEEP: dict[str, Any] = {
    "type": "sweep",
    "trial": {"command": "train ${{search_space.lr}}", "environment": "azureml:e:1"},
    "search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "minimize", "primary_metric": "loss"},
    "limits": {"max_total_trials": 4},
}


def job(values: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = job_of(SWEEP | more, values, 3)
    model, found = validate("command-job", made)
    assert errors_of(found) == []
    assert model is not None
    return made


def trial(command: str, **more: Any) -> dict[str, Any]:
    return {"command": command, "environment": "azureml:e:1"} | more


class TestJobOf:
    def test_hyperparameters_are_inputs_and_variables(self) -> None:
        made = job({"lr": 0.25})
        assert made["command"] == "train ${{inputs.lr}}"
        assert made["inputs"] == {"lr": 0.25}
        assert made["environment_variables"] == {"AZUREML_SWEEP_lr": "0.25"}
        assert made["tags"] == {"hyperparameters": '{"lr": 0.25}'}

    def test_an_input_of_the_same_name_is_another(self) -> None:
        body = trial("train ${{search_space.lr}} ${{inputs.lr}}")
        made = job({"lr": 0.25}, trial=body, inputs={"lr": "mine"})
        assert made["command"] == "train ${{inputs.search_space_lr}} ${{inputs.lr}}"
        assert made["inputs"] == {"search_space_lr": 0.25, "lr": "mine"}

    def test_a_components_input_is_filled(self) -> None:
        declared = {
            "lr": {"type": "number"},
            "n": {"type": "integer", "default": 3},
            "table": {"type": "uri_file", "default": "azureml:t:1"},
            "more": {"type": "string", "optional": True},
            "given": {"path": "azureml:g:1"},
            "plain": 5,
        }
        body = trial("train ${{inputs.lr}} $[[${{inputs.more}}]]", inputs=declared)
        made = job({"lr": 0.25}, trial=body, inputs={"n": 7})
        assert made["inputs"] == {
            "lr": 0.25,
            "n": 7,
            "table": {"type": "uri_file", "path": "azureml:t:1"},
            "more": None,
            "given": {"path": "azureml:g:1"},
            "plain": 5,
        }

    def test_what_is_nested_has_a_name_of_its_own_and_may_be_left_out(self) -> None:
        space = {
            "m": {"type": "choice", "values": [{"d": {"type": "randint", "upper": 9}}, "none"]},
            "m_d": {"type": "randint", "upper": 2},
        }
        body = trial(
            "train ${{search_space.m}} $[[-d ${{search_space.m.d}}]] ${{search_space.m_d}}"
        )
        made = job({"m": {"d": 4}, "m_d": 1}, trial=body, search_space=space)
        assert made["command"] == (
            "train ${{inputs.m}} $[[-d ${{inputs.m_d}}]] ${{inputs.search_space_m_d}}"
        )
        assert made["inputs"] == {"m": '{"d": 4}', "m_d": 4, "search_space_m_d": 1}
        left = job({"m": "none", "m_d": 1}, trial=body, search_space=space)
        assert left["inputs"] == {"m": "none", "m_d": None, "search_space_m_d": 1}

    def test_a_value_that_was_not_chosen_leaves_the_components_own(self) -> None:
        space = {"m": {"type": "choice", "values": [{"d": {"type": "randint", "upper": 9}}, "no"]}}
        declared = {"m_d": {"type": "integer", "default": 5}}
        body = trial("train ${{search_space.m}} ${{inputs.m_d}}", inputs=declared)
        assert job({"m": "no"}, trial=body, search_space=space)["inputs"]["m_d"] == 5
        assert job({"m": {"d": 2}}, trial=body, search_space=space)["inputs"]["m_d"] == 2

    def test_everything_else_comes_along(self) -> None:
        made = job(
            {"lr": 0.25},
            trial=trial(
                "train ${{search_space.lr}} ${{outputs.model}}",
                code="tree:" + "0" * 64,
                environment_variables={"A": "1"},
                resources={"instance_count": 1},
                distribution={"type": "mpi"},
                outputs={"model": {"type": "mlflow_model", "description": "it"}},
            ),
            outputs={
                "model": {"mode": "upload", "name": "best"},
                "kept": {"path": "azureml://datastores/d/paths/here/"},
                "own": {"path": "azureml://datastores/d/paths/${{name}}"},
            },
            limits={"max_total_trials": 4, "trial_timeout": 60},
            compute="azureml:c",
            experiment_name="e",
            display_name="d",
            queue_settings={"priority": "high"},
            resources={"instance_count": 2},
        )
        assert made["limits"] == {"timeout": 60}
        assert made["outputs"] == {
            "model": {"type": "mlflow_model", "mode": "upload"},
            "kept": {"path": "azureml://datastores/d/paths/here/${{name}}"},
            "own": {"path": "azureml://datastores/d/paths/${{name}}"},
        }
        assert (made["compute"], made["experiment_name"]) == ("azureml:c", "e")
        assert made["display_name"] == "d_3"
        assert made["resources"] == {"instance_count": 2}
        assert made["queue_settings"] == {"priority": "high"}
        assert made["environment_variables"]["A"] == "1"


class TestOutputsOf:
    def test_an_empty_one_is_one(self) -> None:
        assert outputs_of(SWEEP | {"outputs": {"model": None}}) == {"model": {}}
        assert outputs_of(SWEEP) == {}


class TestSpaceOf:
    @pytest.mark.parametrize(
        "written, law",
        [
            ({"type": "choice", "values": [1, "a", True]}, Choice((1, "a", True))),
            ({"type": "randint", "upper": 3}, RandInt(3)),
            ({"type": "uniform", "min_value": 1, "max_value": 2}, Uniform(1, 2)),
            ({"type": "loguniform", "min_value": 1, "max_value": 2}, Uniform(1, 2, math.e)),
            ({"type": "quniform", "min_value": 1, "max_value": 2, "q": 1}, Uniform(1, 2, None, 1)),
            (
                {"type": "qloguniform", "min_value": 1, "max_value": 2, "q": 1},
                Uniform(1, 2, math.e, 1),
            ),
            ({"type": "normal", "mu": 1, "sigma": 2}, Normal(1, 2)),
            ({"type": "lognormal", "mu": 1, "sigma": 2}, Normal(1, 2, math.e)),
            ({"type": "qnormal", "mu": 1, "sigma": 2, "q": 3}, Normal(1, 2, None, 3)),
            ({"type": "qlognormal", "mu": 1, "sigma": 2, "q": 3}, Normal(1, 2, math.e, 3)),
        ],
    )
    def test_each_type_is_a_law(self, written: dict[str, Any], law: object) -> None:
        assert space_of(SWEEP | {"search_space": {"x": written}}).laws == {"x": law}

    def test_the_base_of_logarithms_may_be_given(self) -> None:
        space = {"x": {"type": "loguniform", "min_value": -3, "max_value": 0}}
        algorithm = {"type": "random", "logbase": 10}
        made = space_of(SWEEP | {"search_space": space, "sampling_algorithm": algorithm})
        assert made.laws == {"x": Uniform(-3, 0, 10.0)}

    def test_an_option_may_be_a_space(self) -> None:
        options = [{"name": "tree", "d": {"type": "randint", "upper": 3}}, 2]
        made = space_of(SWEEP | {"search_space": {"m": {"type": "choice", "values": options}}})
        assert made.laws == {"m": Choice(({"name": "tree", "d": RandInt(3)}, 2))}


class TestSamplingOf:
    def test_without_a_seed_the_name_is_one(self) -> None:
        assert sampling_of(SWEEP, "happy").seed == "happy"
        assert sampling_of(SWEEP | {"sampling_algorithm": "grid"}, "n").algorithm == "grid"

    def test_a_seed_and_a_rule_are_taken(self) -> None:
        algorithm = {"type": "random", "seed": 0, "rule": "sobol"}
        made = sampling_of(SWEEP | {"sampling_algorithm": algorithm}, "n")
        assert (made.seed, made.rule) == ("0", "sobol")
