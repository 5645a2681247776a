from __future__ import annotations

from typing import Any

import pytest

import lazur
from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.sdk.components import RegisteredComponent

TRAIN: dict[str, Any] = {
    "id": "/workspaces/lab/components/train/versions/3",
    "name": "train",
    "version": "3",
    "type": "command",
    "command": "train ${{inputs.rate}}",
    "environment": {"image": "python:3.11"},
    "inputs": {"rate": {"type": "number", "default": 0.1}},
    "outputs": {"model": {"type": "custom_model"}},
}


class TestRegistered:
    def test_is_a_step_that_names_it(self) -> None:
        train = RegisteredComponent(TRAIN)
        shared = RegisteredComponent(
            {**TRAIN, "id": "azureml://registries/all/components/train/versions/3"}
        )

        @lazur.pipeline
        def whole() -> dict[str, Any]:
            mine = train(rate=0.5)
            theirs = shared(rate=lazur.Uniform(0, 1))
            theirs.sweep(primary_metric="loss", goal="minimize", max_total_trials=2)
            return {"model": mine.outputs.model}

        spec = whole().to_spec()
        assert spec["jobs"]["mine"]["component"] == "azureml:train:3"
        trial = spec["jobs"]["theirs"]["trial"]
        assert trial == "azureml://registries/all/components/train/versions/3"
        assert spec["outputs"] == {"model": {"type": "custom_model"}}
        problems = catalog.validate("pipeline-job", spec)[1]
        assert [one.render() for one in problems if one.severity == "error"] == []

    def test_knows_its_inputs(self) -> None:
        @lazur.pipeline
        def whole() -> None:
            RegisteredComponent(TRAIN)(rat=0.5)

        with pytest.raises(Invalid, match="'train' has no input 'rat'"):
            whole()
        with pytest.raises(Invalid, match="within a pipeline's function"):
            RegisteredComponent(TRAIN)()
