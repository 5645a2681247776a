"""What no single field can tell: where it is shown, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import load_document, validate
from lazur.spec.diagnostics import Diagnostic
from lazur.spec.yaml import load

RUNS = {"environment": "azureml:e:1", "code": "./src"}
TASK = {"type": "run_function", "entry_script": "s.py", **RUNS}
COMPONENTS: dict[str, dict[str, Any]] = {
    "command": {"command": "true", **RUNS},
    "spark": {"entry": {"file": "a.py"}, **RUNS},
    "parallel": {
        "inputs": {"d": {"type": "uri_folder"}},
        "input_data": "${{inputs.d}}",
        "task": TASK,
    },
    "pipeline": {"jobs": {"a": {"command": "true", "environment": "azureml:e:1"}}},
    "sweep": {
        "trial": {"command": "true ${{search_space.x}}", "environment": "azureml:e:1"},
        "search_space": {"x": {"type": "choice", "values": [1]}},
        "objective": {"goal": "minimize", "primary_metric": "loss"},
        "sampling_algorithm": "random",
    },
}
SECRET = "https://account.blob.core.windows.net/c/x?sig=abc"


def told(kind: str, value: dict[str, Any]) -> list[Diagnostic]:
    return validate(kind, value)[1]


def new(form: str, **more: Any) -> list[tuple[str, str]]:
    """What is said of a component that was fine before: at which place, and how bad it is."""
    sound = {"name": "c", "type": form, **COMPONENTS[form]}
    inputs = {**COMPONENTS[form].get("inputs", {}), **more.pop("inputs", {})}
    before = told(f"{form}-component", sound)
    found = told(f"{form}-component", {**sound, "inputs": inputs, **more})
    return [(one.path, one.severity) for one in found if one not in before]


@pytest.mark.parametrize("form", COMPONENTS)
class TestEveryComponent:
    def test_its_name_is_one_that_azure_takes(self, form: str) -> None:
        assert new(form, name="Upper-Case") == [("name", "warning")]

    @pytest.mark.parametrize("side", ["inputs", "outputs"])
    def test_its_inputs_and_outputs_have_names(self, form: str, side: str) -> None:
        assert new(form, **{side: {"a b": {"type": "uri_folder"}}}) == [(f"{side}.a b", "error")]

    def test_no_default_gives_a_secret_away(self, form: str) -> None:
        for field in ("default", "path"):
            found = new(form, inputs={"x": {"type": "uri_file", field: SECRET}})
            assert (f"inputs.x.{field}", "error") in found

    def test_a_version_is_shown_as_it_is_read(self, form: str) -> None:
        head = f"type: {form}\nname: c\nversion: 1.10\n"
        body = "".join(f"{key}: {value!r}\n" for key, value in COMPONENTS[form].items())
        _, _, found = load_document(load(head + body, "c.yml"), "component")
        said = [(one.line, one.hint) for one in found if one.path == "version"]
        assert said == [(3, 'Quote it to keep it as it is: "1.10".')]


class TestScripts:
    @pytest.mark.parametrize("form, text", [("command", "command"), ("spark", "args")])
    def test_what_they_name_is_declared(self, form: str, text: str) -> None:
        ports = {"x": {"type": "uri_folder"}}
        given: dict[str, Any] = {"inputs": ports, "outputs": ports}
        assert new(form, **{text: "${{inputs.x}} ${{outputs.x}}"}, **given) == []
        assert new(form, **{text: "${{inputs.y}}"}, **given) == [(text, "error")]
        assert new(form, **{text: "${{outputs.y}}"}, **given) == [(text, "error")]

    @pytest.mark.parametrize("form", ["command", "spark"])
    @pytest.mark.parametrize(
        "more, path",
        [
            ({"code": "azureml://x"}, "code"),
            ({"environment": "azureml://x"}, "environment"),
            (
                {"environment": {"image": "i", "conda_file": "azureml://x"}},
                "environment.conda_file",
            ),
            ({"environment": {"build": {"path": "azureml://x"}}}, "environment.build.path"),
        ],
    )
    def test_what_they_run_in_is_somewhere(
        self, form: str, more: dict[str, Any], path: str
    ) -> None:
        assert new(form, **more) == [(path, "error")]

    @pytest.mark.parametrize(
        "more, warns",
        [({}, True), ({"image": "i"}, False), ({"build": {"path": "."}}, False)],
    )
    def test_a_conda_file_stands_on_an_image(self, more: dict[str, Any], warns: bool) -> None:
        found = new("command", environment={"conda_file": "c.yml", **more})
        said = [one for one in found if one == ("environment.conda_file", "warning")]
        assert bool(said) is warns

    def test_that_it_has_none_is_shown_at_the_conda_file(self) -> None:
        text = "command: t\nenvironment:\n  name: e\n  conda_file: c.yml\n"
        _, _, (found,) = load_document(load(text, "j.yml"), "job")
        assert (found.line, found.column, found.message) == (4, 3, "`image` is missing")
        assert found.hint == "Azure asks for `image` beside `conda_file`; here it is not needed."

    def test_nothing_runs_spark_yet(self) -> None:
        (found,) = told("spark-component", {"name": "c", "type": "spark", **COMPONENTS["spark"]})
        assert (found.path, found.severity) == ("type", "warning")
        assert found.message == (
            "a component of type spark is kept, and cannot run: there are no spark jobs yet"
        )


class TestOptional:
    @pytest.mark.parametrize(
        "declared, command, warns",
        [
            ({"type": "integer", "optional": True}, "t ${{inputs.x}}", True),
            ({"type": "integer", "optional": True}, "t $[[${{inputs.x}}]]", False),
            ({"type": "integer", "optional": True, "default": 1}, "t ${{inputs.x}}", False),
            ({"type": "integer"}, "t ${{inputs.x}}", False),
            ({"type": "integer", "optional": True}, "t ${{outputs.x}}", False),
        ],
    )
    def test_an_input_that_may_be_missing_stands_in_a_block(
        self, declared: dict[str, Any], command: str, warns: bool
    ) -> None:
        ports = {"inputs": {"x": declared}, "outputs": {"x": {"type": "uri_file"}}}
        found = new("command", command=command, **ports)
        assert found == ([("command", "warning")] if warns else [])

    def test_how_is_told_in_its_place(self) -> None:
        text = (
            "name: c\ncommand: t --a ${{inputs.x}}\nenvironment: azureml:e:1\n"
            "inputs: {x: {type: integer, optional: true}}\n"
        )
        _, _, (found,) = load_document(load(text, "c.yml"), "component")
        assert (found.line, found.column) == (2, 16)
        assert found.hint == "Write $[[--x ${{inputs.x}}]]."


class TestJobs:
    JOB = "command: t ${{inputs.x}} ${{outputs.x}}\nenvironment: azureml:e:1\n"

    def test_what_the_command_needs_has_a_value(self) -> None:
        text = f"{self.JOB}outputs: {{x: }}\ninputs:\n  y: 1\n  x:\n"
        _, _, (found,) = load_document(load(text, "j.yml"), "job")
        assert (found.line, found.column) == (6, 3)
        assert found.message == "the command needs the input 'x', which has no value"
        assert found.hint == (
            "Give it a value or a path, or use it in an optional block: $[[--x ${{inputs.x}}]]."
        )

    @pytest.mark.parametrize(
        "compute, fine",
        [("azureml:c", True), ("local", True), ("${{parent.inputs.c}}", True), ("a/b/c", False)],
    )
    def test_its_compute_is_one(self, compute: str, fine: bool) -> None:
        job = {"command": "t", "environment": "azureml:e:1", "compute": compute}
        assert [one.path for one in told("command-job", job)] == ([] if fine else ["compute"])

    def test_an_output_of_its_name_needs_none(self) -> None:
        job = {"command": "t ${{outputs.x}}", "environment": "azureml:e:1"}
        assert told("command-job", {**job, "inputs": {"x": None}, "outputs": {"x": None}}) == []

    @pytest.mark.parametrize("side", ["inputs", "outputs"])
    def test_inputs_and_outputs_have_names(self, side: str) -> None:
        job = {
            "command": "t",
            "environment": "azureml:e:1",
            side: {"a b": {"path": "azureml:d:1"}},
        }
        assert [one.path for one in told("command-job", job)] == [f"{side}.a b"]


class TestAssets:
    @pytest.mark.parametrize("kind", ["data", "model"])
    def test_a_version_is_shown_as_it_is_read(self, kind: str) -> None:
        text = "name: a\nversion: 1.10\npath: ./x\n"
        _, _, (found,) = load_document(load(text, "a.yml"), kind)
        assert (found.line, found.path, found.severity) == (2, "version", "warning")
        assert told(kind, {"name": "a", "version": 1.1, "path": "./x"}) == []

    def test_so_is_that_of_an_environment(self) -> None:
        text = "name: a\nversion: 0x10\nimage: i\n"
        _, _, (found,) = load_document(load(text, "a.yml"), "environment")
        assert found.message == "the version 0x10 is read as 16"
