"""Slips in a job's file: told before anything runs, with file, line and column."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Person

RUN = "environment: {image: 'python:3.11'}\n"
REGISTRY = "azureml://registries/azureml"
MISTAKES = {
    "an undefined input": (
        "command: echo ${{inputs.rat}}\ninputs: {rate: 1}\n" + RUN,
        ("1:15", "there is no input 'rat'", "Did you mean 'rate'?"),
    ),
    "a required input without a value": (
        "command: echo ${{inputs.rate}}\ninputs:\n  rate:\n" + RUN,
        ("3:3", "the input 'rate', which has no value", "optional block"),
    ),
    "an unknown label": (
        "command: echo\nenvironment: azureml:AzureML-sklearn-1.5@stable\n",
        ("2:14", "stable", "latest"),
    ),
    "an unknown label of a registry": (
        f"command: echo\nenvironment: {REGISTRY}/environments/sklearn-1.5/labels/stable\n",
        ("2:14", "has no label 'stable'", "latest"),
    ),
    "an unknown asset": (
        "command: echo\ninputs:\n  x: {path: 'azureml:nothing:1'}\n" + RUN,
        ("3:13", "'nothing'", "lazur data create --name nothing"),
    ),
    "a template": (
        "command: echo\ncompute: {{COMPUTE}}\n" + RUN,
        ("2:10", "{{COMPUTE}}", "quote it"),
    ),
    "a misspelt field": (
        "type: command\ncomand: echo\n" + RUN,
        ("2:1", "`command` is missing", "Did you mean 'command'?"),
    ),
    "a wrong type": (
        "command: echo\nresources: {instance_count: many}\n" + RUN,
        ("2:29", "a whole number", "many"),
    ),
    "a file that is not there": (
        "command: echo\ncode: scr\n" + RUN,
        ("2:7", "'scr' does not exist", "Looked for"),
    ),
}


class TestMistakes:
    @pytest.mark.parametrize("text, told", MISTAKES.values(), ids=MISTAKES)
    @pytest.mark.parametrize("verb", ["create", "validate"])
    def test_are_told_where_they_are(
        self, person: Person, verb: str, text: str, told: tuple[str, ...]
    ) -> None:
        person.write("job.yml", text)
        before = person.text("job", "list", "--max-results", "1", "--query", "[].name")
        ran = person("job", verb, "-f", "job.yml")
        assert ran.code in (1, 3)
        assert ran.out == ""
        place, *rest = told
        assert f"job.yml:{place}: error: " in ran.err
        for part in rest:
            assert part in ran.err
        assert "Traceback" not in ran.err
        after = person.text("job", "list", "--max-results", "1", "--query", "[].name")
        assert after == before
