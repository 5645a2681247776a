"""Components: steps with declared, typed inputs and outputs. A command component is a command."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, model_validator

from lazur.kinds.assets.common import AutoDelete
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.spec.inputs import LiteralValue
from lazur.spec.model import Map, Spec, Tags, TextValue, spelled, squashed
from lazur.spec.names import Name, Version
from lazur.spec.resources import Resources
from lazur.spec.settings import Distribution, QueueSettings

_Primitive = Literal["boolean", "integer", "number", "string"]
_Path = Literal[
    "path", "custom_model", "mlflow_model", "mltable", "triton_model", "uri_file", "uri_folder"
]
_Mode = Literal[
    "direct",
    "download",
    "eval_download",
    "eval_mount",
    "mount",
    "ro_mount",
    "rw_mount",
    "upload",
    "link",
]
_PRIMITIVE = {"boolean", "integer", "number", "string"}


class Parameter(Spec):
    """A literal that the component takes."""

    type: Annotated[_Primitive, spelled(_Primitive)]
    optional: bool = False
    """Whether it may be left out; the command then uses it in `$[[ … ]]` only."""
    default: LiteralValue | None = None
    description: str | None = None
    min: LiteralValue | None = None
    max: LiteralValue | None = None
    enum: list[TextValue] | None = None
    """The values that are allowed."""

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        if self.default is not None:
            self.check(self.default)
        return self

    def check(self, value: str | bool | float) -> None:
        """Raise ValueError when `value` may not be given to this input."""
        number = _as_type(self.type, value)
        for bound, sign, word in ((self.min, 1, "least"), (self.max, -1, "most")):
            if bound is not None and number is not None and sign * number < sign * float(bound):
                raise ValueError(f"{value!r} is out of range: at {word} {bound}")
        if self.enum is not None and str(value) not in self.enum:
            raise ValueError(f"{value!r} is not one of {', '.join(self.enum)}")


class PathParameter(Spec):
    """A file, folder, table or model that the component takes."""

    type: Annotated[_Path, spelled(_Path)]
    optional: bool = False
    """Whether it may be left out; the command then uses it in `$[[ … ]]` only."""
    default: str | None = None
    description: str | None = None
    mode: Annotated[_Mode, spelled(_Mode)] | None = None


class PathResult(Spec):
    """A file, folder, table or model that the component makes."""

    type: Annotated[_Path, spelled(_Path)] = "uri_folder"
    description: str | None = None
    mode: Annotated[_Mode, spelled(_Mode)] | None = None


class Result(Spec):
    """A value that the component makes."""

    type: Annotated[_Primitive, spelled(_Primitive)]
    description: str | None = None
    mode: Annotated[_Mode, spelled(_Mode)] | None = None
    is_control: bool | None = None
    """Whether conditions and loops look at it. Here they may look at any value."""


def _port(value: Any) -> str | None:
    found: Any = getattr(value, "type", None)
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value).get("type")
    if value is None or found is None:
        return "\0path"
    word = squashed(found)
    if word in _PRIMITIVE:
        return "\0primitive"
    return "\0path" if word in {squashed(t) for t in _PATHS} else None


_PATHS = (
    "path",
    "custom_model",
    "mlflow_model",
    "mltable",
    "triton_model",
    "uri_file",
    "uri_folder",
)
_TYPES = (
    "boolean, integer, number, string, uri_file, uri_folder, mltable, "
    "custom_model, mlflow_model, triton_model"
)

ComponentInput = Annotated[
    Annotated[Parameter, Tag("\0primitive")] | Annotated[PathParameter, Tag("\0path")],
    Discriminator(
        _port,
        custom_error_type="input",
        custom_error_message=f"an input is a mapping whose `type` is one of {_TYPES}",
    ),
]
ComponentOutput = Annotated[
    Annotated[Result, Tag("\0primitive")] | Annotated[PathResult | None, Tag("\0path")],
    Discriminator(
        _port,
        custom_error_type="output",
        custom_error_message=f"an output is a mapping whose `type` is one of {_TYPES}",
    ),
]


class Component(Spec):
    """What all of them have."""

    name: Name
    version: Version | None = None
    """The next number when left out. A YAML number is read as text: 01 is "1"."""
    id: str | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    properties: Map[Any] = Field(default_factory=dict)
    auto_delete_setting: AutoDelete | None = None
    is_deterministic: bool = True
    """Whether equal inputs give equal outputs, so that a step need not run again."""
    inputs: Map[ComponentInput] = Field(default_factory=dict)
    outputs: Map[ComponentOutput] = Field(default_factory=dict)


class CommandComponent(Component):
    """A command with declared inputs and outputs, kept in versions."""

    type: Annotated[Literal["command"], spelled(Literal["command"])] = "command"
    command: str
    """Run by bash, with `${{inputs.x}}` and `${{outputs.y}}` in it."""
    code: str | None = None
    """The folder that the command runs in."""
    additional_includes: list[str] | None = None
    """Files and folders that are added to the code."""
    environment: str | AnonymousEnvironment
    environment_variables: Map[LiteralValue | None] = Field(default_factory=dict)
    resources: Resources | None = None
    distribution: Distribution | None = None
    queue_settings: QueueSettings | None = None


def _as_type(kind: str, value: str | bool | float) -> float | None:
    """The number behind a number; None for text and booleans. Raises ValueError when `value` is of
    another type."""
    text = str(value)
    if kind == "string":
        return None
    if kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"{value!r} is neither true nor false")
        return None
    if isinstance(value, bool):
        raise ValueError(f"{text.lower()} is not a number")  # noqa: TRY004 - pydantic reads it
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        noun = "a whole number" if kind == "integer" else "a number"
        raise ValueError(f"{value!r} is not {noun}") from None
