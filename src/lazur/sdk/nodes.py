"""The steps of a pipeline that is written in Python: what components give when they are called."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Unpack

from lazur.errors import Invalid
from lazur.sdk import sweeps
from lazur.sdk.attributes import missing
from lazur.sdk.commands import Command
from lazur.sdk.entities import Component, Entity, Spec, plain, registered, said
from lazur.sdk.ports import Inputs, Outputs, PipelineInput, StepInput, StepOutput
from lazur.sdk.rebasing import rebased
from lazur.sdk.search_space import expect_values
from lazur.sdk.sweeps import Sweeping, SweepJob
from lazur.spec.suggestions import did_you_mean

_ITS_OWN = ("step_name", "name", "inputs", "outputs", "depends_on", "on_failure")
_FIELDS = frozenset(
    "compute resources limits environment environment_variables distribution display_name "
    "description comment is_deterministic identity settings queue_settings services tags".split()
)
"""None until somebody says something. Others are not there until then."""
_OF_SOME = frozenset(
    "type code command search_space objective sampling_algorithm early_termination trial task"
    " input_data mini_batch_size partition_keys max_concurrency_per_instance retry_settings"
    " mini_batch_error_threshold error_threshold logging_level jobs component properties".split()
)
"""Of steps of one type or another."""
_OPEN = threading.local()


class Node:
    """One step. `step_name` is known when the pipeline's function has returned. What else is
    assigned to it are fields of the step, as in YAML."""

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
        self._is_swept = False
        add(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or name in _ITS_OWN:
            object.__setattr__(self, name, value)
        else:
            known = _FIELDS | _OF_SOME
            if name not in known:
                raise missing("A step", name, {*known, *_ITS_OWN} - {"step_name"})
            self._fields[name] = registered(value) if name == "environment" else value

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS or (not name.startswith("_") and name in self._fields):
            return self._fields.get(name)
        raise missing("A step", name, _FIELDS | self._fields.keys())

    def set_limits(self, **values: int | None) -> None:
        """As in Azure's client: `step.set_limits(timeout=60)`; of a sweep also
        `max_total_trials`, `max_concurrent_trials` and `trial_timeout`."""
        self.limits = {**(plain(self.limits) or {}), **said(values)}

    def set_resources(self, **values: Any) -> None:
        self.resources = {**(plain(self.resources) or {}), **said(values)}

    def declared(self, side: str) -> Spec:
        found = self._component.to_spec().get(side) if self._component else self._body.get(side)
        return dict(found or {})

    @property
    def takes(self) -> list[str] | None:
        """Names of the inputs that it may have; None where nobody here knows."""
        if self._component is None:
            return [name for name, _ in self.inputs.items()]
        return None if self._component.inputs is None else [*self._component.inputs]

    @property
    def usual_name(self) -> str:
        named = self._component.name if self._component else self._body.get("name")
        return str(named or "step").rpartition("/")[2]

    def sweep(self, **settings: Unpack[Sweeping]) -> Node:
        """Try the inputs that are distributions, such as `lazur.Choice([1, 2])`."""
        made = sweeps.sweep(**settings)
        limits = {**(plain(self.limits) or {}), **made.pop("limits", {})}
        self._fields.update(made, limits=limits or None)
        self._is_swept = True
        return self

    def to_spec(self) -> Spec:
        given, fields = dict(self.inputs.items()), dict(self._fields)
        if not self._is_swept:
            expect_values(given, f" of the step {self.step_name!r}")
        spec = self._sweep_spec(given, fields) if self._is_swept else self._own_spec()
        inputs = {k: bound(v) for k, v in given.items() if v is not None}
        outputs = {k: out.settings for k, out in self.outputs.items() if out.settings}
        later = {
            **{field: bound(value) for field, value in fields.items()},
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

    def _sweep_spec(self, given: dict[str, Any], fields: Spec) -> Spec:
        """What is tried is taken out of both."""
        inputs, space = sweeps.parted_inputs(given, fields.pop("search_space", None))
        sweeps.check(space)
        for name in given.keys() - inputs.keys():
            del given[name]
        trial, whole = sweeps.parted(self._body)
        if self._component is not None:
            trial, whole = self._component.reference(), {}
        return {**whole, "type": "sweep", "trial": trial, "search_space": plain(space)}


def of_component(component: Component, given: Mapping[str, Any]) -> Any:
    """Outside of pipelines a job that runs the component, as with Azure's client."""
    _check_inputs(f"The component {component.name!r}", given, component.inputs)
    if not open_steps():
        return _job(component, given)
    return Node({"type": component.type or "command"}, given, component)


def of_command(command: Command, given: Mapping[str, Any]) -> Node | Command:
    """Outside of pipelines the same job once more: it is called otherwise, as with Azure's
    client, since no two jobs have one name."""
    used = {name for name in given if f"inputs.{name}" in (command.command or "")}
    _check_inputs("The command", given, command.inputs.keys() | used)
    if not open_steps():
        made = copy.deepcopy(command)
        return replace(made, name=None, inputs={**made.inputs, **given})
    return _step(command, given)


def of_sweep(command: Command, settings: Sweeping) -> Node | SweepJob:
    settings.setdefault("queue_settings", command.queue_settings)
    if open_steps():
        return _step(command, {}).sweep(**settings)
    return SweepJob(trial=copy.deepcopy(command), name=command.name, **sweeps.sweep(**settings))


def _step(command: Command, given: Mapping[str, Any]) -> Node:
    spec = rebased(sweeps.own(command), command.base_path)
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


def _several(value: Any) -> list[Node]:
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def _body(settings: Spec) -> Any:
    return settings.get("promoted") or dict(settings)


def _check_inputs(whose: str, given: Mapping[str, Any], known: Collection[str] | None) -> None:
    unknown = [name for name in given if known is not None and name not in known]
    if unknown:
        there = ", ".join(sorted(known or ())) or "none"
        near = did_you_mean(unknown[0], known or ())
        raise Invalid(f"{whose} has no input {unknown[0]!r}.", hint=near or f"It has: {there}.")


def _job(component: Component, given: Mapping[str, Any]) -> Command:
    spec = component.to_spec()
    if "command" not in spec:
        raise Invalid(
            f"The component {component.name!r} is called within a pipeline's function: only those"
            " that are one command, and are written here, run by themselves.",
            hint="Put @lazur.pipeline over the function that calls it.",
        )
    ports: Spec = component.inputs or {}
    inputs = {k: port["default"] for k, port in ports.items() if "default" in (port or {})}
    inputs |= {key: value for key, value in given.items() if value is not None}
    for name, port in ports.items():
        if name not in inputs and not (port or {}).get("optional"):
            raise Invalid(f"The component {component.name!r} needs the input {name!r}.")
    outputs = {
        k: {"type": (port or {}).get("type")} for k, port in spec.get("outputs", {}).items()
    }
    own = {key: spec[key] for key in _OF_THE_JOB if key in spec}
    return Command(**own, inputs=inputs, outputs=outputs, base_path=component.base_path)


_OF_THE_JOB = (
    "display_name description tags command code environment environment_variables resources"
    " distribution limits"
).split()
