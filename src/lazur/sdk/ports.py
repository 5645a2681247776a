"""What goes into the steps of a pipeline that is written in Python, and what comes out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lazur.errors import Invalid
from lazur.sdk.attributes import missing
from lazur.sdk.entities import Input, Spec, plain

if TYPE_CHECKING:
    from lazur.sdk.nodes import Node


class _Later:
    """What has no value while a pipeline's function runs: Python that asks for one would go wrong,
    and mostly without a word."""

    def _ask(self, *_: Any) -> Any:
        raise Invalid(
            f"{self} has no value yet: it is there when the pipeline runs, and not while its"
            " function does.",
            hint="Let a step compute with it, and lazur.dsl.condition decide by what that wrote;"
            " a parameter that is named in @lazur.pipeline(non_pipeline_inputs=[…]) is a value.",
        )

    __bool__ = __int__ = __float__ = __index__ = __iter__ = __len__ = _ask
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _ask
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __neg__ = _ask
    __lt__ = __le__ = __gt__ = __ge__ = _ask

    def __eq__(self, other: object) -> bool:
        return self._ask() if isinstance(other, int | float | str) else self is other

    __hash__ = object.__hash__


class PipelineInput(_Later):
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


_OF_OUTPUTS = ("path", "mode", "name", "version", "type", "is_control", "description")


class StepOutput(_Later):
    """What a step makes: bound to another step's input, or returned as the pipeline's.
    `node.outputs.model.path = …` says where, `.mode`, `.name`, `.type` and so on likewise."""

    node: Node
    port: str
    settings: Spec

    def __init__(self, node: Node, name: str) -> None:
        vars(self).update(node=node, port=name, settings={})

    def __str__(self) -> str:
        return f"${{{{parent.jobs.{self.node.step_name}.outputs.{self.port}}}}}"

    __repr__ = __str__

    @property
    def declared(self) -> Spec:
        found = self.node.declared("outputs").get(self.port)
        return dict(found) if isinstance(found, Mapping) else {}

    def __getattr__(self, name: str) -> Any:
        if name not in _OF_OUTPUTS:
            raise missing("A step's output", name, _OF_OUTPUTS)
        return self.settings.get(name, self.declared.get(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _OF_OUTPUTS:
            raise missing("A step's output", name, _OF_OUTPUTS)
        self.settings[name] = value


_OF_INPUTS = ("path", "mode", "type")


class StepInput:
    """A place for a value, for the `mapping` of loops. `node.inputs.data.mode = …` says how the
    step gets what is there, `.path` and `.type` likewise."""

    node: Node
    port: str

    def __init__(self, node: Node, name: str) -> None:
        vars(self).update(node=node, port=name)

    def __str__(self) -> str:
        return f"${{{{parent.jobs.{self.node.step_name}.inputs.{self.port}}}}}"

    def __getattr__(self, name: str) -> Any:
        if name not in _OF_INPUTS:
            raise missing("A step's input", name, _OF_INPUTS)
        return getattr(self._input(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _OF_INPUTS:
            raise missing("A step's input", name, _OF_INPUTS)
        self.node.inputs[self.port] = replace(self._input(), **{name: value})

    def _input(self) -> Input:
        """What is bound to it, as the input that it would be in YAML."""
        given = dict(self.node.inputs.items()).get(self.port)
        if isinstance(given, Input):
            return given
        port = self.node.declared("inputs").get(self.port)
        told = port if isinstance(port, Mapping) else {}
        if isinstance(given, StepOutput):
            told = {**told, "type": given.type or told.get("type")}
        return Input.from_spec({"type": told.get("type"), "path": given})


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
        self._check(name)
        return StepInput(self._node, name)

    __getitem__ = __getattr__

    def __setattr__(self, name: str, value: Any) -> None:
        self._check(name)
        self._given[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self._given[name] = value

    def items(self) -> Iterator[tuple[str, Any]]:
        yield from self._given.items()

    def _check(self, name: str) -> None:
        known = self._node.takes
        if known is not None and name not in known:
            raise missing("The step", name, known)


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
