"""Command jobs. What a parallel job shows of itself is a command, too: Azure has it as a node of
pipelines only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.server.arm.ids import Ids
from lazur.server.arm.translate.cases import given, mapping
from lazur.server.arm.translate.job_ports import arm_inputs, arm_outputs, inputs, outputs
from lazur.server.arm.translate.job_settings import arm_settings, settings
from lazur.server.arm.translate.references import asset_id, written


def command(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` has its fields in snake_case."""
    return {
        "type": "command",
        **run(body),
        **settings(body),
        **given(
            inputs=inputs(body.get("inputs")) or None,
            outputs=outputs(body.get("outputs")) or None,
            parent_job_name=body.get("parent_job_name"),
        ),
    }


def run(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is run, in what: of a job, and of a sweep's trial."""
    return given(
        command=body.get("command"),
        code=written(body.get("code_id")),
        environment=written(body.get("environment_id")),
        environment_variables=body.get("environment_variables") or None,
    )


def arm_command(found: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    return {
        **arm_run(found, ids),
        **arm_settings(found, "Command"),
        "inputs": arm_inputs(found.get("inputs"), ids),
        "outputs": arm_outputs(found.get("outputs"), ids),
        "parent_job_name": found.get("parent_job_name"),
    }


def arm_run(found: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    return {
        "command": found.get("command"),
        "code_id": asset_id(found.get("code"), "codes", ids),
        "environment_id": asset_id(found.get("environment"), "environments", ids),
        "environment_variables": _texts(found.get("environment_variables")),
    }


def arm_parallel(found: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """A parallel job of its own."""
    task = mapping(found.get("task"))
    script, arguments = task.get("entry_script") or "", task.get("program_arguments") or ""
    shown = {
        **found,
        "command": f"{script} {arguments}".strip() or "parallel",
        "code": task.get("code"),
        "environment": task.get("environment") or found.get("environment"),
    }
    return arm_command(shown, ids)


def _texts(variables: Any) -> dict[str, str]:
    return {
        name: "" if value is None else str(value) for name, value in mapping(variables).items()
    }
