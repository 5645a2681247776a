# pyright: reportInvalidTypeForm=false
from __future__ import annotations

from typing import Any

import pytest

import lazur
from lazur import Input
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


@lazur.pipeline(name="whole", version="2")
def whole(files: Input(type="mltable"), rate: float = 0.3, note: int | None = None) -> Any:
    """Train."""
    fitted = RegisteredComponent(TRAIN)(rate=rate)
    return {"model": fitted.outputs.model}


class TestPipelines:
    def test_one_is_registered_as_what_it_takes(self) -> None:
        spec = whole.component().to_spec()
        assert spec["inputs"] == {
            "files": {"type": "mltable"},
            "rate": {"type": "number", "default": 0.3},
            "note": {"type": "integer", "optional": True},
        }
        assert (spec["name"], spec["version"], spec["description"]) == ("whole", "2", "Train.")
        assert spec["jobs"]["fitted"]["inputs"] == {"rate": "${{parent.inputs.rate}}"}
        assert catalog.validate("pipeline-component", spec)[1] == []

    def test_one_that_does_not_say_it_is_told(self) -> None:
        @lazur.pipeline
        def untyped(files):
            RegisteredComponent(TRAIN)(rate=1)

        with pytest.raises(Invalid, match="'files' of the pipeline 'untyped' has no type"):
            untyped.component()


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
