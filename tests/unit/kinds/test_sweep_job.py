"""What is said about a sweep before it is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import load_document, validate
from lazur.kinds.sweeps import SweepJob
from lazur.spec.diagnostics import errors_of
from lazur.spec.yaml import load

MINIMAL: dict[str, Any] = {
    "type": "sweep",
    "trial": {"command": "train ${{search_space.lr}}", "environment": "azureml:e:1"},
    "search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "minimize", "primary_metric": "loss"},
    "limits": {"max_total_trials": 4},
}


def said(**more: Any) -> list[str]:
    _, found = validate("sweep-job", MINIMAL | more)
    return [f"{d.severity} {d.path}: {d.message}" for d in found]


def trial(command: str, **more: Any) -> dict[str, Any]:
    return {"command": command, "environment": "azureml:e:1"} | more


class TestSweepJob:
    def test_the_least_that_is_needed(self) -> None:
        model, found = validate("sweep-job", MINIMAL)
        assert found == []
        assert isinstance(model, SweepJob)
        assert model.sampling_algorithm == "random"
        assert model.dump() == MINIMAL

    @pytest.mark.parametrize("field", ["trial", "search_space", "objective", "limits"])
    def test_what_is_needed_is_missed_by_name(self, field: str) -> None:
        spec = {name: part for name, part in MINIMAL.items() if name != field}
        _, found = validate("sweep-job", spec)
        assert f"`{field}` is missing" in [d.message for d in errors_of(found)]

    @pytest.mark.parametrize(
        "algorithm",
        ["Random", "grid", "BAYESIAN", {"type": "Random", "seed": 1, "rule": "Sobol"}],
    )
    def test_algorithms_are_words_or_mappings(self, algorithm: Any) -> None:
        space = {"lr": {"type": "choice", "values": [1, 2]}}
        assert said(sampling_algorithm=algorithm, search_space=space) == []

    def test_a_grid_of_what_has_no_end_is_refused_at_the_hyperparameter(self) -> None:
        text = """\
type: sweep
trial: {command: "t ${{search_space.lr}} ${{search_space.m}}", environment: "azureml:e:1"}
sampling_algorithm: grid
search_space:
  n: {type: randint, upper: 3}
  q: {type: quniform, min_value: 0, max_value: 4, q: 2}
  lr: {type: uniform, min_value: 0, max_value: 1}
  m:
    type: choice
    values:
      - a: {type: normal, mu: 0, sigma: 1}
objective: {goal: minimize, primary_metric: loss}
limits: {max_total_trials: 4}
"""
        _, _, found = load_document(load(text, "sweep.yml"))
        assert [(d.line, d.message.split(", and ")[1]) for d in errors_of(found)] == [
            (7, "uniform has no end of them"),
            (11, "normal has no end of them"),
        ]

    @pytest.mark.parametrize(
        "law, message",
        [
            ({"type": "unform"}, "whose `type` is one of choice, randint, uniform"),
            ({"type": "uniform", "min_value": 2, "max_value": 1}, "min_value 2.0 is above"),
            ({"type": "normal", "mu": 0, "sigma": 0}, "greater than 0"),
            ({"type": "quniform", "min_value": 0, "max_value": 1, "q": 0}, "greater than 0"),
            ({"type": "randint", "upper": 0}, "greater than or equal to 1"),
            ({"type": "randint", "upper": True}, "a number, got true"),
            ({"type": "choice", "values": []}, "at least 1 item"),
            ({"type": "choice", "values": [{"x": {"type": "gauss"}}]}, "whose `type` is one of"),
            (0.1, "whose `type` is one of"),
        ],
    )
    def test_laws_are_checked(self, law: Any, message: str) -> None:
        assert message in "\n".join(said(search_space={"lr": law}))

    @pytest.mark.parametrize(
        "policy, message",
        [
            ({"type": "bandit"}, "needs a `slack_factor` or a `slack_amount`"),
            ({"type": "bandit", "slack_factor": 0, "slack_amount": 0}, "above 0"),
            ({"type": "bandit", "slack_factor": 1, "slack_amount": 1}, "not both"),
            ({"type": "truncation_selection"}, "`truncation_percentage` is missing"),
            ({"type": "truncation_selection", "truncation_percentage": 100}, "to 99"),
            ({"type": "hyperband"}, "one of bandit, median_stopping, truncation_selection"),
            ({"type": "median_stopping", "delay_evaluation": -1}, "greater than or equal to 0"),
        ],
    )
    def test_policies_are_checked(self, policy: Any, message: str) -> None:
        assert message in "\n".join(said(early_termination=policy))

    def test_a_policy_of_azures_client_is_taken(self) -> None:
        policy = {"type": "Bandit", "slack_factor": 0.1, "slack_amount": 0}
        assert said(early_termination=policy) == []

    def test_a_slip_that_makes_a_policy_a_mistake_is_told_with_it(self) -> None:
        found = said(
            early_termination={"type": "Bandit", "slack_factr": 0.1},
            search_space={"x": {"type": "choice", "values": [1], "valus": [2]}},
            trial={**trial("train ${{search_space.x}}"), "resources": {"instance_cout": 1}},
        )
        assert min(found).startswith("error early_termination: a bandit policy needs a ")
        assert sorted(found)[1:] == [
            "warning early_termination.slack_factr: `slack_factr` is not a known field",
            "warning search_space.x.valus: `valus` is not a known field",
            "warning trial.resources.instance_cout: `instance_cout` is not a known field",
        ]

    def test_unknown_fields_are_named(self) -> None:
        assert said(limits={"max_total_trials": 1, "max_trials": 3}) == [
            "warning limits.max_trials: `max_trials` is not a known field"
        ]


class TestTrial:
    def test_a_hyperparameter_that_is_not_there_is_an_error(self) -> None:
        (found,) = said(trial=trial("train ${{search_space.lr}} ${{search_space.rl}}"))
        assert found.startswith("error trial.command: ${{search_space.rl}} is not defined")

    def test_nested_hyperparameters_have_paths(self) -> None:
        space = {
            "m": {"type": "choice", "values": [{"d": {"type": "randint", "upper": 3}}, "none"]}
        }
        command = "train ${{search_space.m}} $[[${{search_space.m.d}}]]"
        assert said(trial=trial(command), search_space=space) == []
        assert said(trial=trial(f"{command} ${{{{search_space.m.e}}}}"), search_space=space) != []

    def test_one_that_nothing_uses_is_odd(self) -> None:
        (found,) = said(trial=trial("train"))
        assert found == "warning search_space.lr: the command does not use the hyperparameter 'lr'"

    def test_it_fills_an_input_of_the_same_name(self) -> None:
        inputs = {"lr": {"type": "number"}, "n": {"type": "integer", "default": 1}}
        command = "train ${{inputs.lr}} ${{inputs.n}}"
        assert said(trial=trial(command, type="command", inputs=inputs)) == []

    def test_an_input_that_nobody_gives_is_an_error(self) -> None:
        body = trial("train ${{inputs.n}} ${{search_space.lr}}", inputs={"n": {"type": "integer"}})
        (found,) = said(trial=body)
        assert found.endswith("the command needs the input 'n', which has no value")
        assert said(trial=body, inputs={"n": 3}) == []

    @pytest.mark.parametrize("side", ["inputs", "outputs"])
    def test_places_are_checked(self, side: str) -> None:
        found = said(**{side: {"x": {"path": "azureml:"}}})
        assert any(f"error {side}.x.path: " in one for one in found), found

    def test_outputs_are_the_sweeps_or_the_components(self) -> None:
        command = "train ${{search_space.lr}} ${{outputs.a}} ${{outputs.b}}"
        body = trial(command, outputs={"a": {"type": "uri_folder"}})
        assert said(trial=body, outputs={"b": None}) == []
        (found,) = said(trial=body)
        assert "${{outputs.b}} is not defined" in found

    def test_it_may_be_a_reference(self) -> None:
        assert said(trial="azureml:train:1") == []
        assert said(trial="azureml:train@latest") == []
        assert said(trial=3) != []

    def test_a_command_is_needed(self) -> None:
        assert "error trial: `command` is missing" in "\n".join(
            said(trial={"environment": "azureml:e:1"})
        ).replace("trial.command", "trial")


class TestComponent:
    def test_a_sweep_is_kept_as_one(self) -> None:
        value = MINIMAL | {
            "name": "tuned",
            "trial": trial("train ${{inputs.n}} ${{search_space.lr}}"),
            "inputs": {"n": {"type": "integer"}},
        }
        model, found = validate("sweep-component", value)
        assert found == []
        assert model is not None
        assert model.dump() == value

    def test_it_is_checked_as_a_job_is(self) -> None:
        value = MINIMAL | {"name": "tuned", "sampling_algorithm": "grid"}
        _, found = validate("sweep-component", value)
        assert [d.path for d in errors_of(found)] == ["search_space.lr"]
