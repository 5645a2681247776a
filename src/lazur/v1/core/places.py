"""Data as arguments of a script: what becomes an input or an output of the job."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lazur.v1.core import staging
from lazur.v1.told import ignored

LITERAL = "literal"
"""The type of inputs that are values: their path is the value."""
_MODES = {"mount": "ro_mount", "download": "download", "direct": "direct"}


class Origin:
    """What a step of a pipeline makes: the same for everybody who takes it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.producer: Any = None
        self.pipeline_output: str | None = None


@dataclass(frozen=True)
class Port:
    """One input or output."""

    name: str
    path: str
    mode: str = "mount"
    is_file: bool = False
    is_output: bool = False
    type: str | None = None
    registered_as: str | None = None
    origin: Origin | None = None
    table: Any = None
    """The dataset, where it was said to be a table."""
    pattern: str = ""
    """Of what is meant in a folder of a datastore: a job gets all of it."""

    @property
    def key(self) -> str:
        return re.sub(r"\W", "_", self.name) or "data"

    @property
    def expression(self) -> str:
        side = "outputs" if self.is_output else "inputs"
        return f"${{{{{side}.{self.key}}}}}"

    def to_spec(self) -> Any:
        if self.type == LITERAL:
            return self.path
        kind = self.type or ("uri_file" if self.is_file else "uri_folder")
        if self.is_output:
            mode = "upload" if self.mode == "upload" else "rw_mount"
            made: dict[str, Any] = {"type": kind, "mode": mode}
            made |= {"path": self.path} if self.path else {}
            return {**made, "name": self.registered_as} if self.registered_as else made
        return {"type": kind, "path": self.path, "mode": _MODES.get(self.mode, "ro_mount")}


class Consumed:
    """What stands in `arguments` and `inputs`: a dataset or a data reference with its mode."""

    def __init__(self, port: Port) -> None:
        self.port = port

    @property
    def name(self) -> str:
        return self.port.name

    def as_mount(self, path_on_compute: str | None = None, **_: Any) -> Consumed:
        return self._with(mode="mount")

    def as_download(self, path_on_compute: str | None = None, **_: Any) -> Consumed:
        return self._with(mode="download")

    def as_upload(self, path_on_compute: str | None = None, **_: Any) -> Consumed:
        return self._with(mode="upload", is_output=True)

    def as_hdfs(self) -> Consumed:
        return self

    def as_named_input(self, name: str) -> Consumed:
        return self._with(name=name)

    as_input = as_named_input

    def _with(self, **changes: Any) -> Consumed:
        return type(self)._of(replace(self.port, **changes))

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        return Consumed(port)


class DataReference(Consumed):
    """Azure's oldest form: `$AZUREML_DATAREFERENCE_name` in a script's arguments."""

    def __init__(
        self,
        datastore: Any,
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        store = str(getattr(datastore, "name", datastore))
        path = located(store, path_on_datastore or "")
        name = data_reference_name or store
        super().__init__(Port(name, path, mode, Path(path).is_file(), is_output=mode == "upload"))
        self.data_reference_name = name
        self.path_on_datastore = path_on_datastore

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        made = cls.__new__(cls)
        made.port = port
        made.data_reference_name = port.name
        made.path_on_datastore = port.path.partition("/paths/")[2] or None
        return made

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> Consumed:
        text = self.port.path.rstrip("/") + "/" + (path or "")
        return self._with(path=text, name=data_reference_name or self.port.name)

    def __str__(self) -> str:
        return variable(self.port.name)


class OutputFileDatasetConfig(Consumed):
    """A folder that the job writes."""

    def __init__(
        self,
        name: str | None = None,
        destination: tuple[Any, str] | None = None,
        source: str | None = None,
        **_: Any,
    ) -> None:
        ignored("OutputFileDatasetConfig", {"source": source},
                "write into the folder that the script gets")  # fmt: skip
        path = ""
        if destination:
            store = getattr(destination[0], "name", destination[0])
            path = f"azureml://datastores/{store}/paths/{destination[1]}"
            path = path.replace("{run-id}", "${{name}}").replace("{output-name}", name or "output")
        named = name or "output"
        super().__init__(Port(named, path, is_output=True, origin=Origin(named)))

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        made = cls.__new__(cls)
        made.port = port
        return made

    def as_mount(self, *_: Any, **__: Any) -> Consumed:
        return self._with(mode="mount")

    def register_on_complete(self, name: str, **_: Any) -> Consumed:
        return self._with(registered_as=name)

    def read_delimited_files(self, *_: Any, **__: Any) -> Consumed:
        """A table for who takes it: `run.input_datasets[name].to_pandas_dataframe()`."""
        return self._with(table=self)

    read_parquet_files = read_delimited_files

    def as_input(self, name: str | None = None) -> Consumed:
        """What another step of a pipeline takes."""
        return Consumed(replace(self.port, name=name or self.port.name, is_output=False))

    as_named_input = as_input


class DataPath:
    """A place in a datastore."""

    def __init__(
        self, datastore: Any = None, path_on_datastore: str | None = None, name: str | None = None
    ) -> None:
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore or ""
        self.name = name

    @property
    def port(self) -> Port:
        store = str(getattr(self.datastore, "name", self.datastore))
        path = located(store, self.path_on_datastore)
        return Port(self.name or "data", path, is_file=Path(path).is_file())


class DataPathComputeBinding:
    def __init__(self, mode: str = "mount", **_: Any) -> None:
        self.mode = mode


def located(store: str, path: str) -> str:
    """Where data are: what this script uploaded is still here."""
    found = staging.find(store, path)
    return str(found) if found else f"azureml://datastores/{store}/paths/{path}"


def variable(name: str) -> str:
    return f"$AZUREML_DATAREFERENCE_{name}"
