"""Whether what is bound to a port fits it: what is missing, what nobody asked for, and what is of
another kind. As loose as Azure is: a file may go where a folder is asked for, and the other way
round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lazur.kinds.assets.component import Parameter
from lazur.kinds.checks import needed
from lazur.kinds.pipelines import bindings, control, steps
from lazur.kinds.pipelines.bindings import Ref
from lazur.spec.checking import Check
from lazur.spec.inputs import PATH_TYPES
from lazur.spec.model import squashed
from lazur.spec.suggestions import closest, did_you_mean

if TYPE_CHECKING:
    from lazur.kinds.pipelines.compiling import Graph

_PATHS = frozenset(squashed(word) for word in (*PATH_TYPES, "path"))


def check_ports(graph: Graph, written: Mapping[str, dict[str, Any]], check: Check) -> None:
    for name, step in written.items():
        declared = steps.ports(step, "inputs") if steps.body(step) is not None else None
        if declared is not None:
            _check_inputs(graph, name, step, declared, check)
            _check_outputs(name, step, check)
        for port, value in graph["steps"][name]["inputs"].items():
            known = (declared or {}).get(port, {})
            if known.get("type") and value is not None:
                _check_fits(graph, name, port, known, value, check)
    for name, step in graph["steps"].items():
        _check_taken(graph, written, name, step["inputs"], check)


def _check_inputs(
    graph: Graph,
    name: str,
    step: dict[str, Any],
    declared: dict[str, dict[str, Any]],
    check: Check,
) -> None:
    """What the component has not is left out, as Azure's client does: pipelines give all their
    steps the same. Not so where it may be meant for one that nobody gives."""
    given = steps.mapping(step.get("inputs"))
    missing = _missing(graph, name, step, declared)
    left = [port for port in declared if port not in given]
    for port in given:
        if port in declared:
            continue
        place = ("jobs", name, "inputs", port)
        message, hint = _unknown(name, "input", port, declared)
        if missing or closest(port, left):
            check.error(message, place, key=True, hint=hint)
        else:
            check.warning(f"{message}: nobody reads it", place, key=True, hint=hint)
    path = ("jobs", name, "inputs") if step.get("inputs") else ("jobs", name)
    for port in missing:
        known = declared[port]
        kind = f", {_article(known['type'])}" if known.get("type") else ""
        message = f"step {name!r} is not given the input {port!r}{kind}, which its component needs"
        check.error(message, path, key=True, hint=f"Give it under `inputs:`, `{port}: …`.")


def _check_outputs(name: str, step: dict[str, Any], check: Check) -> None:
    declared = steps.ports(step, "outputs")
    for port in steps.mapping(step.get("outputs")):
        if port not in declared and port not in steps.ARTIFACTS:
            message, hint = _unknown(name, "output", port, declared)
            check.error(message, ("jobs", name, "outputs", port), key=True, hint=hint)


def _unknown(name: str, noun: str, port: str, declared: Mapping[str, Any]) -> tuple[str, str]:
    there = ", ".join(declared) or "none"
    hint = did_you_mean(port, declared) or f"It has: {there}."
    return f"the component of step {name!r} has no {noun} {port!r}", hint


def _missing(
    graph: Graph, name: str, step: dict[str, Any], declared: dict[str, dict[str, Any]]
) -> list[str]:
    bound = graph["steps"][name]["inputs"]
    by_others = {*given_by_loop(graph, name), *steps.mapping(step.get("search_space"))}
    return [
        port
        for port, known in declared.items()
        if known.get("optional") is not True and port not in by_others and bound.get(port) is None
    ]


def check_values(graph: Graph, written: Mapping[str, dict[str, Any]], check: Check) -> None:
    """Of the pipeline's own inputs those that a step cannot do without: said once, and there."""
    told: set[str] = set()
    for name, step in written.items():
        declared = steps.ports(step, "inputs")
        by_loop = given_by_loop(graph, name)
        by_command = needed(step.get("command")) if steps.body(step) is None else set[str]()
        for port, bound in graph["steps"][name]["inputs"].items():
            known = declared.get(port, {})
            if known.get("optional") is True or known.get("default") is not None:
                continue
            inner = steps.mapping(bound).get("path") if isinstance(bound, Mapping) else bound
            ref = bindings.whole(inner)
            if ref is None or ref.kind != "input" or port in by_loop or ref.name in told:
                continue
            wanted = known or port in by_command
            if wanted and ref.name in graph["inputs"] and graph["inputs"][ref.name] is None:
                told.add(ref.name)
                type_ = known.get("type") or _type_of(check, ref.name)
                kind = f", {_article(type_)}," if type_ else ""
                message = (
                    f"the pipeline's input {ref.name!r}{kind} has no value, and step {name!r} "
                    "needs it"
                )
                hint = f"Give it here, or: --set inputs.{ref.name}=…"
                if squashed(type_) in _PATHS:
                    hint = f"Give it a `path:` here, or: --set inputs.{ref.name}.path=…"
                check.error(message, ("inputs", ref.name), key=True, hint=hint)


def _type_of(check: Check, name: str) -> Any:
    """Of an input of the pipeline, as it was written."""
    written = steps.mapping(steps.mapping(check.value).get("inputs"))
    return steps.mapping(written.get(name)).get("type")


def given_by_loop(graph: Graph, name: str) -> set[str]:
    """Ports of a loop's body that the loop fills."""
    owner = graph["steps"][name].get("owner")
    if owner is None:
        return set()
    spec = graph["steps"][owner]["spec"]
    found = {ref.name for ref in bindings.refs(spec.get("mapping")) if ref.kind == "step_input"}
    return found | _keys(spec.get("items"), graph["steps"][name]["inputs"])


def _keys(items: Any, inputs: Mapping[str, Any]) -> set[str]:
    """Which inputs the items of a loop give; of items that are not known yet all of them."""
    if isinstance(items, str):
        return set(inputs)
    found = [set(part) for part in (control.items_of(items) or {}).values()]
    return set[str].intersection(*found) if found else set()


def _check_fits(
    graph: Graph, name: str, port: str, known: dict[str, Any], value: Any, check: Check
) -> None:
    path = ("jobs", name, "inputs", port)
    inner: Any = steps.mapping(value).get("path") if isinstance(value, Mapping) else value
    bound = bindings.whole(inner)
    if bound is not None:
        found = _source_type(graph, bound)
        if bound.kind == "input" and graph["inputs"].get(bound.name) is not None:
            value = graph["inputs"][bound.name]
            if bindings.whole(value) is None:
                _check_value(known, value, name, port, path, check, find=bound.text)
        elif found is not None and steps.is_primitive(known) != (
            squashed(found) in steps.PRIMITIVE
        ):
            message = (
                f"{bound.text} is {_article(found)}; the input {port!r} of step {name!r} takes "
                f"{_article(known['type'])}"
            )
            hint = f"Bind it to {_article(known['type'])}, or change what the component takes."
            check.error(message, path, find=bound.text, hint=hint)
        return
    if not (isinstance(inner, str) and "${{" in inner):
        _check_value(known, value, name, port, path, check)


def _check_value(
    known: dict[str, Any],
    value: Any,
    name: str,
    port: str,
    path: tuple[str, ...],
    check: Check,
    find: str | None = None,
) -> None:
    takes = f"the input {port!r} of step {name!r} takes {_article(known['type'])}"
    if not steps.is_primitive(known):
        if isinstance(value, bool | int | float):
            check.error(f"{takes}, not {value!r}", path, find=find)
        return
    if isinstance(value, Mapping):
        check.error(f"{takes}, not a mapping with a path", path, find=find)
        return
    try:
        Parameter.model_validate({**known, "default": None}).check(value)
    except ValidationError:
        return  # the component's own mistake, which is said where it stands
    except ValueError as error:
        check.error(f"{takes}: {error}", path, find=find)


def _source_type(graph: Graph, ref: Ref) -> str | None:
    match ref.kind:
        case "step_output":
            step = graph["steps"].get(ref.step)
            return step["types"].get(f"outputs.{ref.name}") if step else None
        case "input":
            return graph["input_types"].get(ref.name)
        case _:
            return None


def _check_taken(
    graph: Graph,
    written: Mapping[str, dict[str, Any]],
    name: str,
    inputs: Mapping[str, Any],
    check: Check,
) -> None:
    """What is taken from another step is among its outputs."""
    for port, value in inputs.items():
        for ref in bindings.refs(value):
            if (ref.kind == "step" and ref.step in written) or (
                ref.kind == "output" and ref.name in graph["outputs"]
            ):
                hint = "Write ${{parent.jobs.NAME.outputs.PORT}}, or ${{parent.inputs.NAME}}."
                message = f"{ref.text} gives nothing to the input {port!r} of step {name!r}"
                check.error(message, ("jobs", name, "inputs", port), find=ref.text, hint=hint)
            if ref.step not in written or ref.kind not in ("step_output", "step_input"):
                continue
            side = "output" if ref.kind == "step_output" else "input"
            known = _known_ports(graph, written[ref.step], ref.step, side)
            if known is not None and ref.name not in known:
                there = ", ".join(name for name in known if name not in steps.ARTIFACTS)
                hint = did_you_mean(ref.name, known) or f"It has: {there or 'none'}."
                message = (
                    f"{ref.text} is not defined: step {ref.step!r} has no {side} {ref.name!r}"
                )
                check.error(message, ("jobs", name, "inputs", port), find=ref.text, hint=hint)


def _known_ports(graph: Graph, written: dict[str, Any], name: str, side: str) -> list[str] | None:
    """None: they are declared elsewhere, where nobody has looked yet."""
    step = graph["steps"][name]
    if steps.is_open(written) or step["kind"] in steps.CONTROL.values():
        return None
    return [*step["outputs"], *steps.ARTIFACTS] if side == "output" else list(step["inputs"])


def _article(kind: Any) -> str:
    noun = str(kind)
    return f"an {noun}" if noun[:1].lower() in "aeio" or noun == "mltable" else f"a {noun}"
