"""Sweeps as steps of a pipeline."""

from __future__ import annotations

from typing import Any

from lazur.kinds import catalog
from lazur.spec.diagnostics import errors_of
from tests.unit.kinds.pipelines.world import graph_of

TRIAL: dict[str, Any] = {
    "type": "command",
    "command": "echo ${{inputs.lr}} ${{inputs.depth}}",
    "environment": "azureml:e:1",
    "inputs": {"lr": {"type": "number"}, "depth": {"type": "integer"}},
}
SWEEP: dict[str, Any] = {
    "type": "sweep",
    "trial": TRIAL,
    "search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "minimize", "primary_metric": "loss"},
    "limits": {"max_total_trials": 2},
}


def said(**inputs: Any) -> list[str]:
    step = {**SWEEP, "inputs": inputs}
    _, found = catalog.validate("pipeline-job", {"type": "pipeline", "jobs": {"s": step}})
    return [one.message for one in errors_of(found)]


class TestInputs:
    def test_what_is_searched_for_need_not_be_given(self) -> None:
        assert said(depth=3) == []

    def test_all_else_is_needed(self) -> None:
        (message,) = said()
        assert "'depth'" in message

    def test_as_a_job_of_its_own_it_says_that_it_gives_none(self) -> None:
        step = {**SWEEP, "inputs": {"lr": None, "depth": 3}}
        assert errors_of(catalog.validate("sweep-job", step)[1]) == []
        step = {**SWEEP, "inputs": {"lr": None, "depth": None}}
        (error,) = errors_of(catalog.validate("sweep-job", step)[1])
        assert "'depth', which has no value" in error.message


class TestTrial:
    def test_its_words_are_its_own_as_any_components_are(self) -> None:
        trial = {**TRIAL, "description": "as ${{parent.jobs.nobody.outputs.o}} was"}
        step = {**SWEEP, "trial": trial, "inputs": {"depth": 3}}
        assert graph_of({"s": step})["steps"]["s"]["needs"] == []
