from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid, NotFound, SpecError, Unsupported
from lazur.kinds.catalog import KINDS, kind_of, load_document, model_for, validate
from lazur.spec.yaml import load

_LATEST = "https://azuremlschemas.azureedge.net/latest/"
_PIPELINE: dict[str, Any] = {
    "$schema": _LATEST + "pipelineComponent.schema.json",
    "type": "pipeline",
    "jobs": {"a": {"command": "x"}},
}
_PREVIEW = "https://azuremlsdk2.blob.core.windows.net/preview/0.0.1/"


class TestKindOf:
    @pytest.mark.parametrize(
        "value, kind",
        [
            ({"type": "command", "command": "x"}, "command-job"),
            ({"command": "x"}, "command-job"),
            ({"type": "Command", "command": "x"}, "command-job"),
            ({"$schema": _LATEST + "commandJob.schema.json", "command": "x"}, "command-job"),
            ({"$schema": "http://azureml/sdk-2-0/CommandJob.json"}, "command-job"),
            ({"$schema": _PREVIEW + "commandJob.schema.json"}, "command-job"),
            (
                {"$schema": _LATEST + "commandComponent.schema.json", "type": "command"},
                "command-component",
            ),
            ({"$schema": "http://azureml/sdk-2-0/CommandComponent.json"}, "command-component"),
            ({"type": "command", "command": "x", "is_deterministic": True}, "command-component"),
            (
                {
                    "type": "command",
                    "command": "x",
                    "inputs": {"a": {"type": "number", "default": 1}},
                },
                "command-component",
            ),
            ({"$schema": _LATEST + "environment.schema.json", "name": "e"}, "environment"),
            ({"$schema": "http://azureml/sdk-2-0/Environment.json", "name": "e"}, "environment"),
            ({"name": "e", "image": "python"}, "environment"),
            ({"name": "e", "build": {"path": "."}}, "environment"),
            ({"$schema": _LATEST + "data.schema.json"}, "data"),
            ({"$schema": _LATEST + "asset.schema.json"}, "data"),
            ({"type": "uri_file", "path": "x"}, "data"),
            ({"type": "mltable", "path": "x"}, "data"),
            ({"$schema": _LATEST + "model.schema.json"}, "model"),
            ({"type": "mlflow_model", "path": "x"}, "model"),
            ({"$schema": "not a schema", "command": "x"}, "command-job"),
            ({"$schema": _LATEST + "amlCompute.schema.json"}, "compute"),
            ({"type": "amlcompute"}, "compute"),
            ({"type": "sweep"}, "sweep-job"),
            ({"trial": {}, "search_space": {}}, "sweep-job"),
            ({"$schema": _LATEST + "sweepJob.schema.json", "type": "Sweep"}, "sweep-job"),
            ({"$schema": _LATEST + "workspace.schema.json", "name": "w"}, "workspace"),
        ],
    )
    def test_the_file_tells(self, value: dict[str, Any], kind: str) -> None:
        assert kind_of(value) == kind

    @pytest.mark.parametrize(
        "expected, value, kind",
        [
            ("job", {"command": "x"}, "command-job"),
            ("job", {"environment": "azureml:e:1"}, "command-job"),
            ("component", {"command": "x"}, "command-component"),
            ("command-component", {"type": "command", "command": "x"}, "command-component"),
            ("environment", {"name": "e", "image": "x"}, "environment"),
            ("data", {"name": "d", "path": "x"}, "data"),
            ("model", {"name": "m", "path": "x"}, "model"),
            ("code", {"name": "c", "path": "x"}, "code"),
        ],
    )
    def test_the_caller_tells_where_the_file_does_not(
        self, expected: str, value: dict[str, Any], kind: str
    ) -> None:
        assert kind_of(value, expected) == kind

    @pytest.mark.parametrize("inputs", [{}, {"n": 3, "data": {"path": "./data"}}, None])
    @pytest.mark.parametrize("expected", ["job", "pipeline-job"])
    def test_a_pipeline_that_runs_as_it_stands_is_a_job_whatever_its_schema_says(
        self, expected: str, inputs: Any
    ) -> None:
        assert kind_of(_PIPELINE | {"inputs": inputs}, expected) == "pipeline-job"
        assert kind_of(_PIPELINE | {"inputs": inputs}, "component") == "pipeline-component"
        assert kind_of(_PIPELINE | {"inputs": inputs}) == "pipeline-component"

    @pytest.mark.parametrize(
        "value, name",
        [
            ({"type": "spark"}, "spark-job"),
            ({"type": "automl"}, "automl-job"),
            (
                {"$schema": _LATEST + "automlComponent.schema.json", "type": "automl"},
                "automl-component",
            ),
            ({"$schema": _LATEST + "managedOnlineDeployment.schema.json"}, "online-deployment"),
            ({"$schema": _LATEST + "managedOnlineEndpoint.schema.json"}, "online-endpoint"),
            ({"type": "datatransfer", "task": "copy_data"}, "data-transfer-job"),
        ],
    )
    def test_known_kinds_that_are_not_served_are_named(
        self, value: dict[str, Any], name: str
    ) -> None:
        with pytest.raises(Unsupported, match=name):
            kind_of(value)

    @pytest.mark.parametrize(
        "value",
        [
            {"type": "spark", "entry": {"file": "a.py"}, "conf": {"spark.driver.cores": 1}},
        ],
    )
    def test_components_that_no_job_runs_are_kept_and_say_so(self, value: dict[str, Any]) -> None:
        value |= {"name": "c", "inputs": {"n": {"type": "integer", "min": 1, "default": 2}}}
        kind = kind_of(value, "component")
        model, found = validate(kind, value)
        assert kind == f"{value['type']}-component"
        assert model is not None
        assert model.dump() == value
        assert [d.message for d in found if "cannot run" in d.message]

    def test_their_inputs_are_checked_as_any(self) -> None:
        value = {"name": "c", "type": "spark", "entry": {"file": "a"}, "args": "${{inputs.y}}"}
        value["inputs"] = {"x": {"type": "integer", "max": 1, "default": 2}}
        _, found = validate("spark-component", value)
        assert {d.path for d in found if d.severity == "error"} == {"args", "inputs.x"}

    @pytest.mark.parametrize(
        "value, expected",
        [
            ({"name": "e", "image": "x"}, "job"),
            ({"$schema": _LATEST + "environment.schema.json", "name": "e", "image": "x"}, "job"),
            ({"type": "command", "command": "x"}, "environment"),
            ({"$schema": _LATEST + "commandJob.schema.json", "command": "x"}, "component"),
            ({"$schema": _LATEST + "commandComponent.schema.json", "command": "x"}, "job"),
            (_PIPELINE | {"inputs": {"data": {"type": "uri_folder"}}}, "job"),
            ({"type": "uri_file", "path": "x"}, "model"),
        ],
    )
    def test_another_kind_than_asked_for_is_refused(
        self, value: dict[str, Any], expected: str
    ) -> None:
        with pytest.raises(Invalid, match="expected the kind"):
            kind_of(value, expected)

    def test_a_file_that_tells_nothing_is_refused(self) -> None:
        with pytest.raises(Invalid, match="no kind"):
            kind_of({"a": 1})


class TestLoadDocument:
    @pytest.mark.parametrize("text", ["just text", "- a\n- b", "1"])
    def test_the_top_must_be_a_mapping(self, text: str) -> None:
        with pytest.raises(SpecError, match="mapping at the top"):
            load_document(load(text))

    def test_the_readers_warnings_come_along(self) -> None:
        _, _, diagnostics = load_document(
            load("command: x\nenvironment: azureml:e:1\ninputs: {at: 12:30:00}")
        )
        assert "base 60" in diagnostics[0].message


class TestModelFor:
    def test_every_kind_has_one(self) -> None:
        for kind in KINDS:
            assert model_for(kind).model_fields

    def test_a_slip_is_answered_with_the_closest(self) -> None:
        with pytest.raises(NotFound) as caught:
            model_for("comand-job")
        assert caught.value.hint == "Did you mean 'command-job'?"
