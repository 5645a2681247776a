"""One step, whatever its form."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.pipelines import steps
from tests.unit.kinds.pipelines.world import command, component


class TestKind:
    @pytest.mark.parametrize(
        "step, kind",
        [
            ({}, "command"),
            ({"type": "Command"}, "command"),
            ({"type": "IfElse"}, "if_else"),
            ({"type": "if-else"}, "if_else"),
            ({"type": "doWhile"}, "do_while"),
            ({"type": "ParallelFor"}, "parallel_for"),
            ({"type": "DataTransfer"}, "data_transfer"),
            ({"component": {"type": "parallel"}}, "parallel"),
            ({"component": {"type": "Sweep"}}, "sweep"),
            ({"type": "sweep", "component": {"type": "command"}}, "sweep"),
            ({"component": "azureml:c:1", "jobs": {}}, "pipeline"),
            ({"type": "comand"}, "comand"),
            ({"type": 3}, "3"),
        ],
    )
    def test_is_said_by_the_step_or_by_its_component(
        self, step: dict[str, Any], kind: str
    ) -> None:
        assert steps.kind_of(step) == kind


class TestPorts:
    @pytest.mark.parametrize("key", ["component", "trial"])
    def test_are_those_of_what_it_runs(self, key: str) -> None:
        declared = {"x": {"type": "integer"}}
        step = {key: component(inputs=declared, outputs=declared), "inputs": {"y": 1}}
        assert steps.ports(step, "inputs") == steps.ports(step, "outputs") == declared

    def test_of_a_trial_that_declares_none_they_are_the_steps_own(self) -> None:
        step = {"trial": command(), "inputs": {"x": 1}, "outputs": {"o": {"type": "integer"}}}
        assert steps.ports(step, "inputs") == {"x": {}}
        assert steps.ports(step, "outputs") == {"o": {"type": "integer"}}

    def test_what_is_given_declares_nothing(self) -> None:
        given = {"type": "uri_folder", "path": "azureml:d:1"}
        assert steps.ports(command(inputs={"x": given}), "inputs") == {"x": {}}

    @pytest.mark.parametrize("key", ["component", "trial"])
    def test_are_not_known_of_a_reference(self, key: str) -> None:
        assert steps.is_open({key: "azureml:c:1"})
        assert not steps.is_open({key: component()})

    @pytest.mark.parametrize("kind", ["integer", "Integer", "NUMBER", "boolean", "string"])
    def test_are_values_whatever_the_case(self, kind: str) -> None:
        assert steps.is_primitive({"type": kind})

    @pytest.mark.parametrize("port", [{"type": "uri_file"}, {"type": None}, {}])
    def test_or_data(self, port: dict[str, Any]) -> None:
        assert not steps.is_primitive(port)


class TestDeterministic:
    @pytest.mark.parametrize(
        "component, step, is_so",
        [
            ({}, {}, True),
            ({"is_deterministic": False}, {}, False),
            ({"is_deterministic": False}, {"is_deterministic": None}, False),
            ({"is_deterministic": False}, {"is_deterministic": True}, True),
            ({"is_deterministic": True}, {"is_deterministic": False}, False),
            ({"is_deterministic": None}, {}, True),
            ({"is_deterministic": "False"}, {}, False),
            ({}, {"is_deterministic": "false"}, False),
            ({}, {"is_deterministic": "true"}, True),
        ],
    )
    def test_is_said_by_the_step_or_by_its_component(
        self, component: dict[str, Any], step: dict[str, Any], is_so: bool
    ) -> None:
        assert steps.is_deterministic({"component": component, **step}) is is_so


class TestJobSpec:
    @pytest.mark.parametrize(
        "field",
        [
            "environment_variables",
            "resources",
            "limits",
            "distribution",
            "retry_settings",
            "task",
        ],
    )
    def test_what_the_step_says_goes_over_what_its_component_says(self, field: str) -> None:
        step = {"component": component(**{field: {"a": 1, "b": 2}}), field: {"b": 3}}
        assert steps.job_spec(step)[field] == {"a": 1, "b": 3}

    def test_or_in_its_place(self) -> None:
        said = {"environment": {"build": {"path": "."}}, "limits": "${{parent.inputs.x}}"}
        step = {"component": component(limits={"timeout": 3}), **said}
        found = steps.job_spec(step)
        assert {key: found[key] for key in said} == said

    def test_what_is_blank_says_nothing(self) -> None:
        step = {"component": component(limits=None, code="."), "code": None, "compute": None}
        found = steps.job_spec(step)
        assert found["code"] == "."
        assert {"limits", "compute"}.isdisjoint(found)

    def test_a_component_does_not_say_where_it_runs(self) -> None:
        step = {"component": component(compute="azureml:big")}
        assert "compute" not in steps.job_spec(step)
        assert steps.job_spec({**step, "compute": "azureml:own"})["compute"] == "azureml:own"


class TestNames:
    @pytest.mark.parametrize(
        "written, found",
        [
            (None, []),
            ("", []),
            (" ", []),
            ([], []),
            ("a", ["a"]),
            (1, ["1"]),
            ([" a ", None, "", "b"], ["a", "b"]),
            (" ${{ parent.jobs.a }} ", ["a"]),
        ],
    )
    def test_are_written_in_many_ways(self, written: Any, found: list[str]) -> None:
        assert steps.names(written) == found
