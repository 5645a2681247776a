"""Outputs of a job."""

from __future__ import annotations

from typing import Annotated, Literal

from lazur.spec.model import Spec, spelled
from lazur.spec.names import Name, Version

_Mode = Literal["rw_mount", "upload", "direct"]
_Type = Literal[
    "uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model"
]

OutputMode = Annotated[_Mode, spelled(_Mode, mount="rw_mount", readwritemount="rw_mount")]
OutputType = Annotated[_Type, spelled(_Type, path="uri_folder")]


class PathOutput(Spec):
    """Something that the job leaves at a path."""

    type: OutputType = "uri_folder"
    """What it will be."""
    path: str | None = None
    """Where it is kept; the workspace's own store when left out. `${{name}}` is the job's name."""
    mode: OutputMode = "rw_mount"
    """`rw_mount`: seen by others while the job runs; `upload`: kept at the end."""
    name: Name | None = None
    """Register it as an asset of this name when the job completes."""
    version: Version | None = None
    """The version to register; the next one when left out."""


Output = PathOutput | None
"""None: an empty body, which means a folder."""


def output_of(value: Output) -> PathOutput:
    return value or PathOutput()
