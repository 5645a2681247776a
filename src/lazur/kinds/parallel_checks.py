"""Whether the parts of a parallel job or component fit together."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from lazur.kinds.checks import (
    check_component,
    check_compute,
    check_environment_at,
    check_given,
    check_paths,
    mapping,
    warn_without_effect,
)
from lazur.spec.checking import Check
from lazur.spec.expressions import parse
from lazur.spec.model import squashed
from lazur.spec.suggestions import did_you_mean

_NOT_HERE = "only tasks of type run_function can run: an entry script with a function run"


def check_parallel_job(check: Check) -> None:
    value = mapping(check.value)
    inputs, outputs = value.get("inputs"), value.get("outputs")
    check.names(("inputs",), inputs)
    check.names(("outputs",), outputs)
    _check_cutting(check, value)
    check_given(check, mapping(value.get("task")).get("program_arguments"), inputs)
    check_paths(check, value)
    check_compute(check, value.get("compute"))
    warn_without_effect(check)


def check_parallel_component(check: Check) -> None:
    check_component(check)
    _check_cutting(check, mapping(check.value))


def _check_cutting(check: Check, value: Mapping[str, Any]) -> None:
    """What `input_data` and `task` say of inputs and outputs."""
    task = mapping(value.get("task"))
    inputs, outputs = value.get("inputs"), value.get("outputs")
    check.expressions(
        ("task", "program_arguments"), task.get("program_arguments"), inputs, outputs
    )
    _check_input(check, value)
    _check_output(check, task, outputs)
    _check_task(check, task, value)
    check.reference(("task", "code"), task.get("code"))
    check_environment_at(check, task.get("environment"), ("task", "environment"))
    check_environment_at(check, value.get("environment"), ("environment",))
    try:
        shlex.split(str(task.get("program_arguments") or ""))
    except ValueError as error:
        message = f"the program's arguments cannot be split into words: {error}"
        check.error(message, ("task", "program_arguments"))


def _check_input(check: Check, value: Mapping[str, Any]) -> None:
    written = value.get("input_data")
    if written is None:
        hint = "Write: input_data: ${{inputs.<name>}}"
        check.error("`input_data` is missing: what is cut into mini-batches?", (), hint=hint)
        return
    name = _only(written, "inputs")
    inputs = mapping(value.get("inputs"))
    if name is None or name not in inputs:
        hint = did_you_mean(str(name), inputs) if name else "Write: ${{inputs.<name>}}"
        check.error(f"`input_data` is {written!r}, which is no input", ("input_data",), hint=hint)
        return
    body = inputs[name]
    kind = squashed(mapping(body).get("type") or "uri_folder")
    bound = isinstance(body, str) and parse(body).expressions
    if not (bound or isinstance(body, Mapping)) or kind not in map(squashed, _CUT):
        hint = f"Its type is one of {', '.join(_CUT)}."
        message = f"the input {name!r} has no files or rows to cut into mini-batches"
        check.error(message, ("inputs", name), key=True, hint=hint)


_CUT = ("uri_folder", "uri_file", "mltable")


def _check_output(check: Check, task: Mapping[str, Any], outputs: Any) -> None:
    written = task.get("append_row_to")
    if not isinstance(written, str):
        return
    place = ("task", "append_row_to")
    found = parse(written).expressions
    if len(found) == 1 and found[0].root == "outputs" and found[0].start == 0:
        check.expressions(place, written, {}, outputs)
    else:
        hint = "Write: ${{outputs.<name>}}"
        check.error(f"{written!r} is no output of the job", place, hint=hint)


def _check_task(check: Check, task: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    if not isinstance(value.get("task"), Mapping):
        return  # which is said already
    kind = task.get("type") or "run_function"
    if squashed(kind) not in {"runfunction", "function"}:
        check.error(f"`task.type` is {task['type']!r}; {_NOT_HERE}", ("task", "type"))
    if not task.get("entry_script"):
        hint = "Write: entry_script: score.py"
        check.error("`task.entry_script` is missing", ("task",), key=True, hint=hint)
    if not task.get("environment") and not value.get("environment"):
        check.error("`task.environment` is missing", ("task",), key=True)
    if task.get("entry_script") and not task.get("code"):
        hint = "Write: code: ./src"
        check.error("`task.code` is missing: the folder of the script", ("task",), hint=hint)


def _only(written: Any, root: str) -> str | None:
    """The name in `${{inputs.<name>}}`, where nothing else is written."""
    text = written.strip() if isinstance(written, str) else ""
    found = parse(text).expressions
    if len(found) == 1 and found[0].root == root and found[0].end - found[0].start == len(text):
        return found[0].name
    return None
