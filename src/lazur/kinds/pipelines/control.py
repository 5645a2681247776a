"""Steps that decide whether and how often others run: `if_else`, `do_while`, `parallel_for`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from lazur.kinds.pipelines import bindings, steps
from lazur.spec.checking import Check
from lazur.spec.suggestions import did_you_mean

if TYPE_CHECKING:
    from lazur.kinds.pipelines.compiling import Graph, Step

_MOST_ROUNDS = 1000
_LONGEST_KEY = 100
_FIELDS = {
    "if_else": ("condition", "true_block", "false_block"),
    "do_while": ("condition", "body", "mapping", "limits"),
    "parallel_for": ("items", "body", "max_concurrency"),
}
_PUT = "Put it into a pipeline component, and make that the"


def connect(graph: Graph, check: Check) -> None:
    """Tell each step that one of them runs who that is."""
    for name, step in graph["steps"].items():
        for field in step["spec"] if step["kind"] in _FIELDS else ():
            check.field(field, (*_FIELDS[step["kind"]], *steps.OWN), ("jobs", name))
        if step["kind"] in _FIELDS and step["inputs"]:
            message = f"`inputs` of `{step['kind']}` reach no step"
            hint = "Give them to the steps that it runs."
            check.warning(message, ("jobs", name, "inputs"), key=True, hint=hint)
        match step["kind"]:
            case "if_else":
                _connect_branches(graph, name, step, check)
            case "do_while":
                _connect_body(graph, name, step, check)
                _check_rounds(name, step, check)
                _need(graph, name, step, check, "condition")
            case "parallel_for":
                _connect_body(graph, name, step, check)
                _check_items(name, step, check)
                _need(graph, name, step, check, "items")
            case _:
                pass


def before(graph: Graph, name: str) -> list[str]:
    """Whose outcome has to be known before a step's can be: of a loop's body that of the loop."""
    step = graph["steps"][name]
    if "owner" in step:
        return [step["owner"]]
    found = [runner(graph, other) for other in (*step["needs"], *step["on_failure"])]
    if "guard" in step:
        found.append(step["guard"][0])
    return found


def runner(graph: Graph, name: str) -> str:
    """The step whose end is the end of this one: the loop that it is the body of, or itself."""
    return graph["steps"][name].get("owner", name)


def body(graph: Graph, name: str) -> str | None:
    """The step that a loop runs: whose outputs the loop's are."""
    step = graph["steps"][name]
    if step["kind"] not in ("do_while", "parallel_for"):
        return None
    return next(iter(steps.names(step["spec"].get("body"))), None)


def collected(graph: Graph, name: str) -> str | None:
    """The step whose outputs are there once for each item, and one table in the end: the body of a
    `parallel_for`, for the loop and for itself."""
    loop = runner(graph, name)
    return body(graph, loop) if graph["steps"][loop]["kind"] == "parallel_for" else None


def items_of(value: Any) -> dict[str, dict[str, Any]] | None:
    """What a `parallel_for` goes through, by name: from a list or a mapping of mappings, or the
    JSON of either. None: it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if isinstance(value, list):
        value = dict(enumerate(cast("list[Any]", value)))
    if not isinstance(value, Mapping):
        return None
    found = {str(key): part for key, part in cast("Mapping[Any, Any]", value).items()}
    if not all(isinstance(part, Mapping) for part in found.values()):
        return None
    if any(len(key) > _LONGEST_KEY for key in found):
        return None
    return {key: dict(part) for key, part in found.items()}


def is_true(value: Any) -> bool:
    """Of a condition: what a step wrote is text."""
    return value.strip().lower() == "true" if isinstance(value, str) else value is True


def truth(value: Any) -> bool | None:
    """Of a condition that is known by now. None: it is neither true nor false."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _connect_branches(graph: Graph, name: str, step: Step, check: Check) -> None:
    _need(graph, name, step, check, "condition")
    found = 0
    for field, way in (("true_block", True), ("false_block", False)):
        for other in steps.names(step["spec"].get(field)):
            if (inner := _inner(graph, name, other, field, check)) is not None:
                inner["guard"] = (name, way)
                found += 1
    if not found and not check.failed:
        check.error(
            "`if_else` has neither `true_block` nor `false_block`", ("jobs", name), key=True
        )


def _connect_body(graph: Graph, name: str, step: Step, check: Check) -> None:
    others = steps.names(step["spec"].get("body"))
    if len(others) != 1:
        hint = f"{_PUT} body." if others else "Write ${{parent.jobs.NAME}}."
        has = "more than one" if others else "no"
        check.error(f"`{step['kind']}` has {has} `body`", ("jobs", name), key=True, hint=hint)
        return
    inner = _inner(graph, name, others[0], "body", check)
    if inner is not None:
        inner["owner"] = name
        for mine, its in (
            (step["needs"], inner["needs"]),
            (step["on_failure"], inner["on_failure"]),
        ):
            mine += [other for other in its if other not in (*mine, name, others[0])]


def _inner(graph: Graph, name: str, other: str, field: str, check: Check) -> Step | None:
    path = ("jobs", name, field)
    inner = graph["steps"].get(other)
    if inner is None:
        hint = did_you_mean(other, graph["steps"])
        check.error(f"`{field}` names {other!r}: there is no such step", path, hint=hint)
    elif inner["kind"] in ("do_while", "parallel_for", "if_else") and field == "body":
        hint = f"{_PUT} body."
        check.error(f"`{field}` is a job or a pipeline, and {other!r} is neither", path, hint=hint)
    elif "owner" in inner or "guard" in inner:
        taken = inner["owner"] if "owner" in inner else inner.get("guard", ("", True))[0]
        check.error(f"{other!r} is run by {taken!r} already", path)
    else:
        return inner
    return None


def _need(graph: Graph, name: str, step: Step, check: Check, field: str) -> None:
    value = step["spec"].get(field)
    if value is None:
        check.error(f"`{field}` is missing", ("jobs", name), key=True)
        return
    if field == "condition" and "${{" not in str(value) and truth(value) is None:
        hint = "Such as ${{parent.jobs.NAME.outputs.PORT}}, where the output is a boolean."
        check.error("`condition` is neither true nor false", ("jobs", name, field), hint=hint)
    own = (name, *steps.names(step["spec"].get("body"))) if "body" in step["spec"] else ()
    for ref in bindings.refs(value):
        if ref.kind == "step_output" and ref.step not in own:
            if ref.step in graph["steps"]:
                step["needs"].append(ref.step)
            else:
                hint = did_you_mean(ref.step, graph["steps"])
                message = f"{ref.text} is not defined: there is no step {ref.step!r}"
                check.error(message, ("jobs", name, field), hint=hint)


def _check_rounds(name: str, step: Step, check: Check) -> None:
    limits = steps.mapping(step["spec"].get("limits"))
    most: Any = limits.get("max_iteration_count")
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= _MOST_ROUNDS:
        message = f"`limits.max_iteration_count` must be a number from 1 to {_MOST_ROUNDS}"
        check.error(message, ("jobs", name, "limits"), key=True)


def _check_items(name: str, step: Step, check: Check) -> None:
    most: Any = step["spec"].get("max_concurrency")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        message = "`max_concurrency` must be a number from 1"
        check.error(message, ("jobs", name, "max_concurrency"))
    value = step["spec"].get("items")
    if isinstance(value, str) and "${{" in value:
        return
    if value is not None and items_of(value) is None:
        hint = 'Such as [{"x": 1}, {"x": 2}], or {"a": {"x": 1}}.'
        message = "`items` must be a list or a mapping of mappings, each with inputs of the body"
        check.error(message, ("jobs", name, "items"), hint=hint)
