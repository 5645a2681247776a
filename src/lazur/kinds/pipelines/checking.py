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
    if value.get("component") is None and not value.get("jobs"):
        check.error("a pipeline needs `jobs`, or a `component` that has them")
        return
    for name, step in mapping(value.get("jobs")).items():
        _check_step(check, name, step)
    if value.get("jobs") and not check.failed:
        compile_graph(value, check)


def check_pipeline_component(check: Check) -> None:
    """Its inputs are declared, and have no values yet."""
    check_component(check)
    value = mapping(check.value)
    if not value.get("jobs"):
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
        message = (
            f"steps of type {kind} are not supported yet"
            if kind in KNOWN.values()
            else f"there is no type {kind!r}"
        )
        if kind == "component":
            hint = "Say what the component is, such as `type: command`."
        else:
            hint = did_you_mean(kind, [*TYPES, *CONTROL.values()])
        check.error(message, (*path, "type"), hint=hint)
    elif _is_flow(mapping(found.get("component"))):
        hint = "Run its Python in a command or a parallel step."
        message = (
            f"the component of step {name!r} is a flow of prompt flow, which nothing runs here"
        )
        check.error(message, (*path, "component"), hint=hint)
    elif kind == "command" and not is_open(found) and not _runs(found):
        hint = "Give it `command:`, or `component:`."
        check.error(
            f"step {name!r} has neither a command nor a component", path, key=True, hint=hint
        )


def _is_flow(component: dict[str, object]) -> bool:
    """Its file, `flow.dag.yaml`, or one that names it."""
    return "type" not in component and ("nodes" in component or "flow" in component)


def _runs(step: dict[str, object]) -> bool:
    return bool(step.get("command") or mapping(step.get("component")).get("command"))
