"""Inputs of a job: literals, and paths with a type and a mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import (
    Discriminator,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from lazur.spec.folders import folder_of
from lazur.spec.model import Spec, spelled, squashed

_Mode = Literal["ro_mount", "rw_mount", "download", "direct", "eval_mount", "eval_download"]
_DataType = Literal["uri_file", "uri_folder"]
_ModelType = Literal["custom_model", "mlflow_model", "triton_model"]

InputMode = Annotated[_Mode, spelled(_Mode, mount="ro_mount", readonlymount="ro_mount")]
DataType = Annotated[_DataType, spelled(_DataType, path="uri_folder")]
ModelType = Annotated[_ModelType, spelled(_ModelType)]
TABLE_TYPES = frozenset({"mltable"})
MODEL_TYPES = frozenset({"custom_model", "mlflow_model", "triton_model"})
DATA_TYPES = frozenset({"uri_file", "uri_folder"})
PATH_TYPES = DATA_TYPES | TABLE_TYPES | MODEL_TYPES


class PathInput(Spec):
    """Something that the job finds at a path."""

    path: str | None = None
    """A local path, a URL, `azureml:<name>:<version>`, a datastore path or another job's
    output."""
    mode: InputMode = "ro_mount"
    """How the job gets it. `direct` hands the reference itself to the command."""
    path_on_compute: str | None = None
    """Where the job finds it, when it must be a certain path."""
    datastore: str | None = None
    """Where a local path is uploaded to."""


class DataInput(PathInput):
    """A file or folder."""

    type: DataType = "uri_folder"
    """`uri_file` or `uri_folder`."""

    @model_validator(mode="before")
    @classmethod
    def _whole_folder(cls, value: Any) -> Any:
        folder = folder_of(value)
        return value if folder is None else {**value, "path": folder}


class ModelInput(PathInput):
    """A model."""

    type: ModelType = "custom_model"
    """`custom_model`, `mlflow_model` or `triton_model`."""


class MLTableInput(PathInput):
    """A folder with an MLTable file."""

    type: Annotated[Literal["mltable"], spelled(Literal["mltable"])] = "mltable"


class LiteralInput(Spec):
    """A literal, written out: `{value: 0.1}`."""

    value: StrictBool | StrictInt | StrictFloat | StrictStr


LiteralValue = StrictBool | StrictInt | StrictFloat | StrictStr

_TAGS = {
    **dict.fromkeys(map(squashed, DATA_TYPES | {"path"}), "\0data"),
    **dict.fromkeys(map(squashed, MODEL_TYPES), "\0model"),
    "mltable": "\0table",
}


def _form(value: Any) -> str | None:
    if isinstance(value, PathInput):
        return _TAGS[squashed(cast("DataInput", value).type)]
    if isinstance(value, LiteralInput):
        return "\0literal"
    if isinstance(value, Mapping):
        body = cast("Mapping[str, Any]", value)
        return "\0literal" if "value" in body else _TAGS.get(squashed(body.get("type", "path")))
    if value is None:
        return "\0none"
    return "\0scalar" if isinstance(value, str | bool | int | float) else None


Input = Annotated[
    Annotated[DataInput, Tag("\0data")]
    | Annotated[ModelInput, Tag("\0model")]
    | Annotated[MLTableInput, Tag("\0table")]
    | Annotated[LiteralInput, Tag("\0literal")]
    | Annotated[LiteralValue, Tag("\0scalar")]
    | Annotated[None, Tag("\0none")],
    Discriminator(
        _form,
        custom_error_type="input",
        custom_error_message=(
            "an input is a literal, or a mapping whose `type` is one of uri_file, uri_folder, "
            "mltable, custom_model, mlflow_model, triton_model"
        ),
    ),
]
"""None: declared but not given; only an optional block may use it."""


def literal_text(value: str | bool | float) -> str:
    """A literal as the command gets it. Booleans are `True` and `False`, as Azure's client sends
    them."""
    return value if isinstance(value, str) else str(value)


def literal_of(value: Any) -> str | None:
    """The text of an input that is a literal, in either form; None for any other."""
    if isinstance(value, LiteralInput):
        return literal_text(value.value)
    return literal_text(value) if isinstance(value, str | bool | int | float) else None
