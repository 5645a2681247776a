"""What no single field of a sweep can tell, and where it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import load_document, validate
from lazur.spec.yaml import load
from tests.unit.kinds.test_sweep_job import MINIMAL, trial


def told(**more: Any) -> list[tuple[str, str]]:
    return [(one.severity, one.path) for one in validate("sweep-job", MINIMAL | more)[1]]


class TestPlaces:
    @pytest.mark.parametrize(
        "more, place",
        [
            ({"inputs": {"a b": 3}}, "inputs.a b"),
            ({"outputs": {"a b": None}}, "outputs.a b"),
            ({"inputs": {"d": {"path": "azureml://x"}}}, "inputs.d.path"),
            ({"compute": "a/b/c"}, "compute"),
            ({"trial": "azureml://x"}, "trial"),
            ({"trial": trial("${{search_space.lr}}", code="azureml://x")}, "trial.code"),
            (
                {"trial": trial("${{search_space.lr}}", environment="azureml://x")},
                "trial.environment",
            ),
            ({"trial": trial("${{search_space.lr}} ${{inputs.y}}")}, "trial.command"),
            ({"trial": trial("${{search_space.lr}} ${{outputs.y}}")}, "trial.command"),
        ],
    )
    def test_a_mistake_is_shown_where_it_is(self, more: dict[str, Any], place: str) -> None:
        assert told(**more) == [("error", place)]

    def test_hyperparameters_have_names(self) -> None:
        law = {"type": "uniform", "min_value": 0, "max_value": 1}
        space = {"lr": law, "a b": law}
        assert ("error", "search_space.a b") in told(search_space=space)

    def test_what_the_command_does_not_use_is_shown_by_its_name(self) -> None:
        text = (
            "type: sweep\ntrial: {command: t, environment: 'azureml:e:1'}\nsearch_space:\n"
            "  lr: {type: uniform, min_value: 0, max_value: 1}\n"
            "objective: {goal: minimize, primary_metric: loss}\nlimits: {max_total_trials: 4}\n"
        )
        _, _, (found,) = load_document(load(text, "s.yml"))
        assert (found.severity, found.line, found.column) == ("warning", 4, 3)
        assert found.hint == "Write ${{search_space.lr}}, or read AZUREML_SWEEP_lr."


class TestUsed:
    @pytest.mark.parametrize(
        "command, declared",
        [
            ("t ${{search_space.lr}}", {}),
            ("t ${{inputs.lr}}", {}),
            ("t", {"lr": {"type": "number"}}),
        ],
    )
    def test_a_hyperparameter_may_be_used_in_many_ways(
        self, command: str, declared: dict[str, Any]
    ) -> None:
        assert told(trial=trial(command, inputs=declared)) == []

    def test_one_within_another_is_used_with_it(self) -> None:
        inner = {"b": {"type": "choice", "values": [1]}}
        space = {"a": {"type": "choice", "values": [inner]}}
        assert told(trial=trial("t ${{search_space.a.b}}"), search_space=space) == []


class TestGiven:
    @pytest.mark.parametrize(
        "declared, inputs, is_given",
        [
            ({"type": "number", "default": 1}, {}, True),
            ({"type": "number", "default": 0}, {}, True),
            ({"type": "uri_file", "path": "azureml:d:1"}, {}, True),
            ({"type": "number", "value": 0}, {}, True),
            ({"type": "number"}, {"x": 3}, True),
            ({"type": "number"}, {"x": 0}, True),
            ({"type": "number", "default": 1}, {"x": None}, True),
            ({"type": "number"}, {}, False),
            ({"type": "uri_file", "path": ""}, {}, False),
            ({"type": "number", "default": None}, {}, False),
            ({"type": "number"}, {"x": None}, False),
            (None, {"x": None}, False),
        ],
    )
    def test_what_the_command_needs_has_a_value(
        self, declared: Any, inputs: dict[str, Any], is_given: bool
    ) -> None:
        ports = {} if declared is None else {"inputs": {"x": declared}}
        made = trial("t ${{search_space.lr}} ${{inputs.x}}", **ports)
        missing = ("error", "inputs.x")
        assert (missing not in told(trial=made, inputs=inputs)) is is_given


NORMAL = {"lr": {"type": "Normal", "mu": 0, "sigma": 1}}


class TestGrid:
    @pytest.mark.parametrize("written", ["grid", "Grid", {"type": "Grid"}])
    def test_has_every_value_whatever_the_case(self, written: Any) -> None:
        (found,) = validate(
            "sweep-job", MINIMAL | {"sampling_algorithm": written, "search_space": NORMAL}
        )[1]
        assert (found.severity, found.path) == ("error", "search_space.lr")
        assert found.message == (
            "a grid has every value of a hyperparameter, and normal has no end of them"
        )
        assert found.hint == ("Use choice, randint or quniform, or another `sampling_algorithm`.")

    @pytest.mark.parametrize("kind", ["choice", "Choice", "RandInt", "QUniform"])
    def test_of_those_that_have_an_end(self, kind: str) -> None:
        laws = {
            "choice": {"values": [1]},
            "randint": {"upper": 2},
            "quniform": {"min_value": 0, "max_value": 1, "q": 1},
        }
        space = {"lr": {"type": kind, **laws[kind.lower()]}}
        assert told(sampling_algorithm="grid", search_space=space) == []
