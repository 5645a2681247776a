"""Whether a pipeline's file can be one, as far as the file itself tells."""

from __future__ import annotations

from lazur.kinds.checks import check_component
from lazur.kinds.pipelines.compiling import compile_graph
from lazur.kinds.pipelines.steps import CONTROL, KNOWN, TYPES, is_open, kind_of, mapping
from lazur.spec.checking import Check
from lazur.spec.names import check_input_name
from lazur.spec.suggestions import did_you_mean


def check_pipeline_job(check: Check) -> None:
    value = mapping(check.value)
    check.names(("inputs",), value.get("inputs"))
    check.names(("outputs",), value.get("outputs"))
    if value.get("component") is None and not mapping(value.get("jobs")):
        check.error("a pipeline needs `jobs`, or a `component` that has them")
        return
    for name, step in mapping(value.get("jobs")).items():
        _check_step(check, name, step)
    if not check.failed and isinstance(value.get("jobs"), dict):
        compile_graph(value, check)


def check_pipeline_component(check: Check) -> None:
    """Its inputs are declared, and have no values yet."""
    check_component(check)
    value = mapping(check.value)
    if not mapping(value.get("jobs")):
        check.error("a pipeline component needs `jobs`")
        return
    for name, step in mapping(value["jobs"]).items():
        _check_step(check, name, step)
    if not check.failed:
        compile_graph(value, check)


def _check_step(check: Check, name: str, step: object) -> None:
    path = ("jobs", name)
    try:
        check_input_name(name)
    except ValueError as error:
        check.error(str(error), path, key=True)
    if not isinstance(step, dict):
        check.error("a step is a mapping, with `command:` or `component:`", path, key=True)
        return
    found = mapping(step)
    kind = kind_of(found)
    if kind not in (*TYPES, *CONTROL.values()):
        known = kind in KNOWN.values()
        hint = f"Known: {', '.join((*TYPES, *CONTROL.values()))}."
        message = (
            f"steps of type {kind} are not supported yet"
            if known
            else f"there is no type {kind!r}"
        )
        check.error(
            message, (*path, "type"), hint=did_you_mean(kind, [*TYPES, *CONTROL.values()]) or hint
        )
    elif kind == "command" and not is_open(found) and not _runs(found):
        hint = "Give it `command:`, or `component:`."
        check.error(
            f"step {name!r} has neither a command nor a component", path, key=True, hint=hint
        )


def _runs(step: dict[str, object]) -> bool:
    return bool(step.get("command") or mapping(step.get("component")).get("command"))
