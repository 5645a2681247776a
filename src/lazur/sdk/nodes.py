"""The steps of a pipeline that is written in Python: what components give when they are called."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from lazur.errors import Invalid
from lazur.sdk.entities import Command, Component, Entity, Spec, plain
from lazur.sdk.search_space import Distribution

_ITS_OWN = ("step_name", "name", "inputs", "outputs", "depends_on", "on_failure")
_FIELDS = frozenset(
    "compute resources limits environment environment_variables distribution display_name "
    "description comment is_deterministic identity settings queue_settings services tags".split()
)
"""None until somebody says something. Others are not there until then."""
_OPEN = threading.local()


class PipelineInput:
    """An input of a pipeline within its function: text where text is made of it, and with
    attributes where it is a group."""

    def __init__(self, name: str, value: Any = None) -> None:
        self._name = name
        self._value = value

    @property
    def value(self) -> Any:
        return self._value

    def __getattr__(self, part: str) -> PipelineInput:
        if part.startswith("_"):
            raise AttributeError(part)
        value: Any = self._value
        inner = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
        return PipelineInput(f"{self._name}.{part}", inner)

    def __str__(self) -> str:
        return f"${{{{parent.inputs.{self._name}}}}}"

    __repr__ = __str__


class StepOutput:
    """What a step makes: bound to another step's input, or returned as the pipeline's."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.port = name
        self.settings: Spec = {}

    def __str__(self) -> str:
        return f"${{{{parent.jobs.{self.node.step_name}.outputs.{self.port}}}}}"

    __repr__ = __str__

    @property
    def declared(self) -> Spec:
        found = self.node.declared("outputs").get(self.port)
        return dict(found) if isinstance(found, Mapping) else {}

    def __setattr__(self, name: str, value: Any) -> None:
        """`node.outputs.model.path = …`, `.mode`, `.name`, `.version`, `.type`."""
        if name in ("path", "mode", "name", "version", "type"):
            self.settings[name] = value
        else:
            super().__setattr__(name, value)


class StepInput:
    """A place for a value, for the `mapping` of loops."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.port = name

    def __str__(self) -> str:
        return f"${{{{parent.jobs.{self.node.step_name}.inputs.{self.port}}}}}"


class Inputs:
    """`node.inputs.x` and `node.inputs["x"]`; both may be assigned to."""

    _node: Node
    _given: dict[str, Any]

    def __init__(self, node: Node, given: Mapping[str, Any]) -> None:
        super().__setattr__("_node", node)
        super().__setattr__("_given", dict(given))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return StepInput(self._node, name)

    __getitem__ = __getattr__

    def __setattr__(self, name: str, value: Any) -> None:
        self._given[name] = value

    __setitem__ = __setattr__

    def items(self) -> Iterator[tuple[str, Any]]:
        yield from self._given.items()


class Outputs:
    """As `Inputs`."""

    _node: Node
    _known: dict[str, StepOutput]

    def __init__(self, node: Node) -> None:
        super().__setattr__("_node", node)
        super().__setattr__("_known", {})

    def __getattr__(self, name: str) -> StepOutput:
        if name.startswith("_"):
            raise AttributeError(name)
        declared = self._node.declared("outputs")
        if declared and name not in declared and name not in ("artifacts", "default"):
            raise AttributeError(
                f"The step has no output {name!r}. It has: {', '.join(declared)}."
            )
        return self._known.setdefault(name, StepOutput(self._node, name))

    __getitem__ = __getattr__

    def __setattr__(self, name: str, value: Any) -> None:
        """`node.outputs.model = Output(…)`."""
        self.__getattr__(name).settings.update(plain(value))

    __setitem__ = __setattr__

    def items(self) -> Iterator[tuple[str, StepOutput]]:
        yield from self._known.items()


class Node:
    """One step. `step_name` is known when the pipeline's function has returned. What else is
    assigned to it are fields of the step, as in YAML: the server tells which it does not know."""

    _fields: Spec

    def __init__(self, body: Spec, given: Mapping[str, Any], component: Component | None) -> None:
        object.__setattr__(self, "_fields", {})
        self.step_name = ""
        self.name: str | None = None
        self.inputs = Inputs(self, given)
        self.outputs = Outputs(self)
        self.depends_on: list[Node] = []
        self.on_failure: list[Node] = []
        self._body = body
        self._component = component
        self._sweep: Spec | None = None
        add(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or name in _ITS_OWN:
            object.__setattr__(self, name, value)
        else:
            self._fields[name] = value

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS or (not name.startswith("_") and name in self._fields):
            return self._fields.get(name)
        raise AttributeError(f"The step has no {name!r}.")

    def set_limits(self, **values: int | None) -> None:
        """As in Azure's client: `step.set_limits(timeout=60)`; of a sweep also
        `max_total_trials`, `max_concurrent_trials` and `trial_timeout`."""
        self.limits = {**(plain(self.limits) or {}), **_said(values)}

    def set_resources(self, **values: Any) -> None:
        self.resources = {**(plain(self.resources) or {}), **_said(values)}

    def declared(self, side: str) -> Spec:
        found = self._component.to_spec().get(side) if self._component else self._body.get(side)
        return dict(found or {})

    @property
    def usual_name(self) -> str:
        named = self._component.name if self._component else self._body.get("name")
        return str(named or "step").rpartition("/")[2]

    def sweep(
        self,
        *,
        primary_metric: str,
        goal: str,
        sampling_algorithm: str | Spec = "random",
        max_total_trials: int | None = None,
        max_concurrent_trials: int | None = None,
        timeout: int | None = None,
        trial_timeout: int | None = None,
        early_termination: Entity | Spec | None = None,
        early_termination_policy: Entity | Spec | None = None,
        compute: str | None = None,
    ) -> Node:
        """Try the inputs that are distributions, such as `lazur.Choice([1, 2])`. A policy goes by
        either name."""
        limits = {
            "max_total_trials": max_total_trials,
            "max_concurrent_trials": max_concurrent_trials,
            "timeout": timeout,
            "trial_timeout": trial_timeout,
        }
        made: Spec = {
            "sampling_algorithm": plain(sampling_algorithm),
            "objective": {"primary_metric": primary_metric, "goal": goal},
            "limits": {key: value for key, value in limits.items() if value is not None},
            "early_termination": plain(early_termination or early_termination_policy),
        }
        if compute is not None:
            self.compute = compute
        self._sweep = {key: value for key, value in made.items() if value}
        return self

    def to_spec(self) -> Spec:
        given = dict(self.inputs.items())
        spec = self._sweep_spec(given) if self._sweep is not None else self._own_spec()
        inputs = {k: bound(v) for k, v in given.items() if v is not None}
        outputs = {k: out.settings for k, out in self.outputs.items() if out.settings}
        later = {
            **{field: bound(value) for field, value in self._fields.items()},
            "depends_on": [node.step_name for node in _several(self.depends_on)],
            "on_failure": [node.step_name for node in _several(self.on_failure)],
        }
        limits = {**spec.get("limits", {}), **(later.pop("limits", None) or {})}
        made = {
            **{key: value for key, value in spec.items() if key not in ("inputs", "outputs")},
            **({"limits": limits} if limits else {}),
            **{key: value for key, value in later.items() if value not in (None, [])},
        }
        if inputs or (self._component is None and spec.get("inputs")):
            made["inputs"] = inputs
        whole = {**(self._body.get("outputs") or {}), **{k: _body(v) for k, v in outputs.items()}}
        return {**made, "outputs": whole} if whole else made

    def _own_spec(self) -> Spec:
        if self._component is not None:
            kind = self._component.type or "command"
            return {"type": kind, "component": self._component.reference()}
        return dict(self._body)

    def _sweep_spec(self, given: dict[str, Any]) -> Spec:
        space = {k: given.pop(k) for k, v in list(given.items()) if isinstance(v, Distribution)}
        if not space:
            raise Invalid(
                "A sweep needs inputs that are distributions.",
                hint="Such as step(rate=lazur.Uniform(0.1, 0.9)).sweep(…).",
            )
        if self._component is None:
            raise Invalid("Components can be swept; make one of the command.")
        return {
            "type": "sweep",
            "trial": self._component.reference(),
            "search_space": {name: part.to_spec() for name, part in space.items()},
            **(self._sweep or {}),
        }


def of_component(component: Component, given: Mapping[str, Any]) -> Node:
    _check_open()
    known = component.inputs
    unknown = [name for name in given if known is not None and name not in known]
    if unknown:
        there = ", ".join(known or ()) or "none"
        raise Invalid(
            f"The component {component.name!r} has no input {unknown[0]!r}.",
            hint=f"It has: {there}.",
        )
    return Node({"type": component.type or "command"}, given, component)


def of_command(command: Command, given: Mapping[str, Any]) -> Node:
    _check_open()
    spec = rebased(command.to_spec(), command.base_path)
    inputs = {**command.inputs, **given}
    return Node(spec, inputs, None)


def open_steps() -> list[list[Any]]:
    """Of the pipelines whose functions run now in this thread, the innermost last."""
    if not hasattr(_OPEN, "stack"):
        _OPEN.stack = []
    return _OPEN.stack


def add(node: Any) -> None:
    if stack := open_steps():
        stack[-1].append(node)


def bound(value: Any) -> Any:
    """As YAML has it."""
    if isinstance(value, PipelineInput | StepOutput | StepInput):
        return str(value)
    if isinstance(value, Node):
        return f"${{{{parent.jobs.{value.step_name}}}}}"
    if isinstance(value, Entity):
        return bound(value.to_spec())
    if isinstance(value, Mapping):
        return {str(key): bound(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [bound(part) for part in value]
    return plain(value)


def rebased(spec: Spec, base: Any) -> Spec:
    """With the paths of this machine made absolute: it goes into a file elsewhere."""
    from pathlib import Path  # noqa: PLC0415 - loading components needs none of this

    from lazur.spec import references  # noqa: PLC0415

    if base is None:
        return spec
    made = dict(spec)
    places = [(made, "code")]
    if isinstance(made.get("environment"), Mapping):
        environment = made["environment"] = dict(made["environment"])
        places.append((environment, "conda_file"))
        if isinstance(environment.get("build"), Mapping):
            build = environment["build"] = dict(environment["build"])
            places.append((build, "path"))
    for holder, key in places:
        text = holder.get(key)
        if isinstance(text, str) and references.is_local(text):
            holder[key] = str((Path(base) / text).absolute())
    return made


def _said(values: Mapping[str, Any]) -> Spec:
    return {key: value for key, value in values.items() if value is not None}


def _several(value: Any) -> list[Node]:
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def _body(settings: Spec) -> Any:
    return settings.get("promoted") or dict(settings)


def _check_open() -> None:
    if not open_steps():
        raise Invalid(
            "Components are called within a pipeline's function.",
            hint="Put @lazur.pipeline over the function that calls them.",
        )
