"""Where mistakes in parallel jobs and components are shown, and how grave they are."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import load_document, validate
from lazur.spec.diagnostics import errors_of
from lazur.spec.yaml import load
from tests.unit.kinds.test_parallel_job import MINIMAL, TASK

FILES = MINIMAL["inputs"]["files"]
COMPONENT = {**MINIMAL, "name": "c", "inputs": {"files": {"type": "uri_folder"}}}


def told(more: dict[str, Any], kind: str = "parallel-job") -> list[tuple[str, str]]:
    body = COMPONENT if kind == "parallel-component" else MINIMAL
    return [(found.severity, found.path) for found in validate(kind, body | more)[1]]


class TestJob:
    @pytest.mark.parametrize(
        "more, place",
        [
            ({"inputs": {"files": FILES, "a b": 3}}, "inputs.a b"),
            ({"outputs": {**MINIMAL["outputs"], "a b": None}}, "outputs.a b"),
            ({"inputs": {"files": {**FILES, "path": "azureml://x"}}}, "inputs.files.path"),
            ({"outputs": {"scores": {"path": "azureml://x"}}}, "outputs.scores.path"),
            ({"task": {**TASK, "program_arguments": "${{inputs.no}}"}}, "task.program_arguments"),
            ({"task": {**TASK, "append_row_to": "x${{outputs.scores}}"}}, "task.append_row_to"),
            ({"task": {**TASK, "code": "azureml:"}}, "task.code"),
            ({"task": {**TASK, "environment": "azureml:"}}, "task.environment"),
            ({"environment": "azureml:"}, "environment"),
            ({"input_data": "x${{inputs.files}}"}, "input_data"),
            ({"compute": "azureml:"}, "compute"),
            ({"task": None}, "task"),
            ({"task": {"environment": "azureml:e:1"}}, "task"),
            ({"task": {**TASK, "program_arguments": "it's"}}, "task.program_arguments"),
            ({"task": {**TASK, "append_row_to": "${{inputs.word}}"}}, "task.append_row_to"),
            ({"task": {**TASK, "append_row_to": "${{parent.outputs.s}}"}}, "task.append_row_to"),
            ({"inputs": {"files": 3}}, "inputs.files"),
            ({"inputs": {"files": {**FILES, "type": "mlflow_model"}}}, "inputs.files"),
        ],
    )
    def test_a_mistake_is_shown_where_it_is(self, more: dict[str, Any], place: str) -> None:
        assert told(more) == [("error", place)]

    @pytest.mark.parametrize(
        "written, hint",
        [
            ("${{inputs.fils}}", "Did you mean 'files'?"),
            ("files", "Write: ${{inputs.<name>}}"),
            ("${{inputs.files}}/a", "Write: ${{inputs.<name>}}"),
            ("${{outputs.scores}}", "Write: ${{inputs.<name>}}"),
            (None, "Write: input_data: ${{inputs.<name>}}"),
        ],
    )
    def test_what_is_cut_is_an_input_and_nothing_else(self, written: Any, hint: str) -> None:
        (found,) = validate("parallel-job", MINIMAL | {"input_data": written})[1]
        assert (found.path, found.hint) == ("input_data" if written else "", hint)

    def test_a_value_that_the_script_is_given_has_to_be_there(self) -> None:
        task = {**TASK, "program_arguments": "--x ${{inputs.word}}"}
        assert told({"inputs": {"files": FILES, "word": None}, "task": task}) == [
            ("error", "inputs.word")
        ]

    @pytest.mark.parametrize(
        "more, place",
        [
            ({"identity": {"type": "managed"}}, "identity"),
            ({"queue_settings": {"job_tier": "Spot"}}, "queue_settings.job_tier"),
        ],
    )
    def test_what_has_no_effect_is_a_warning(self, more: dict[str, Any], place: str) -> None:
        assert told(more) == [("warning", place)]

    @pytest.mark.parametrize(
        "more",
        [
            {"task": {**TASK, "environment": None}, "environment": "azureml:e:1"},
            {"task": {**TASK, "append_row_to": None}},
            {"task": {**TASK, "type": "function"}},
            {"inputs": {"files": {"type": "mltable", "path": "azureml:t:1"}}},
            {"inputs": {"files": {"type": "uri_file", "path": "azureml:t:1"}}},
            {"inputs": {"files": {"type": "UriFolder", "path": "azureml:t:1"}}},
            {"inputs": {"files": {"type": "MLTable", "path": "azureml:t:1"}}},
            {"inputs": {"files": {"path": "azureml:t:1"}}},
            {"inputs": {"files": "${{parent.inputs.files}}"}},
            {"input_data": " ${{inputs.files}} "},
            {"task": {**TASK, "append_row_to": "${{outputs.scores}}/rows.csv"}},
            {"task": {**TASK, "program_arguments": 3}},
        ],
    )
    def test_what_may_be_written_otherwise(self, more: dict[str, Any]) -> None:
        assert told(more) == []


HEAD = "type: parallel\ninputs:\n  word: a\n  files: {path: azureml:d:1}\n"


class TestPlaces:
    @pytest.mark.parametrize(
        "rest, line, hint",
        [
            (
                (
                    "task: {entry_script: s.py, code: ., environment: e}\n"
                    "input_data: ${{inputs.word}}\n"
                ),
                3,
                "Its type is one of uri_folder, uri_file, mltable.",
            ),
            (
                "input_data: ${{inputs.files}}\ntask:\n  code: .\n  environment: azureml:e:1\n",
                6,
                "Write: entry_script: score.py",
            ),
            ("input_data: ${{inputs.files}}\ntask:\n  code: .\n  entry_script: s.py\n", 6, None),
        ],
    )
    def test_what_is_missing_or_of_another_kind_is_shown_by_its_name(
        self, rest: str, line: int, hint: str | None
    ) -> None:
        _, _, diagnostics = load_document(load(f"{HEAD}{rest}", "p.yml"))
        (found,) = errors_of(diagnostics)
        assert (found.line, found.hint) == (line, hint)

    @pytest.mark.parametrize(
        "task, hint",
        [
            ({**TASK, "append_row_to": "rows.csv"}, "Write: ${{outputs.<name>}}"),
            ({**TASK, "code": None}, "Write: code: ./src"),
        ],
    )
    def test_what_to_write_is_told(self, task: dict[str, Any], hint: str) -> None:
        (found,) = validate("parallel-job", MINIMAL | {"task": task})[1]
        assert found.hint == hint

    @pytest.mark.parametrize("kind", ["model", 3])
    def test_another_task_is_told_at_its_type(self, kind: Any) -> None:
        found = validate("parallel-job", MINIMAL | {"task": {**TASK, "type": kind}})[1]
        said = [one.path for one in found if "only tasks of type run_function" in one.message]
        assert said == ["task.type"]

    def test_inputs_that_are_no_mapping_are_told(self) -> None:
        assert ("error", "inputs") in told({"inputs": 3})


class TestComponent:
    @pytest.mark.parametrize(
        "more, place",
        [
            ({"version": "a b"}, "version"),
            ({"task": {**TASK, "program_arguments": "${{inputs.no}}"}}, "task.program_arguments"),
        ],
    )
    def test_a_mistake_is_shown_where_it_is(self, more: dict[str, Any], place: str) -> None:
        assert told(more, "parallel-component") == [("error", place)]
