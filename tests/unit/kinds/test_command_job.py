"""What is said about a command job before it is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lazur.kinds.catalog import load_document, validate
from lazur.kinds.jobs.command import CommandJob, demand
from lazur.spec.diagnostics import Diagnostic, errors_of, warnings_of
from lazur.spec.inputs import DataInput, LiteralInput, MLTableInput, ModelInput, literal_of
from lazur.spec.outputs import output_of
from lazur.spec.resources import Asked
from lazur.spec.yaml import load
from tests.effort import examples

MINIMAL: dict[str, Any] = {"command": "python main.py", "environment": "azureml:e:1"}


def job(**more: Any) -> CommandJob:
    model, diagnostics = validate("command-job", MINIMAL | more)
    assert errors_of(diagnostics) == []
    assert isinstance(model, CommandJob)
    return model


def complaints(**more: Any) -> list[Diagnostic]:
    model, diagnostics = validate("command-job", MINIMAL | more)
    assert (model is None) == bool(errors_of(diagnostics))
    return diagnostics


def complaint(**more: Any) -> Diagnostic:
    (found,) = complaints(**more)
    return found


def said_about(text: str) -> list[tuple[int | None, int | None, str]]:
    _, _, diagnostics = load_document(load(text, "job.yml"))
    return [(d.line, d.column, f"{d.severity}: {d.message}") for d in diagnostics]


class TestInputs:
    def test_each_form_has_its_own_model(self) -> None:
        inputs = job(
            inputs={
                "file": {"type": "uri_file", "path": "a.csv"},
                "folder": {"path": "./a"},
                "model": {"type": "MlflowModel", "path": "azureml:m:1"},
                "table": {"type": "mltable", "path": "./t"},
                "written": {"value": True},
                "none": None,
            }
        ).inputs
        assert isinstance(inputs["file"], DataInput)
        assert isinstance(inputs["folder"], DataInput)
        assert (inputs["folder"].type, inputs["folder"].mode) == ("uri_folder", "ro_mount")
        assert not inputs["folder"].says("type")
        assert isinstance(inputs["model"], ModelInput)
        assert inputs["model"].type == "mlflow_model"
        assert isinstance(inputs["table"], MLTableInput)
        assert isinstance(inputs["written"], LiteralInput)
        assert inputs["none"] is None

    @pytest.mark.parametrize(
        "value, text",
        [
            (True, "True"),
            (False, "False"),
            (1, "1"),
            (0.1, "0.1"),
            (1e-7, "1e-07"),
            ("1e-3", "1e-3"),
            ("", ""),
            ({"value": 3}, "3"),
            ({"value": True}, "True"),
            ({"path": "x"}, None),
            (None, None),
        ],
    )
    def test_literals_are_passed_on_as_azures_client_writes_them(
        self, value: Any, text: str | None
    ) -> None:
        assert literal_of(job(inputs={"x": value}).inputs["x"]) == text

    def test_an_input_called_type_is_a_literal(self) -> None:
        assert (
            job(inputs={"type": "uri_file", "csv": "https://h/x.csv"}).inputs["type"] == "uri_file"
        )

    @pytest.mark.parametrize("mode", ["mount", "ro_mount", "RoMount", "RO_MOUNT", "readonlymount"])
    def test_modes_have_many_spellings(self, mode: str) -> None:
        made = job(inputs={"x": {"path": "p", "mode": mode}}).inputs["x"]
        assert isinstance(made, DataInput)
        assert made.mode == "ro_mount"

    @pytest.mark.parametrize(
        "body, path",
        [
            ({"type": "uri_fil", "path": "x"}, "inputs.x"),
            ({"type": "integer", "default": 3}, "inputs.x"),
            ({"path": "x", "mode": "upload"}, "inputs.x.mode"),
            ({"path": ["x"]}, "inputs.x.path"),
            ({"value": [1]}, "inputs.x.value"),
            (["x"], "inputs.x"),
            ({"path": "azureml://nowhere"}, "inputs.x.path"),
            ({"path": "azureml:a:b:c"}, "inputs.x.path"),
        ],
    )
    def test_wrong_ones_are_placed(self, body: Any, path: str) -> None:
        found = complaint(inputs={"x": body})
        assert (found.severity, found.path) == ("error", path)

    @pytest.mark.parametrize("name", ["a b", "$(x)", "a..b", "x\n", ""])
    def test_names_are_checked(self, name: str) -> None:
        assert complaint(inputs={name: 1}).severity == "error"

    @pytest.mark.parametrize(
        "body", [None, {"type": "uri_file"}, {"type": "uri_file", "path": ""}]
    )
    def test_the_command_needs_a_value(self, body: Any) -> None:
        found = errors_of(complaints(command="python ${{inputs.x}}", inputs={"x": body}))
        assert "has no value" in found[0].message

    def test_an_optional_block_does_not(self) -> None:
        job(command="python $[[--x ${{inputs.x}}]]", inputs={"x": None})


class TestPathsOfInputs:
    def test_nothing_undefined_is_taken_for_the_name_of_a_folder(self) -> None:
        found = complaint(
            inputs={"d": {"path": "azureml://datastores/d/paths/${{inputs.day}}"}, "day": "1"}
        )
        assert found.message == "${{inputs.day}} means nothing in the path of an input"
        assert found.path == "inputs.d.path"
        assert found.hint == "Known there: ${{default_datastore}}, ${{name}}."

    def test_everything_below_a_folder_is_the_folder_and_that_is_said(self) -> None:
        given = {"d": {"type": "uri_folder", "path": "./d/**"}, "f": {"path": "a/**/*.csv"}}
        model, (told,) = validate("command-job", MINIMAL | {"inputs": given})
        assert isinstance(model, CommandJob)
        assert {name: body["path"] for name, body in model.dump()["inputs"].items()} == {
            "d": "./d",
            "f": "a/**/*.csv",
        }
        assert (told.severity, told.message) == ("warning", "`/**` is read as the whole folder")
        assert (told.path, told.hint) == ("inputs.d.path", "Write: path: ./d")


class TestOutputs:
    def test_an_empty_body_is_a_folder(self) -> None:
        made = job(outputs={"x": None}).outputs
        assert made["x"] is None
        assert (output_of(made["x"]).type, output_of(made["x"]).mode) == ("uri_folder", "rw_mount")

    def test_an_empty_section_is_none_at_all(self) -> None:
        assert job(outputs=None, inputs=None, tags=None).outputs == {}

    def test_names_of_assets_and_their_versions_may_be_given(self) -> None:
        made = output_of(
            job(outputs={"x": {"type": "mlflow_model", "name": "m", "version": 2}}).outputs["x"]
        )
        assert (made.name, made.version) == ("m", "2")

    def test_paths_may_hold_the_jobs_name_but_nothing_undefined(self) -> None:
        top = "azureml://datastores/${{default_datastore}}/paths"
        job(outputs={"x": {"path": f"{top}/${{{{name}}}}/${{{{output_name}}}}"}})
        job(
            inputs={"day": "1", "hour": {"value": 2}, "d": {"path": f"{top}/${{{{name}}}}"}},
            outputs={"x": {"path": f"{top}/${{{{inputs.day}}}}/${{{{inputs.hour}}}}"}},
        )
        found = complaint(
            inputs={"d": {"path": "./d"}}, outputs={"x": {"path": f"{top}/${{{{inputs.d}}}}"}}
        )
        assert found.message == "${{inputs.d}} means nothing in the path of an output"
        found = complaint(outputs={"x": {"path": "azureml://datastores/d/paths/${{nam}}/"}})
        assert found.hint == "Did you mean 'name'?"


class TestFields:
    def test_numbers_and_booleans_are_text_in_tags(self) -> None:
        assert job(tags={"a": 1, "b": 0.5, "c": True}).tags == {"a": "1", "b": "0.5", "c": "True"}

    @pytest.mark.parametrize("version, text", [(1, "1"), (1.0, "1.0"), ("1.10", "1.10")])
    def test_versions_are_text(self, version: Any, text: str) -> None:
        environment = job(
            environment={"image": "python", "name": "e", "version": version}
        ).environment
        assert not isinstance(environment, str)
        assert environment.version == text

    def test_environment_variables_keep_their_types(self) -> None:
        assert (
            job(environment_variables={"A": 1, "B": True, "C": None}).environment_variables["B"]
            is True
        )

    def test_models_are_frozen(self) -> None:
        with pytest.raises(ValidationError):
            job().command = "x"

    @pytest.mark.parametrize(
        "field, value, expected",
        [
            ("resources", {"instance_count": "two"}, "a whole number"),
            ("resources", {"instance_count": True}, "true or false"),
            ("resources", {"instance_count": 0}, "greater than or equal to 1"),
            ("resources", {"instance_count": 1.5}, "a whole number"),
            ("resources", {"shm_size": "huge"}, "no size"),
            ("resources", {"properties": {"memory": "lots"}}, "no size"),
            ("resources", {"properties": {"cpus": 0}}, "whole number from 1"),
            ("resources", {"properties": {"lazur": {"gpus": -1}}}, "whole number from 0"),
            ("resources", [], "a mapping"),
            ("limits", {"timeout": 0}, "greater than 0"),
            ("limits", {"timeout": "1h"}, "a whole number"),
            ("distribution", {"type": "horovod"}, "pytorch, mpi, tensorflow, ray"),
            (
                "distribution",
                {"type": "pytorch", "process_count_per_instance": 0},
                "greater than or equal to 1",
            ),
            ("queue_settings", {"priority": "urgent"}, "low, medium, high"),
            ("identity", {"type": "me"}, "user_identity"),
            ("services", {"a": {"port": 99_999}}, "less than or equal to 65535"),
            ("type", "sweep", "command"),
            ("command", "", "at least 1 character"),
            ("command", ["python"], "text"),
            ("command", None, "text"),
            ("description", True, "text"),
            ("name", "a b", "is not a name"),
            ("name", "<name>", "placeholder"),
            ("experiment_name", "a/b", "slashes"),
            ("compute", "azureml:<compute>", "placeholder"),
            ("code", "azureml:a:b:c", "not a reference"),
            ("environment", [5], "text or a mapping"),
            ("environment", {}, "needs `image`"),
            ("environment", {"image": "a", "build": {"path": "."}}, "not both"),
            ("environment", "azureml:", "not a reference"),
            ("environment_variables", {"A": [1]}, "true or false"),
            ("tags", {"a": None}, "text"),
            ("tags", {"a": {"b": 1}}, "text"),
            ("command", "a\0b", "NUL"),
            ("description", "\ud800", "Unicode"),
            ("inputs", {"x": float("nan")}, "not a number"),
        ],
    )
    def test_wrong_values_say_what_was_expected(
        self, field: str, value: Any, expected: str
    ) -> None:
        found = errors_of(complaints(**{field: value}))
        assert found
        assert found[0].path.split(".")[0] == field
        assert expected in found[0].message

    @pytest.mark.parametrize("field", ["command", "environment"])
    def test_what_is_required_is_missed(self, field: str) -> None:
        model, (found,) = validate("command-job", {k: v for k, v in MINIMAL.items() if k != field})
        assert model is None
        assert found.message == f"`{field}` is missing"

    def test_a_slip_of_the_pen_is_shown_where_it_is(self) -> None:
        text = "type: command\nenvironment: azureml:e:1\ncomand: echo\n"
        _, _, (error, _) = load_document(load(text))
        assert (error.line, error.column) == (3, 1)
        assert (error.message, error.hint) == ("`command` is missing", "Did you mean 'command'?")

    def test_code_of_the_first_months_says_what_to_write(self) -> None:
        found = complaint(code={"local_path": "src"})
        assert found.path == "code"
        assert "`code: src`" in found.message


class TestUnknownFields:
    def test_they_warn_and_are_kept(self) -> None:
        model, (found,) = validate("command-job", MINIMAL | {"enviroment_variables": {"A": 1}})
        assert found.severity == "warning"
        assert found.hint == "Did you mean 'environment_variables'?"
        assert model is not None
        assert model.dump()["enviroment_variables"] == {"A": 1}

    def test_inside_other_fields_too(self) -> None:
        found = complaint(inputs={"x": {"path": "p", "mod": "download"}})
        assert (found.path, found.hint) == ("inputs.x.mod", "Did you mean 'mode'?")

    def test_they_are_named_beside_the_errors_they_cause(self) -> None:
        _, diagnostics = validate("command-job", {"command": "x", "enviroment": "azureml:e:1"})
        assert [d.message for d in diagnostics] == [
            "`environment` is missing",
            "`enviroment` is not a known field",
        ]

    def test_what_a_server_printed_is_not_held_against_a_file(self) -> None:
        assert (
            complaints(
                **{"$schema": "x", "id": "i", "status": "Completed", "creation_context": {}}
            )
            == []
        )


class TestWithoutEffect:
    @pytest.mark.parametrize(
        "field, value, path",
        [
            ("resources", {"instance_type": "Standard_NC6"}, "resources.instance_type"),
            ("resources", {"docker_args": "--ipc host"}, "resources.docker_args"),
            ("services", {"shell": {"type": "ssh"}}, "services.shell"),
            ("identity", {"type": "UserIdentity"}, "identity"),
            ("distribution", {"type": "ray"}, "distribution"),
            ("queue_settings", {"job_tier": "Spot"}, "queue_settings.job_tier"),
        ],
    )
    def test_it_is_said_by_name(self, field: str, value: Any, path: str) -> None:
        found = complaint(**{field: value})
        assert (found.severity, found.path) == ("warning", path)
        assert "no effect" in found.message

    @pytest.mark.parametrize("field", ["locations", "shm_size", "max_instance_count"])
    def test_nor_has_any_other_that_only_a_cloud_has(self, field: str) -> None:
        value = {"locations": ["westus"], "shm_size": "2g", "max_instance_count": 3}[field]
        assert complaint(resources={field: value}).path == f"resources.{field}"

    @pytest.mark.parametrize(
        "service, shown",
        [({"type": "ssh"}, "the service 's' (ssh)"), (None, "the service 's' (no type)")],
    )
    def test_a_service_is_named_with_its_type(self, service: Any, shown: str) -> None:
        assert complaint(services={"s": service}).message.startswith(f"{shown} is accepted")

    def test_what_has_an_effect_is_not_named(self) -> None:
        assert (
            complaints(
                resources={"instance_count": 2, "properties": {"cpus": 1}},
                identity={"type": "aml_token"},
                distribution={"type": "pytorch"},
                queue_settings={"priority": "high"},
            )
            == []
        )


class TestDemand:
    @pytest.mark.parametrize(
        "properties, expected",
        [
            ({}, Asked()),
            ({"cpus": 2}, Asked(cpus=2)),
            ({"cpus": "2", "memory": "4GB", "gpus": 0}, Asked(2, 4 << 30, 0)),
            ({"lazur": {"memory": "512m"}, "cpus": 9}, Asked(memory=512 << 20)),
            ({"memory": 1000}, Asked(memory=1000)),
            ({"memory": "1.5GiB"}, Asked(memory=3 << 29)),
        ],
    )
    def test_what_was_asked_for(self, properties: dict[str, Any], expected: Asked) -> None:
        assert demand(job(resources={"properties": properties})) == expected

    def test_nothing_said(self) -> None:
        assert demand(job()) == Asked()


class TestPlaces:
    def test_everything_is_said_at_once_and_in_place(self) -> None:
        text = (
            "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\n"
            "command: >-\n"
            "  python main.py\n"
            "  --lr ${{inputs.lrr}}\n"
            "inputs:\n"
            "  lr: 0.1\n"
            "environment: {image: python}\n"
            "resources:\n"
            "  instance_count: two\n"
            "  instance_typ: x\n"
            "outputs:\n"
            "  n: {type: uri_fil}\n"
        )
        found = said_about(text)
        assert [(line, column) for line, column, _ in found] == [
            (4, 8),
            (9, 19),
            (12, 13),
            (10, 3),
        ]
        assert [message.split(":")[0] for _, _, message in found] == [
            "error",
            "error",
            "error",
            "warning",
        ]

    def test_a_missing_field_is_placed_where_it_should_be(self) -> None:
        found = said_about(
            "type: command\ncommand: x\nenvironment:\n  inference_config: {}\n  image: x\n"
        )
        assert {line for line, _, _ in found} == {4}

    def test_rendered_like_an_editor(self) -> None:
        _, _, diagnostics = load_document(
            load("command: x\nenvironment: azureml:e:1\nlimits: {timeout: x}\n", "job.yml")
        )
        assert diagnostics[0].render() == (
            "job.yml:3:19: error: expected a whole number, got 'x'\n"
            "  limits: {timeout: x}\n"
            "                    ^"
        )


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10)
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(-5, 5) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted(CommandJob.model_fields)


class TestAnything:
    @settings(max_examples=examples(400), deadline=None)
    @given(st.dictionaries(st.sampled_from(_FIELDS) | _TEXT, _PLAIN, max_size=6))
    def test_it_is_accepted_or_explained(self, value: dict[str, Any]) -> None:
        model, diagnostics = validate("command-job", MINIMAL | value)
        assert (model is None) == bool(errors_of(diagnostics))
        assert len(errors_of(diagnostics)) + len(warnings_of(diagnostics)) == len(diagnostics)

    @settings(max_examples=examples(400), deadline=None)
    @given(
        st.fixed_dictionaries(
            {"command": st.just("x"), "environment": st.just("azureml:e:1")},
            optional={
                "inputs": st.dictionaries(
                    st.from_regex(r"[a-z]{1,5}", fullmatch=True),
                    st.booleans()
                    | st.integers()
                    | _TEXT
                    | st.just({"path": "./a", "mode": "download"}),
                    max_size=4,
                ),
                "tags": st.dictionaries(_TEXT, _TEXT, max_size=4),
                "environment_variables": st.dictionaries(
                    _TEXT, st.none() | st.booleans() | st.integers() | _TEXT
                ),
                "outputs": st.dictionaries(
                    st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.none()
                ),
                "xtra": _PLAIN,
                "display_name": _TEXT,
            },
        )
    )
    def test_what_is_accepted_comes_out_as_it_went_in(self, value: dict[str, Any]) -> None:
        model, _ = validate("command-job", value)
        assert model is not None
        assert model.dump() == value
