"""`azureml.core.dataset`: data of the workspace, to read."""

from __future__ import annotations

import os
import shutil
import tempfile

from .._lazur import files
from .._lazur.absent import refused
from .._lazur.tables import Table, is_hidden, read, together
from .._lazur.workspace_wire import Room, quoted
from .datastore import Datastore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SOME = ("*", "?", "[")


class _Local:
    """Files that are here, or addresses that pandas knows to read."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def fetch(self, target: str | None) -> list[str]:
        found = [file for path in self.paths for file in files.below(path)]
        if target is None:
            return found or self.paths
        return [shutil.copy(file, target) for file in found]


class _Stored:
    """Files at the server, fetched once."""

    def __init__(self, place: str, query: dict[str, str]) -> None:
        self._place, self._query = place, query
        self._folder: Any = None

    def fetch(self, target: str | None) -> list[str]:
        if target is None:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="dataset-")
            target = self._folder.name
        return Room().download(self._place, str(target), self._query)


class _Dataset:
    def __init__(self, source: Any, facts: dict[str, Any], options: dict[str, Any]) -> None:
        self._source, self._facts, self._options = source, facts, options

    @property
    def name(self) -> str | None:
        return self._facts.get("name")

    @property
    def version(self) -> Any:
        text = str(self._facts.get("version") or "")
        return int(text) if text.isdigit() else text or None

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
        return self._source.fetch(folder)

    def to_path(self) -> list[str]:
        """Relative to the whole, as v1 has it."""
        found = self._source.fetch(None)
        top = os.path.commonpath([os.path.dirname(path) for path in found]) if found else ""
        return ["/" + os.path.relpath(path, top) for path in found]

    def mount(self, mount_point: str | None = None, **_: Any) -> _Mounted:
        return _Mounted(self, mount_point)

    def as_named_input(self, name: str) -> Any:
        raise refused("as_named_input", "Its files are had by download() or mount().")

    def register(self, workspace: Any, name: str, *_: Any, **__: Any) -> Any:
        raise refused(
            "Dataset.register",
            "Declare an output with a name: it is registered when the job has ended:"
            " outputs: {x: {type: uri_folder, name: %s}}." % name,
        )

    def _frame(self) -> Any:
        found = self._source.fetch(None)
        folder = os.path.commonpath(found) if found else ""
        if os.path.isfile(os.path.join(folder, "MLTable")):
            return read(folder)
        frames = [read(path, **self._options) for path in found if not is_hidden(path)]
        return together(frames)


class FileDataset(_Dataset):
    """Files of the workspace."""

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return self._frame()


class TabularDataset(_Dataset, Table):
    """Files that are a table."""

    def to_pandas_dataframe(self, **_: Any) -> Any:
        return self._frame()


class _Mounted:
    """A folder with the files, which were fetched there."""

    def __init__(self, dataset: _Dataset, mount_point: str | None) -> None:
        self._dataset = dataset
        self._own = mount_point is None
        self.mount_point = mount_point or tempfile.mkdtemp(prefix="dataset-")

    def start(self) -> _Mounted:
        self._dataset.download(self.mount_point)
        return self

    def stop(self) -> None:
        if self._own:
            shutil.rmtree(self.mount_point, ignore_errors=True)

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _File:
    @staticmethod
    def from_files(path: Any, *_: Any, **__: Any) -> FileDataset:
        return FileDataset(_source(path), {}, {})

    @staticmethod
    def upload_directory(*_: Any, **__: Any) -> Any:
        raise refused("Dataset.File.upload_directory", "Declare an output, and write there.")


class _Tabular:
    @staticmethod
    def from_delimited_files(path: Any, *_: Any, **more: Any) -> TabularDataset:
        options = {"sep": more["separator"]} if more.get("separator") else {}
        return TabularDataset(_source(path), {}, options)

    @staticmethod
    def from_parquet_files(path: Any, *_: Any, **__: Any) -> TabularDataset:
        return TabularDataset(_source(path), {}, {})

    from_json_lines_files = from_parquet_files

    @staticmethod
    def register_pandas_dataframe(dataframe: Any, target: Any, name: str, *_: Any) -> Any:
        raise refused(
            "Dataset.Tabular.register_pandas_dataframe",
            "Declare an output with the name %r, and write the table there." % name,
        )


class Dataset:
    File = _File
    Tabular = _Tabular

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: Any = "latest") -> Any:
        return _registered(Room().asset("data", name, version))

    get = get_by_name

    @staticmethod
    def get_by_id(workspace: Any, id: str, **_: Any) -> Any:  # noqa: A002 - v1's word
        name, version = id.partition(":")[::2]
        return _registered(Room().asset("data", name, version or "latest"))

    @staticmethod
    def get_all(workspace: Any) -> dict[str, Any]:
        return {found["name"]: _registered(found) for found in Room().listed("/data")}


def _registered(facts: dict[str, Any]) -> Any:
    place = "/data/%s/versions/%s/files" % (quoted(facts["name"]), quoted(str(facts["version"])))
    told = (facts.get("properties") or {}).get("lazur.v1.dataset")
    is_table = told == "tabular" or facts.get("type") == "mltable"
    return (TabularDataset if is_table else FileDataset)(_Stored(place, {}), facts, {})


def _source(path: Any) -> Any:
    """From a datastore, or what is here."""
    if isinstance(path, list):
        if len(path) == 1:
            return _source(path[0])
        if any(isinstance(one, tuple) for one in path):
            raise refused("A dataset of several paths in datastores", "Name their folder.")
        return _Local([_folder(str(one)) or "." for one in path])
    if isinstance(path, tuple):
        store, inner = path
        name = store.name if isinstance(store, Datastore) else str(store)
        return _Stored("/datastores/%s/files" % quoted(name), {"prefix": _folder(str(inner))})
    return _Local([_folder(str(path)) or "."])


def _folder(text: str) -> str:
    """`folder/**` is the folder."""
    parts = text.split("/")
    for index, part in enumerate(parts):
        if any(sign in part for sign in _SOME):
            return "/".join(parts[:index])
    return text
