"""Steps, what ties them together, and the job that they become."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lazur.errors import Invalid
from lazur.v1.core.places import LITERAL, Consumed, OutputFileDatasetConfig, Port
from lazur.v1.pipeline.core.graph import ParameterData, PipelineParameter, key


class PipelineStep(ABC):
    """One step. What it makes knows it from then on."""

    def __init__(
        self,
        name: str,
        inputs: Iterable[Any] | None = None,
        outputs: Iterable[Any] | None = None,
        arguments: Iterable[Any] | None = None,
        allow_reuse: bool | None = True,
    ) -> None:
        self.name = name
        self.inputs = list(inputs or ())
        self.outputs = list(outputs or ())
        self.arguments = list(arguments or ())
        self.allow_reuse = allow_reuse is not False
        self._after: list[PipelineStep] = []
        for part in self.outputs:
            if isinstance(part, Consumed) and part.port.origin is not None:
                part.port.origin.producer = self
        for part in self.arguments:
            if isinstance(part, OutputFileDatasetConfig) and part.port.origin is not None:
                part.port.origin.producer = part.port.origin.producer or self

    def run_after(self, step: PipelineStep) -> None:
        self._after.append(step)

    def before(self) -> list[PipelineStep]:
        """Steps that have to end first: by its data, and because somebody said so."""
        made = [
            part.port.origin.producer
            for part in (*self.inputs, *self.arguments)
            if isinstance(part, Consumed) and part.port.origin is not None
        ]
        return [step for step in [*made, *self._after] if step not in (None, self)]

    def after(self) -> list[PipelineStep]:
        return list(self._after)

    @abstractmethod
    def to_spec(self, graph: Graph, scratch: Path) -> dict[str, Any]:
        """What its job is, with the files that are made for it in a folder."""


class StepSequence:
    """Steps that follow one another; a list among them is of steps at one time."""

    def __init__(self, steps: Iterable[Any] | None = None) -> None:
        self.steps = list(steps or ())
        before: list[PipelineStep] = []
        for part in self.steps:
            now = list(flat([part]))
            for step in now:
                for other in before:
                    step.run_after(other)
            before = now

    def __iter__(self) -> Iterator[Any]:
        return iter(self.steps)


def flat(steps: Any) -> Iterator[PipelineStep]:
    if isinstance(steps, PipelineStep):
        yield steps
        return
    if not isinstance(steps, Iterable):
        raise Invalid(f"A pipeline is made of steps, and a {type(steps).__name__} is none.")
    for part in steps:
        yield from flat(part)


class Graph:
    """Steps by their keys, and what they take from the pipeline."""

    def __init__(self, steps: Any) -> None:
        self.keys: dict[PipelineStep, str] = {}
        self.parameters: dict[str, PipelineParameter] = {}
        self.outputs: dict[str, Port] = {}
        for step in flat(steps):
            self._add(step)

    def key_of(self, step: PipelineStep) -> str:
        return self.keys[step]

    def parameter(self, given: PipelineParameter) -> str:
        """The expression for its value."""
        self.parameters.setdefault(given.name, given)
        return f"${{{{parent.inputs.{key(given.name)}}}}}"

    def bound(self, part: Any, step: PipelineStep) -> Any:
        """An argument or a piece of data, as this step has it."""
        if isinstance(part, tuple) and part and isinstance(part[0], PipelineParameter):
            part = part[0]  # with how it is mounted
        if isinstance(part, PipelineParameter):
            return self._of_parameter(part, part.name, "mount")
        if isinstance(part, ParameterData):
            return self._of_parameter(part.parameter, part.port.name, part.port.mode)
        if not isinstance(part, Consumed) or part.port.origin is None:
            return part
        return Consumed(self._made(part.port, step))

    def _of_parameter(self, given: PipelineParameter, name: str, mode: str) -> Consumed:
        text = self.parameter(given)
        default = given.default_value
        if not hasattr(default, "port"):
            return Consumed(Port(key(name), text, type=LITERAL))
        return Consumed(replace(default.port, name=name, path=text, mode=mode))

    def _made(self, port: Port, step: PipelineStep) -> Port:
        origin = port.origin
        if origin is None or origin.producer is None:
            raise Invalid(
                f"{port.name!r}, which the step {step.name!r} takes, is made by no step.",
                hint="Give it to the step that writes it: outputs=[…].",
            )
        if origin.producer is not step:
            source = (
                f"${{{{parent.jobs.{self.keys[origin.producer]}.outputs.{key(origin.name)}}}}}"
            )
            return replace(port, path=source, is_output=False, origin=None)
        if not port.is_output:
            raise Invalid(f"The step {step.name!r} takes {port.name!r}, which it makes itself.")
        path = port.path
        if origin.pipeline_output:
            self.outputs[key(origin.pipeline_output)] = port
            path = f"${{{{parent.outputs.{key(origin.pipeline_output)}}}}}"
        return replace(port, name=origin.name, path=path, origin=None)

    def _add(self, step: PipelineStep) -> None:
        if step in self.keys:
            return
        for other in step.before():
            self._add(other)
        made, number = key(step.name), 1
        while made in self.keys.values():
            number += 1
            made = f"{key(step.name)}_{number}"
        self.keys[step] = made
