"""Where mistakes in parallel jobs and components are shown, and how grave they are."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.catalog import validate
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
        ],
    )
    def test_what_is_cut_is_an_input_and_nothing_else(self, written: str, hint: str) -> None:
        (found,) = validate("parallel-job", MINIMAL | {"input_data": written})[1]
        assert (found.path, found.hint) == ("input_data", hint)

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
        ],
    )
    def test_what_may_be_written_otherwise(self, more: dict[str, Any]) -> None:
        assert told(more) == []


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
