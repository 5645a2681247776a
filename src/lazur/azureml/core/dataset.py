"""`azureml.core.dataset`: data of the workspace, to read."""

from __future__ import annotations

import os
import tempfile

from .._lazur import delimited
from .._lazur.absent import refused
from .._lazur.models import number
from .._lazur.sources import Mounted, Source, Stored, of_path
from .._lazur.tables import Table, is_hidden, read, together
from .._lazur.told import ignored
from .._lazur.workspace_wire import Room, quoted
from .datastore import Datastore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Dataset:
    def __init__(
        self, sources: list[Source], facts: dict[str, Any], told: dict[str, Any] | None = None
    ) -> None:
        self._sources, self._facts, self._told = sources, facts, told or {}

    @property
    def name(self) -> str | None:
        return delimited.shown(self._facts) if self._facts else None

    @property
    def version(self) -> Any:
        found = self._facts.get("version")
        return number(found) if found else None

    @property
    def id(self) -> str:
        return "%s:%s" % (self.name, self.version) if self.name else ""

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._facts.get("tags") or {})

    @property
    def description(self) -> str | None:
        return self._facts.get("description")

    def download(self, target_path: str | None = None, overwrite: bool = False) -> list[str]:
        folder = target_path or tempfile.mkdtemp(prefix="dataset-")
        os.makedirs(folder, exist_ok=True)
        return [path for source in self._sources for path in source.into(folder)]

    def to_path(self) -> list[str]:
        """Relative to the whole, as v1 has it."""
        return ["/" + name for source in self._sources for name in source.names()]

    def mount(self, mount_point: str | None = None, **_: Any) -> Mounted:
        return Mounted(self, mount_point)

    def as_named_input(self, name: str) -> Any:
        raise refused("as_named_input", "Its files are had by download() or mount().")

    as_mount = as_download = as_hdfs = as_named_input

    def register(self, workspace: Any, name: str, *_: Any, **__: Any) -> Any:
        raise refused(
            "Dataset.register",
            "Declare an output with a name: it is registered when the job has ended:"
            " outputs: {x: {type: uri_folder, name: %s}}." % name,
        )

    def _frame(self) -> Any:
        found = [path for source in self._sources for path in source.ready()]
        described = next((p for p in found if os.path.basename(p) == "MLTable"), None)
        if described is not None:
            return read(os.path.dirname(described))
        return together([read(path, self._told) for path in found if not is_hidden(path)])


class FileDataset(_Dataset):
    """Files of the workspace."""

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return self._frame()


class TabularDataset(_Dataset, Table):
    """Files that are a table."""

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return self._frame()


class _File:
    @staticmethod
    def from_files(path: Any, validate: bool = True, **more: Any) -> FileDataset:
        ignored("Dataset.File.from_files", more)
        return FileDataset(_sources(path), {})

    @staticmethod
    def upload_directory(*_: Any, **__: Any) -> Any:
        raise refused("Dataset.File.upload_directory", "Declare an output, and write there.")


class _Tabular:
    @staticmethod
    def from_delimited_files(path: Any, validate: bool = True, **more: Any) -> TabularDataset:
        told = delimited.remembered("Dataset.Tabular.from_delimited_files", more)
        return TabularDataset(_sources(path), {}, told)

    @staticmethod
    def from_parquet_files(path: Any, validate: bool = True, **more: Any) -> TabularDataset:
        told = delimited.remembered("Dataset.Tabular.from_parquet_files", more)
        return TabularDataset(_sources(path), {}, {**told, "format": "parquet"})

    @staticmethod
    def from_json_lines_files(path: Any, validate: bool = True, **more: Any) -> TabularDataset:
        told = delimited.remembered("Dataset.Tabular.from_json_lines_files", more)
        return TabularDataset(_sources(path), {}, {**told, "format": "json_lines"})

    @staticmethod
    def from_sql_query(*_: Any, **__: Any) -> Any:
        raise refused("Dataset.Tabular.from_sql_query", "See `lazur data import`.")

    @staticmethod
    def register_pandas_dataframe(dataframe: Any, target: Any, name: str, **_: Any) -> Any:
        raise refused(
            "Dataset.Tabular.register_pandas_dataframe",
            "Declare an output with the name %r, and write the table there." % name,
        )


class Dataset:
    File = _File
    Tabular = _Tabular
    Scenario = delimited.Scenario

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: Any = "latest") -> Any:
        return _registered(Room().asset("data", delimited.asset(name), version))

    get = get_by_name

    @staticmethod
    def get_by_id(workspace: Any, id: str, **_: Any) -> Any:  # noqa: A002 - v1's word
        name, version = id.partition(":")[::2]
        return _registered(Room().asset("data", delimited.asset(name), version or "latest"))

    @staticmethod
    def get_all(workspace: Any) -> dict[str, Any]:
        return {delimited.shown(found): _registered(found) for found in Room().listed("/data")}


def _registered(facts: dict[str, Any]) -> Any:
    place = "/data/%s/versions/%s/files" % (quoted(facts["name"]), quoted(str(facts["version"])))
    properties = facts.get("properties") or {}
    is_table = properties.get(delimited.KIND) == "tabular" or facts.get("type") == "mltable"
    told = delimited.loaded(properties.get(delimited.PROPERTY))
    return (TabularDataset if is_table else FileDataset)([Stored(place)], facts, told)


def _sources(path: Any) -> list[Source]:
    """Of datastores, the web, and what is here: one, or several of them."""
    if isinstance(path, list):
        return [source for one in path for source in _sources(one)]
    if isinstance(path, tuple):
        store, inner = path
        name = store.name if isinstance(store, Datastore) else str(store)
        return [Stored("/datastores/%s/files" % quoted(name), str(inner or ""))]
    return [of_path(str(path))]
