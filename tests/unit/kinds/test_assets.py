from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.assets.component import CommandComponent, Parameter
from lazur.kinds.catalog import load_document, validate
from lazur.spec.diagnostics import Diagnostic, errors_of
from lazur.spec.yaml import load

COMPONENT: dict[str, Any] = {"name": "c", "command": "x", "environment": "azureml:e:1"}


def said(kind: str, value: dict[str, Any]) -> list[Diagnostic]:
    return validate(kind, value)[1]


def component(**more: Any) -> CommandComponent:
    model, diagnostics = validate("command-component", COMPONENT | more)
    assert errors_of(diagnostics) == []
    assert isinstance(model, CommandComponent)
    return model


class TestComponent:
    @pytest.mark.parametrize(
        "parameter",
        [
            {"type": "integer", "default": "3"},
            {"type": "number", "default": "1e-3"},
            {"type": "number", "default": 1, "min": 1, "max": 1},
            {"type": "boolean", "default": "True"},
            {"type": "boolean", "default": False},
            {"type": "string", "default": 5, "enum": [5, "a"]},
            {"type": "String", "enum": ["a"], "default": "a"},
        ],
    )
    def test_defaults_that_fit(self, parameter: dict[str, Any]) -> None:
        assert isinstance(component(inputs={"x": parameter}).inputs["x"], Parameter)

    @pytest.mark.parametrize(
        "parameter, words",
        [
            ({"type": "integer", "default": 1.5}, "not a whole number"),
            ({"type": "integer", "default": True}, "not a number"),
            ({"type": "number", "default": "many"}, "not a number"),
            ({"type": "number", "default": 11, "max": 10}, "at most 10"),
            ({"type": "number", "default": -1, "min": 0}, "at least 0"),
            ({"type": "boolean", "default": "maybe"}, "neither true nor false"),
            ({"type": "string", "default": "c", "enum": ["a", "b"]}, "not one of a, b"),
            ({"type": "text"}, "an input is a mapping whose `type`"),
            (5, "expected a mapping"),
        ],
    )
    def test_defaults_that_do_not(self, parameter: Any, words: str) -> None:
        (found,) = said("command-component", COMPONENT | {"inputs": {"x": parameter}})
        assert found.severity == "error"
        assert words in found.message
        assert found.path.startswith("inputs.x")

    def test_values_given_later_are_checked_alike(self) -> None:
        parameter = component(inputs={"x": {"type": "integer", "max": 3}}).inputs["x"]
        assert isinstance(parameter, Parameter)
        parameter.check(3)
        with pytest.raises(ValueError, match="at most 3"):
            parameter.check(4)

    def test_an_undefined_expression_is_an_error(self) -> None:
        (found,) = said("command-component", COMPONENT | {"command": "x ${{inputs.y}}"})
        assert "not defined" in found.message

    def test_an_optional_input_outside_of_a_block_is_odd(self) -> None:
        value = COMPONENT | {
            "command": "x ${{inputs.a}} $[[${{inputs.b}}]] ${{inputs.c}}",
            "inputs": {
                "a": {"type": "string", "optional": True},
                "b": {"type": "string", "optional": True},
                "c": {"type": "string", "optional": True, "default": "d"},
            },
        }
        (found,) = said("command-component", value)
        assert (found.severity, "inputs.a" in found.message) == ("warning", True)

    def test_old_names_warn(self) -> None:
        (found,) = said("command-component", COMPONENT | {"name": "TF-hello-world"})
        assert found.severity == "warning"

    def test_unsafe_names_do_not_pass(self) -> None:
        assert errors_of(said("command-component", COMPONENT | {"name": "../x"}))

    def test_outputs_may_be_empty_paths_or_values(self) -> None:
        outputs = component(
            outputs={"a": None, "b": {"type": "path"}, "c": {"type": "number"}}
        ).outputs
        assert [getattr(o, "type", None) for o in outputs.values()] == [
            None,
            "uri_folder",
            "number",
        ] or [getattr(o, "type", None) for o in outputs.values()] == [None, "path", "number"]


class TestVersions:
    def test_01_is_1_as_for_azures_client_and_said_so(self) -> None:
        text = "name: c\nversion: 01\ntype: command\ncommand: x\nenvironment: azureml:e:1\n"
        _, model, (found,) = load_document(load(text), "component")
        assert isinstance(model, CommandComponent)
        assert model.version == "1"
        assert (found.severity, found.line) == ("warning", 2)
        assert '"01"' in str(found.hint)

    @pytest.mark.parametrize("version", ["1", '"01"', "1.0", "abc"])
    def test_plain_ones_need_no_word(self, version: str) -> None:
        _, _, diagnostics = load_document(
            load(f"name: d\ntype: uri_file\npath: x\nversion: {version}")
        )
        assert diagnostics == []

    @pytest.mark.parametrize("version", ["a/b", "..", "a b", True, [1]])
    def test_odd_ones_are_refused(self, version: Any) -> None:
        assert errors_of(said("data", {"path": "x", "version": version}))


class TestOtherAssets:
    @pytest.mark.parametrize(
        "kind, value, field",
        [
            ("environment", {"image": "x"}, "name"),
            ("model", {"path": "x"}, "name"),
            ("data", {"name": "x"}, "path"),
            ("command-component", {"command": "x", "environment": "azureml:e:1"}, "name"),
        ],
    )
    def test_required_fields(self, kind: str, value: dict[str, Any], field: str) -> None:
        assert [d.message for d in said(kind, value)] == [f"`{field}` is missing"]

    @pytest.mark.parametrize(
        "kind, value",
        [
            ("environment", {"name": "e"}),
            ("environment", {"name": "e", "image": "x", "build": {"path": "."}}),
            ("environment", {"name": "e", "image": "x", "os_type": "mac"}),
            ("environment", {"name": "e", "build": {"path": "azureml://x"}}),
            ("environment", {"name": "e", "image": "x", "conda_file": [1]}),
            ("data", {"path": "azureml://x"}),
            ("data", {"path": "x", "type": "uri"}),
            ("model", {"name": "m", "path": "x", "type": "onnx"}),
            ("code", {"name": "a\0", "path": "x"}),
        ],
    )
    def test_wrong_ones(self, kind: str, value: dict[str, Any]) -> None:
        assert errors_of(said(kind, value))

    def test_a_conda_file_alone_is_enough_here_and_said_so(self) -> None:
        (found,) = said("environment", {"name": "e", "conda_file": {"dependencies": []}})
        assert found.severity == "warning"


SECRETS = [
    "https://user:pw@example.org/a.csv",
    "https://ghp_abc@example.org/a.csv",
    "https://example.org/a.csv?sv=2024&sig=abc%3D",
    "https://example.org/a.csv?x=1&%53ig=abc",
    "https://example.org/a.csv?x=1;sig=abc",
    "https://example.org/a.csv#sig=abc",
    "https://bucket.s3.amazonaws.com/a?X-Amz-Credential=k&X-Amz-Signature=abc",
    "https://storage.googleapis.com/b/a?X-Goog-Signature=abc",
    "https://example.org/a.csv?access_token=abc",
    "s3://key:secret@bucket/a.csv",
    "wasbs://box:pw@account.blob.core.windows.net/a.csv?x=1",
    "abfss://box@account.dfs.core.windows.net/a?sig=abc",
]
OPEN = [
    "https://example.org/a.csv?raw=true&version=3&page_token_size=2",
    "https://example.org/files/sig=3/part.csv?download=1",
    "https://example.org/a@b/c.csv",
    "wasbs://box@account.blob.core.windows.net/a.csv",
    "azureml://datastores/store/paths/password=1/a.csv",
    "./sig=3/part;password=x.csv",
    "data/a?sig=b.csv",
]


class TestSecretsInAddresses:
    """Whoever sees the asset or the job sees them."""

    @pytest.mark.parametrize("address", SECRETS)
    def test_they_are_refused_wherever_data_are_named(self, address: str) -> None:
        for kind, value, place in _naming(address):
            found = [d for d in said(kind, value) if d.severity == "error"]
            assert [d.path for d in found] == [place], kind
            assert "password or a signature" in found[0].message
            assert "lazur datastore create" in str(found[0].hint)
            assert "abc" not in found[0].message + str(found[0].hint)

    @pytest.mark.parametrize("address", OPEN)
    def test_what_is_public_is_not(self, address: str) -> None:
        for kind, value, _ in _naming(address):
            assert [d for d in said(kind, value) if "signature" in d.message] == []


def _naming(address: str) -> list[tuple[str, dict[str, Any], str]]:
    job = {"command": "x", "environment": "azureml:e:1"}
    given = {"type": "uri_file", "path": address}
    return [
        ("data", {"name": "d", "path": address, "type": "uri_file"}, "path"),
        ("model", {"name": "m", "path": address}, "path"),
        ("command-job", {**job, "inputs": {"x": given}}, "inputs.x.path"),
        ("command-job", {**job, "outputs": {"y": {**given, "mode": "direct"}}}, "outputs.y.path"),
        (
            "command-component",
            {**COMPONENT, "inputs": {"x": {"type": "uri_file", "default": address}}},
            "inputs.x.default",
        ),
    ]
