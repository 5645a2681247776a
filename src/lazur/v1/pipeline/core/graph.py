"""What goes between steps, and into a pipeline: `azureml.pipeline.core.graph`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lazur.v1.core.places import Consumed, Origin, Port
from lazur.v1.told import ignored


class PipelineParameter:
    """What may be another value at each submission: text, numbers, or data."""

    def __init__(self, name: str, default_value: Any = None) -> None:
        self.name = name
        self.default_value = default_value

    def __str__(self) -> str:
        return f"PipelineParameter_Name:{self.name}_Default:{self.default_value}"


class ParameterData(Consumed):
    """Data that a parameter names, as a step takes them."""

    def __init__(self, name: str, parameter: PipelineParameter, mode: str = "mount") -> None:
        self.parameter = parameter
        super().__init__(Port(name, "", mode))

    def _with(self, **changes: Any) -> ParameterData:
        made = ParameterData(self.port.name, self.parameter)
        made.port = replace(self.port, **changes)
        return made


class PipelineData(Consumed):
    """A folder that one step writes and others read."""

    def __init__(
        self,
        name: str,
        datastore: Any = None,
        output_name: str | None = None,
        output_mode: str = "mount",
        output_path_on_compute: str | None = None,
        output_overwrite: Any = None,
        data_type: Any = None,
        is_directory: bool | None = None,
        pipeline_output_name: str | None = None,
        training_output: Any = None,
        **_: Any,
    ) -> None:
        ignored(
            "PipelineData",
            {
                "output_path_on_compute": output_path_on_compute,
                "data_type": data_type,
                "training_output": training_output,
            },
        )
        origin = Origin(name)
        origin.pipeline_output = pipeline_output_name
        store = getattr(datastore, "name", datastore)
        path = ""
        if store and store != _DEFAULT:
            path = f"azureml://datastores/{store}/paths/azureml/${{{{name}}}}/{name}"
        super().__init__(
            Port(
                output_name or name, path, "upload" if output_mode == "upload" else "mount",
                is_file=is_directory is False, is_output=True, origin=origin,
            )
        )  # fmt: skip

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        return Consumed(port)

    def as_input(self, name: str | None = None, **_: Any) -> Consumed:
        return Consumed(replace(self.port, name=name or self.name, is_output=False))

    def as_mount(self, *_: Any, **__: Any) -> Consumed:
        return Consumed(replace(self.port, mode="mount", is_output=False))

    def as_download(self, *_: Any, **__: Any) -> Consumed:
        return Consumed(replace(self.port, mode="download", is_output=False))

    def as_dataset(self) -> PipelineOutputDataset:
        return PipelineOutputDataset(replace(self.port, is_output=False))

    as_named_input = as_input


class PipelineOutputDataset(Consumed):
    """`PipelineData.as_dataset()`."""

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        return PipelineOutputDataset(port)

    def parse_delimited_files(self, *_: Any, **__: Any) -> PipelineOutputDataset:
        """A table for who takes it."""
        return PipelineOutputDataset(replace(self.port, table=self))

    parse_parquet_files = parse_delimited_files

    def as_direct(self) -> PipelineOutputDataset:
        return self


class InputPortBinding:
    """Old scripts' word for data and the name that a step knows them by."""

    def __new__(
        cls, name: str, bind_object: Any = None, bind_mode: str = "mount", **_: Any
    ) -> Any:
        taken = bind_object.as_input(name)
        return taken.as_download() if bind_mode == "download" else taken


_DEFAULT = "workspaceblobstore"


def key(name: str) -> str:
    """A name within expressions."""
    found = re.sub(r"\W", "_", name.strip(), flags=re.ASCII) or "step"
    return f"_{found}" if found[0].isdigit() else found


def literal(value: Any) -> Any:
    """A parameter's value; data by where they are."""
    if hasattr(value, "port"):
        return value.port.to_spec()
    return "" if value is None else value
