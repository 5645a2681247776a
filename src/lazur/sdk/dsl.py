"""Pipelines in Python, under the names of `azure.ai.ml.dsl`."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from types import FrameType, UnionType
from typing import Any, TypeVar, Union, dataclass_transform, get_args, get_origin

from lazur.errors import Invalid
from lazur.sdk.entities import Component, Entity, Input, Output, Pipeline, Spec, plain
from lazur.sdk.nodes import Node, bound, of_component, open_steps
from lazur.sdk.ports import PipelineInput, StepOutput
from lazur.sdk.search_space import expect_values

T = TypeVar("T")


@dataclass_transform(kw_only_default=True)
def group(cls: type[T]) -> type[T]:
    """A class of inputs that go together, `params.rate` within the pipeline's function, or of what
    a component's function returns. It is made by naming its fields."""
    return dataclass(kw_only=True)(cls)


_PLAIN_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def pipeline(
    func: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    version: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    tags: dict[str, str] | None = None,
    compute: str | None = None,
    default_compute: str | None = None,
    default_datastore: str | None = None,
    continue_on_step_failure: bool | None = None,
    force_rerun: bool | None = None,
    non_pipeline_inputs: Collection[str] = (),
) -> Any:
    """Over a function that calls components: called, it gives a pipeline job; called within
    another pipeline's function, a step of that. `name` and `version` are the component's, as in
    Azure's client; a job is named by `job.name`. Without a `description`, the function's own.
    The function is given what stands for its inputs; parameters among `non_pipeline_inputs` are
    values, for Python to decide by. Handed to `client.components.create_or_update`, it is
    registered as a component."""
    settings = {
        "default_compute": default_compute or compute,
        "default_datastore": default_datastore,
        "continue_on_step_failure": continue_on_step_failure,
        "force_rerun": force_rerun,
    }
    settled = {
        "experiment_name": experiment_name,
        "tags": tags,
        "settings": {key: value for key, value in settings.items() if value is not None} or None,
    }

    def wrap(made: Callable[..., Any]) -> Callable[..., Any]:
        shown = {
            "display_name": display_name,
            "description": description or inspect.getdoc(made),
        }

        @functools.wraps(made)
        def call(*args: Any, **kwargs: Any) -> Pipeline | Node:
            given = _arguments(made, args, kwargs)
            values = {key: given.pop(key) for key in non_pipeline_inputs if key in given}
            built = _build(made, given, values)
            if open_steps():
                component = _component(made, name, version, given, built, shown)
                return of_component(component, {k: v for k, v in given.items() if v is not None})
            expect_values(given, f" of the pipeline {made.__name__!r}")
            inputs = {key: _value(part) for key, part in given.items() if part is not None}
            own = {**shown, "display_name": display_name or made.__name__}
            return Pipeline(inputs=inputs, outputs=built[1], jobs=built[0], **settled, **own)

        def component() -> Component:
            given = _defaults(made, non_pipeline_inputs)
            values = {key: given.pop(key) for key in non_pipeline_inputs if key in given}
            found = _component(made, name, version, given, _build(made, given, values), shown)
            return _with_defaults(found, inspect.signature(made).parameters)

        call.component = component  # pyright: ignore[reportAttributeAccessIssue]
        return call

    return wrap(func) if func is not None else wrap


def condition(*, condition: Any, true_block: Any = None, false_block: Any = None) -> Node:
    """Run one of two steps, or of two lists of steps, by what another step wrote."""
    body = {"type": "if_else", "condition": condition}
    blocks = {"true_block": true_block, "false_block": false_block}
    given = {key: part for key, part in blocks.items() if part is not None}
    return _Control({**body, **given})


def do_while(
    *,
    body: Node,
    max_iteration_count: int,
    condition: Any,
    mapping: Mapping[Any, Any] | None = None,
) -> Node:
    """Run a step again as long as it says so; `mapping` gives its outputs to its next inputs."""
    limits = {"max_iteration_count": max_iteration_count}
    return _Control(
        {"type": "do_while", "body": body, "condition": condition, "limits": limits},
        mapping=mapping or {},
    )


def parallel_for(*, body: Node, items: Any, max_concurrency: int | None = None) -> Node:
    """Run a step for each item: a list, or a mapping, of mappings of its inputs."""
    spec = {"type": "parallel_for", "body": body, "items": items}
    return _Control(spec | ({"max_concurrency": max_concurrency} if max_concurrency else {}))


class _Control(Node):
    def __init__(self, body: Spec, mapping: Mapping[Any, Any] | None = None) -> None:
        self._mapping = mapping
        super().__init__(body, {}, None)

    @property
    def usual_name(self) -> str:
        return str(self._body["type"])

    def to_spec(self) -> Spec:
        spec = bound(self._body)
        if self._mapping:
            spec["mapping"] = {
                _port(out): [str(one) for one in (to if isinstance(to, list) else [to])]
                for out, to in self._mapping.items()
            }
        return spec


def _port(out: Any) -> str:
    return out.port if isinstance(out, StepOutput) else str(out)


def _arguments(func: Callable[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        found = inspect.signature(func).bind(*args, **kwargs)
    except TypeError as error:
        raise Invalid(f"The pipeline {func.__name__!r}: {error}.") from None
    found.apply_defaults()
    return dict(found.arguments)


def _build(
    func: Callable[..., Any], given: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[Spec, Spec]:
    """The jobs and the outputs."""
    nodes: list[Any] = []
    inside = {**{key: PipelineInput(key, part) for key, part in given.items()}, **values}
    stack = open_steps()
    stack.append(nodes)
    try:
        returned, names = _called(func, inside)
    finally:
        stack.pop()
    _name(nodes, names)
    outputs = _outputs(func, returned)
    return {node.step_name: node.to_spec() for node in nodes}, outputs


def _called(func: Callable[..., Any], inside: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What the function returned, and its variables: steps are called as those are."""
    names: dict[str, Any] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is func.__code__:
            names.update(frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        returned = func(**inside)
    finally:
        sys.setprofile(before)
    return returned, names


def _name(nodes: list[Any], names: Mapping[str, Any]) -> None:
    by_node = {id(value): key for key, value in names.items() if isinstance(value, Node)}
    taken: set[str] = set()
    for node in nodes:
        wanted = node.name or by_node.get(id(node)) or node.usual_name
        wanted = base = re.sub(r"[^A-Za-z0-9_]", "_", wanted)
        number = 1
        while wanted in taken:
            wanted = f"{base}_{number}"
            number += 1
        taken.add(wanted)
        node.step_name = wanted


def _outputs(func: Callable[..., Any], returned: Any) -> Spec:
    if returned is None:
        return {}
    if not isinstance(returned, Mapping) or not all(
        isinstance(part, StepOutput) for part in returned.values()
    ):
        raise Invalid(
            f"The pipeline {func.__name__!r} must return its outputs by name, or nothing.",
            hint='Such as: return {"model": train.outputs.model}',
        )
    made: Spec = {}
    for name, out in returned.items():
        told = {**out.declared, **out.settings}
        made[str(name)] = {"type": told.get("type") or "uri_folder"}
        if told.get("is_control"):
            made[str(name)]["is_control"] = True
        out.settings["promoted"] = f"${{{{parent.outputs.{name}}}}}"
    return made


def _component(
    func: Callable[..., Any],
    name: str | None,
    version: str | None,
    given: Mapping[str, Any],
    built: tuple[Spec, Spec],
    told: Mapping[str, Any],
) -> Component:
    annotations = inspect.get_annotations(func, eval_str=True)
    return Component(
        name=name or func.__name__,
        version=version,
        type="pipeline",
        inputs={key: declared(annotations.get(key), part) for key, part in given.items()},
        outputs=built[1],
        extra={"jobs": built[0], **{k: v for k, v in told.items() if v is not None}},
    )


def _defaults(func: Callable[..., Any], values: Collection[str]) -> dict[str, Any]:
    """What is not given when the function is registered, by its parameters."""
    annotations = inspect.get_annotations(func, eval_str=True)
    made: dict[str, Any] = {}
    for key, parameter in inspect.signature(func).parameters.items():
        is_given = parameter.default is not inspect.Parameter.empty
        made[key] = parameter.default if is_given else None
        if made[key] is None and key not in annotations and key not in values:
            raise Invalid(
                f"The parameter {key!r} of the pipeline {func.__name__!r} has no type.",
                hint="A component says what it takes: annotate it with a plain type or"
                " Input(type=…).",
            )
    return made


def _with_defaults(component: Component, parameters: Mapping[str, inspect.Parameter]) -> Component:
    for key, port in (component.inputs or {}).items():
        default = parameters[key].default
        if default is None:
            port["optional"] = True
        elif type(default) in _PLAIN_TYPES:
            port["default"] = default
    return component


def declared(annotation: Any, value: Any) -> Spec:
    """How a component says what it takes, by an annotation or else by what is given."""
    others = [one for one in get_args(annotation) if one is not type(None)]
    if get_origin(annotation) in (Union, UnionType) and len(others) == 1:
        annotation = others[0]
    if isinstance(annotation, Input | Output):
        return {key: part for key, part in annotation.to_spec().items() if key != "path"}
    if annotation in _PLAIN_TYPES:
        return {"type": _PLAIN_TYPES[annotation]}
    while isinstance(value, PipelineInput):
        value = value.value
    if isinstance(value, StepOutput):
        return {"type": value.declared.get("type", "uri_folder")}
    if isinstance(value, Input):
        return {"type": value.type or "uri_folder"}
    return {"type": _PLAIN_TYPES.get(type(value), "string")}


def _value(part: Any) -> Any:
    if is_dataclass(part) and not isinstance(part, Entity | type):
        return asdict(part)
    return plain(part)
