"""Slips in a pipeline's files: told before anything runs, with file, line and what to do."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Person

pytestmark = pytest.mark.slow

RUN = "environment: {image: 'python:3.11'}"
TRAIN = f"""\
type: command
name: train
version: 1
command: echo ${{{{inputs.rate}}}}
inputs:
  rate: {{type: number}}
outputs:
  model: {{type: uri_folder}}
{RUN}
"""
MISTAKES = {
    "an undefined input of a step": (
        f"  a:\n    command: echo ${{{{inputs.rat}}}}\n    inputs: {{rate: 1}}\n    {RUN}\n",
        ("p.yml:4:14", "there is no input 'rat'", "Did you mean 'rate'?"),
    ),
    "an undefined input of the pipeline": (
        (
            f"  a:\n    command: echo ${{{{inputs.x}}}}\n    {RUN}\n"
            "    inputs:\n      x: ${{parent.inputs.rate}}\n"
        ),
        ("p.yml:7:10", "the pipeline has no input 'rate'", "inputs"),
    ),
    "a required input without a value": (
        "  a:\n    component: ./train.yml\n",
        ("p.yml:4:5", "is not given the input 'rate'", "Give it under `inputs:`, `rate: …`."),
    ),
    "an input of another type": (
        "  a:\n    component: ./train.yml\n    inputs: {rate: fast}\n",
        ("p.yml:5:20", "takes a number", "'fast'"),
    ),
    "an input that the component has not": (
        "  a:\n    component: ./train.yml\n    inputs: {rats: 2}\n",
        ("p.yml:5:20", "has no input 'rats'", "Did you mean 'rate'?"),
    ),
    "a cycle": (
        (
            f"  a: {{command: echo, depends_on: [b], {RUN}}}\n"
            f"  b: {{command: echo, depends_on: [a], {RUN}}}\n"
        ),
        ("p.yml:3:", "wait for each other", "depends_on"),
    ),
    "a step that takes what it makes": (
        (
            "  a:\n    component: ./train.yml\n"
            "    inputs: {rate: '${{parent.jobs.a.outputs.model}}'}\n"
        ),
        ("p.yml:3:3", "wait for each other: a → a", "Take one of the bindings away."),
    ),
    "a folder for a number": (
        (
            "  a:\n    component: ./train.yml\n    inputs: {rate: 1}\n  b:\n"
            "    component: ./train.yml\n    inputs: {rate: '${{parent.jobs.a.outputs.model}}'}\n"
        ),
        ("p.yml:8:20", "takes a number", "Bind it to a number"),
    ),
    "a step that is not there": (
        f"  abc: {{command: echo, {RUN}}}\n  b: {{command: echo, depends_on: [abd], {RUN}}}\n",
        ("p.yml:4:", "names 'abd': there is no such step", "There are: abc."),
    ),
    "an unknown label of an environment": (
        "  a:\n    command: echo\n    environment: azureml:AzureML-sklearn-1.5@stable\n",
        ("p.yml:5:18", "stable", "latest"),
    ),
    "a version of a component that is not there": (
        "  a:\n    component: azureml:nothing:7\n",
        ("p.yml:4:16", "'nothing'", "lazur component list"),
    ),
    "a file that is not there": (
        "  a:\n    component: ./tran.yml\n",
        ("p.yml:4:16", "tran.yml", "train.yml"),
    ),
    "a template": (
        f"  a:\n    command: echo\n    compute: {{{{COMPUTE}}}}\n    {RUN}\n",
        ("p.yml:5:14", "{{COMPUTE}}", "quote it"),
    ),
    "a condition that is none": (
        (
            "  a: {type: if_else, condition: perhaps, true_block: b}\n"
            f"  b: {{command: echo, {RUN}}}\n"
        ),
        ("p.yml:3:33", "neither true nor false", "where the output is a boolean"),
    ),
    "a loop without an end": (
        (
            "  a: {type: do_while, body: b, condition: '${{parent.jobs.b.outputs.o}}'}\n"
            f"  b: {{command: echo, outputs: {{o: {{type: boolean}}}}, {RUN}}}\n"
        ),
        ("p.yml:3:3", "`limits.max_iteration_count` must be a number from 1", "1000"),
    ),
    "items that are none": (
        (
            "  a: {type: parallel_for, body: b, items: [1, 2]}\n"
            f"  b: {{command: echo, inputs: {{x: 0}}, {RUN}}}\n"
        ),
        ("p.yml:3:43", "a list or a mapping of mappings", "Such as"),
    ),
    "a type of step that cannot run": (
        "  a: {type: spark, entry: {file: x.py}}\n",
        (
            "p.yml:3:13",
            "steps of type spark are not supported yet",
            "There are: command, do_while",
        ),
    ),
    "a component with a mistake of its own": (
        "  a:\n    component: ./broken.yml\n",
        ("broken.yml:3:10", "there is no input 'rate'", "Declare it under `inputs:`."),
    ),
}


class TestMistakes:
    @pytest.mark.parametrize("text, told", MISTAKES.values(), ids=MISTAKES)
    def test_are_told_where_they_are(
        self, person: Person, text: str, told: tuple[str, ...]
    ) -> None:
        _write(person, text)
        ran = person("job", "validate", "-f", "p.yml")
        assert ran.code in (1, 3)
        assert ran.out == ""
        assert ": error: " in ran.err
        for part in told:
            assert part in ran.err
        assert "Traceback" not in ran.err

    @pytest.mark.parametrize("what", ["a cycle", "a version of a component that is not there"])
    def test_nothing_begins(self, person: Person, what: str) -> None:
        text, told = MISTAKES[what]
        _write(person, text)
        before = person.text("job", "list", "--max-results", "1", "--query", "[].name")
        ran = person("job", "create", "-f", "p.yml")
        assert ran.code in (1, 3)
        assert all(part in ran.err for part in told), ran.err
        after = person.text("job", "list", "--max-results", "1", "--query", "[].name")
        assert after == before


def _write(person: Person, text: str) -> None:
    person.write("p.yml", f"type: pipeline\njobs:\n{text}")
    person.write("train.yml", TRAIN)
    broken = f"type: command\nname: broken\ncommand: echo ${{{{inputs.rate}}}}\n{RUN}\n"
    person.write("broken.yml", broken)
