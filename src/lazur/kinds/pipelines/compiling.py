"""From the steps as they are written to a graph: who waits for whom, and what goes where. Says
everything that is wrong with it at once. Pure; `advance` decides by what comes out.

The graph is plain data, since it is kept: see `Step` for what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, NotRequired, TypedDict

from lazur.kinds.pipelines import bindings, control, ports, steps
from lazur.kinds.pipelines.bindings import Ref
from lazur.kinds.pipelines.steps import mapping
from lazur.spec import expressions
from lazur.spec.checking import Check
from lazur.spec.suggestions import did_you_mean

_LONGEST_NAME = 100


class Step(TypedDict):
    kind: str
    """`command`, `sweep`, `parallel`, `pipeline`, or how steps are run: `if_else`, `do_while`,
    `parallel_for`."""
    needs: list[str]
    """Steps that must have ended well."""
    on_failure: list[str]
    """Steps of which one must have failed."""
    deterministic: bool
    spec: dict[str, Any]
    """The job, with `${{parent…}}` still in it; of control flow what it says."""
    inputs: dict[str, Any]
    """By port, as bound: a literal, a mapping with `path`, or a text with an expression."""
    outputs: dict[str, dict[str, Any]]
    """By port: what is said of it, and `promoted` to which output of the pipeline."""
    types: dict[str, str]
    """Of the ports, `inputs.x` and `outputs.y`, where they are known."""
    owner: NotRequired[str]
    """The loop that runs it."""
    guard: NotRequired[tuple[str, bool]]
    """The condition that it runs under, and which way it must go."""


class Graph(TypedDict):
    inputs: dict[str, Any]
    input_types: dict[str, str]
    """Of inputs that are declared; a component has no values yet."""
    outputs: dict[str, dict[str, Any]]
    settings: dict[str, Any]
    compute: str | None
    experiment_name: str | None
    order: list[str]
    """Each step after those that it waits for."""
    steps: dict[str, Step]


def compile_graph(value: Mapping[str, Any], check: Check, *, begins: bool = False) -> Graph:
    """`value` is a pipeline job, or a pipeline component. What comes out is sound only where
    `check` has not failed. `begins`: it is about to run, and all that it needs has values."""
    inputs = {name: _given(part) for name, part in mapping(value.get("inputs")).items()}
    outputs = {name: _body(part) for name, part in mapping(value.get("outputs")).items()}
    written = {name: mapping(step) for name, step in mapping(value.get("jobs")).items()}
    made = {name: _step(step) for name, step in written.items()}
    graph: Graph = {
        "inputs": inputs,
        "input_types": {
            name: str(body["type"])
            for name, part in mapping(value.get("inputs")).items()
            if (body := mapping(part)).get("type") is not None
        },
        "outputs": outputs,
        "settings": mapping(value.get("settings")),
        "compute": value.get("compute"),
        "experiment_name": value.get("experiment_name"),
        "order": list(made),
        "steps": made,
    }
    for name, step in written.items():
        if "." in name or len(name) > _LONGEST_NAME:
            message = (
                f"{name[:120]!r} is no name of a step: no dots, at most {_LONGEST_NAME} characters"
            )
            check.error(message, ("jobs", name), key=True)
        _bind(graph, name, step, check)
    control.connect(graph, check)
    ports.check_ports(graph, written, check)
    if begins:
        ports.check_values(graph, written, check)
    _check_promoted(graph, written, check)
    _order(graph, check)
    return graph


def _step(written: dict[str, Any]) -> Step:
    return {
        "kind": steps.kind_of(written),
        "needs": [],
        "on_failure": steps.names(written.get("on_failure")),
        "deterministic": steps.is_deterministic(written),
        "spec": steps.job_spec(written),
        "inputs": _inputs(written),
        "outputs": {},
        "types": _types(written),
    }


def _types(written: dict[str, Any]) -> dict[str, str]:
    return {
        f"{side}.{name}": str(port["type"])
        for side in ("inputs", "outputs")
        for name, port in steps.ports(written, side).items()
        if port.get("type") is not None
    }


def _inputs(written: dict[str, Any]) -> dict[str, Any]:
    """What the step says, of what its component has, and the defaults of what it does not."""
    declared = steps.ports(written, "inputs")
    given = {
        name: _given(part)
        for name, part in mapping(written.get("inputs")).items()
        if name in declared or steps.body(written) is None
    }
    for name, port in declared.items():
        if given.get(name) is None and port.get("default") is not None:
            given[name] = port["default"]
        given.setdefault(name, None)
    return given


def _given(part: Any) -> Any:
    """A value: `{value: 3}` is 3, and what is declared without one is None."""
    if not isinstance(part, Mapping):
        return part
    body = mapping(part)
    if "value" in body:
        return body["value"]
    if body.get("path") not in (None, ""):
        return body
    return body.get("default") if "type" in body or "optional" in body else body or None


def _body(part: Any) -> dict[str, Any]:
    return mapping(part)


def _bind(graph: Graph, name: str, written: dict[str, Any], check: Check) -> None:
    """Who the step waits for, and where its outputs go."""
    step = graph["steps"][name]
    data = {} if step["kind"] in steps.CONTROL.values() else {**written, "component": None}
    data.pop("trial", None)
    needs = dict.fromkeys(_depends(graph, name, written, check))
    apart = ("depends_on", "on_failure", "jobs")
    for ref in bindings.refs({k: v for k, v in data.items() if k not in apart}):
        _check_known(graph, name, ref, check)
        if ref.kind in ("step_output", "step_input") and ref.step in graph["steps"]:
            needs[ref.step] = None
    _check_roots(name, data, check)
    step["needs"] = list(needs)
    step["outputs"] = _outputs(graph, name, written, check)


def _check_roots(name: str, data: Mapping[str, Any], check: Check) -> None:
    """The form of the first preview, `${{jobs.a.outputs.b}}`, would reach the step as a text."""
    for part in ("inputs", "outputs"):
        for text in bindings.texts(data.get(part)):
            for found in expressions.parse(text).expressions:
                if found.root in {"jobs", "inputs", "outputs"}:
                    ref = text[found.start : found.end]
                    hint = f"Write: ${{{{parent.{found.text}}}}}"
                    message = f"{ref} means nothing in a step's `{part}:`"
                    check.error(message, ("jobs", name, part), find=ref, hint=hint)


def _depends(graph: Graph, name: str, written: dict[str, Any], check: Check) -> list[str]:
    found: list[str] = []
    for field in ("depends_on", "on_failure"):
        for other in steps.names(written.get(field)):
            if other not in graph["steps"] or other == name:
                hint = did_you_mean(other, [step for step in graph["steps"] if step != name])
                there = ", the step itself" if other == name else ": there is no such step"
                message = f"`{field}` names {other!r}{there}"
                check.error(message, ("jobs", name, field), find=other, hint=hint)
            elif field == "depends_on":
                found.append(other)
    step = graph["steps"][name]
    step["on_failure"] = [other for other in step["on_failure"] if other in graph["steps"]]
    return found


def _check_known(graph: Graph, name: str, ref: Ref, check: Check) -> None:
    """What an expression names is there."""
    if ref.kind == "input":
        top = ref.name.partition(".")[0]
        if ref.name in graph["inputs"] or top in graph["inputs"]:
            return
        hint = (
            did_you_mean(ref.name, graph["inputs"]) or "Declare it under the pipeline's `inputs:`."
        )
        message = f"{ref.text} is not defined: the pipeline has no input {ref.name!r}"
    elif ref.kind == "output":
        if ref.name in graph["outputs"]:
            return
        hint = did_you_mean(ref.name, graph["outputs"])
        hint = hint or "Declare it under the pipeline's `outputs:`."
        message = f"{ref.text} is not defined: the pipeline has no output {ref.name!r}"
    else:
        if ref.step in graph["steps"]:
            return
        hint = did_you_mean(ref.step, graph["steps"])
        message = f"{ref.text} is not defined: there is no step {ref.step!r}"
    check.error(message, ("jobs", name), find=ref.text, hint=hint)


def _outputs(
    graph: Graph, name: str, written: dict[str, Any], check: Check
) -> dict[str, dict[str, Any]]:
    """Of each port: what its component declares, over it what the step says, and which output of
    the pipeline it is."""
    said = mapping(written.get("outputs"))
    declared = steps.ports(written, "outputs")
    made: dict[str, dict[str, Any]] = {}
    for port in {**declared, **said}:
        body = {k: v for k, v in declared.get(port, {}).items() if k in ("type", "mode")}
        mine = said.get(port)
        bound = bindings.whole(mine if isinstance(mine, str) else mapping(mine).get("path"))
        if bound is not None:
            body |= {k: v for k, v in mapping(mine).items() if k != "path"}
            if bound.kind == "output":
                body["promoted"] = bound.name
            elif bound.kind == "input":
                body["path"] = bound.text
            else:
                message = f"an output is bound to ${{{{parent.outputs.…}}}}, not to {bound.text}"
                check.error(message, ("jobs", name, "outputs", port), find=bound.text)
        elif isinstance(mine, str):
            hint = "Write ${{parent.outputs.NAME}}, or a mapping with `path:`."
            check.error(f"{mine!r} is no output", ("jobs", name, "outputs", port), hint=hint)
        else:
            body |= mapping(mine)
        made[port] = body
    return made


def _check_promoted(graph: Graph, written: Mapping[str, dict[str, Any]], check: Check) -> None:
    """Each output of the pipeline is one step's."""
    makers: dict[str, str] = {}
    for name, step in graph["steps"].items():
        for port, body in step["outputs"].items():
            target = body.get("promoted")
            if target is None:
                continue
            if target in makers and "guard" not in step:
                message = f"the pipeline's output {target!r} is made by {makers[target]} already"
                check.error(message, ("jobs", name, "outputs", port))
            makers[target] = f"jobs.{name}.outputs.{port}"
            _check_made(graph, written, name, port, check)
    for name in graph["outputs"]:
        if name not in makers and graph["steps"]:
            hint = f"Bind an output of a step to it: ${{{{parent.outputs.{name}}}}}."
            check.warning(
                f"no step makes the output {name!r}", ("outputs", name), key=True, hint=hint
            )


def _check_made(
    graph: Graph, written: Mapping[str, dict[str, Any]], name: str, port: str, check: Check
) -> None:
    """What is bound of a loop is an output of what it runs."""
    body = control.body(graph, name)
    if body is None or body not in written or steps.is_open(written[body]):
        return
    known = graph["steps"][body]["outputs"]
    if port not in known and port not in steps.ARTIFACTS:
        hint = did_you_mean(port, known) or f"It has: {', '.join(known) or 'none'}."
        message = f"step {body!r}, which {name!r} runs, has no output {port!r}"
        check.error(message, ("jobs", name, "outputs", port), key=True, hint=hint)


def _order(graph: Graph, check: Check) -> None:
    before = {name: control.before(graph, name) for name in graph["steps"]}
    try:
        graph["order"] = list(TopologicalSorter(before).static_order())
    except CycleError as error:
        circle = [str(name) for name in error.args[1]][::-1]
        shown = " → ".join(circle)
        message = f"these steps wait for each other: {shown}"
        check.error(message, ("jobs", circle[0]), key=True, hint="Take one of the bindings away.")
