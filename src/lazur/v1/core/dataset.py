"""Datasets: files and tables, as paths."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lazur.azureml._lazur.files import below
from lazur.azureml._lazur.tables import Table, is_hidden, read, together
from lazur.sdk.entities import Data
from lazur.spec import references
from lazur.v1.core.datastore import fetched
from lazur.v1.core.places import Consumed, DataPath, Port, located
from lazur.v1.told import ignored, refused

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace

_SOME = ("*", "?", "[")


class _Dataset(Consumed):
    """What files and tables have in common."""

    kind = "file"

    def __init__(self, port: Port, registered: Any = None, workspace: Any = None) -> None:
        super().__init__(port)
        self._registered = registered
        self._workspace = workspace

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        return Consumed(port)

    @property
    def name(self) -> str:
        return self._registered.name if self._registered else self.port.name

    @property
    def version(self) -> str | None:
        return self._registered.version if self._registered else None

    @property
    def id(self) -> str:
        if self._registered is None:
            return self.port.path
        return f"{self._registered.name}:{self._registered.version}"

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._registered.tags) if self._registered else {}

    @property
    def description(self) -> str | None:
        return self._registered.description if self._registered else None

    def register(
        self,
        workspace: Workspace,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        create_new_version: bool = False,
    ) -> _Dataset:
        kind = "uri_file" if self.port.is_file else "uri_folder"
        made = workspace.client.data.create_or_update(
            Data(
                name=name,
                type=kind,
                path=self.port.path,
                description=description,
                tags=tags,
                properties={"lazur.v1.dataset": self.kind},
            )
        )
        return _registered(made, workspace)

    def download(self, target_path: str | None = None, overwrite: bool = False) -> list[str]:
        """Into the folder; of data that are here already, where they are."""
        folder = Path(target_path or ".")
        if self._registered is not None:
            data = self._workspace.client.data
            folder = data.download(self.name, self.version, download_path=folder)
            return sorted(os.fspath(p) for p in folder.rglob("*") if p.is_file())
        path = self.port.path
        if references.is_local(path):
            return below(path)
        store, _, inner = path.removeprefix("azureml://datastores/").partition("/paths/")
        if self._workspace is None or not inner:
            raise refused(f"download() of {path}", "Register it first.")
        return sorted(map(os.fspath, fetched(self._workspace, store, inner, folder)))

    def to_pandas_dataframe(self, **_: Any) -> Any:
        """By this script's own pandas."""
        if self._registered is None and self.port.path.startswith(("http:", "https:")):
            return read(self.port.path)
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as folder:
            frames = [read(path) for path in self.download(folder) if not is_hidden(path)]
        return together(frames)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.port.path!r})"


class FileDataset(_Dataset):
    """Files, mounted or downloaded."""


class TabularDataset(_Dataset, Table):
    """A table in files; a script reads it with what it likes."""

    kind = "tabular"

    def __init__(self, port: Port, registered: Any = None, workspace: Any = None) -> None:
        super().__init__(replace(port, table=self), registered, workspace)

    def to_mltable(self, folder: Path) -> None:
        """Its files with what says how they are read, in a folder of their own."""
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as fetched_to:
            for number, path in enumerate(self.download(fetched_to)):
                shutil.copyfile(path, folder / f"{number:05}{Path(path).suffix}")
        is_parquet = any(path.suffix == ".parquet" for path in folder.iterdir())
        how = {"read_parquet": {}} if is_parquet else {"read_delimited": {}}
        told = {"type": "mltable", "paths": [{"pattern": "./*.*"}], "transformations": [how]}
        (folder / "MLTable").write_text(yaml.safe_dump(told), "utf-8")


class _File:
    @staticmethod
    def from_files(path: Any, validate: bool = True, **more: Any) -> FileDataset:
        ignored("Dataset.File.from_files", more)
        return FileDataset(_port(path), workspace=_home(path))

    @staticmethod
    def upload_directory(src_dir: str, target: Any, pattern: Any = None, **_: Any) -> FileDataset:
        ignored("Dataset.File.upload_directory", {"target": target, "pattern": pattern},
                "data are stored by their content")  # fmt: skip
        return FileDataset(Port("data", str(Path(src_dir).absolute())))


class _Tabular:
    @staticmethod
    def from_delimited_files(path: Any, **more: Any) -> TabularDataset:
        ignored("Dataset.Tabular.from_delimited_files", more, "the script reads the files itself")
        return TabularDataset(_port(path), workspace=_home(path))

    from_parquet_files = from_delimited_files
    from_json_lines_files = from_delimited_files

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any, target: Any, name: str, *_: Any, **more: Any
    ) -> _Dataset:
        """Stored by content, as a CSV file."""
        store = target[0] if isinstance(target, tuple) else getattr(target, "datastore", target)
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as folder:
            file = Path(folder) / f"{name}.csv"
            dataframe.to_csv(file, index=False)
            made = TabularDataset(Port("data", str(file), is_file=True))
            told = {k: v for k, v in more.items() if k in ("description", "tags")}
            return made.register(store.workspace, name, create_new_version=True, **told)

    @staticmethod
    def from_sql_query(*_: Any, **__: Any) -> TabularDataset:
        raise refused("Dataset.Tabular.from_sql_query", "See `lazur data import`.")


class Dataset:
    File = _File
    Tabular = _Tabular

    @staticmethod
    def get_by_name(workspace: Workspace, name: str, version: str | int = "latest") -> _Dataset:
        wanted = None if version == "latest" else str(version)
        return _registered(workspace.client.data.get(name, wanted), workspace)

    get = get_by_name

    @staticmethod
    def get_by_id(workspace: Workspace, id: str, **_: Any) -> _Dataset:  # noqa: A002 - v1's word
        if ":" in id and "/" not in id:  # as `dataset.id` tells it
            name, version = id.partition(":")[::2]
            return Dataset.get_by_name(workspace, name, version)
        return FileDataset(Port("data", id), workspace=workspace)

    @staticmethod
    def get_all(workspace: Workspace) -> dict[str, _Dataset]:
        return {
            asset.name: _registered(asset, workspace) for asset in workspace.client.data.list()
        }


def _registered(asset: Any, workspace: Any) -> _Dataset:
    port = Port(
        asset.name, f"azureml:{asset.name}:{asset.version}", is_file=asset.type == "uri_file",
        type=asset.type if asset.type == "mltable" else None,
    )  # fmt: skip
    is_table = asset.properties.get("lazur.v1.dataset") == "tabular"
    return (TabularDataset if is_table else FileDataset)(port, asset, workspace)


def _home(path: Any) -> Any:
    """The workspace that a datastore among the paths belongs to."""
    first = path[0] if isinstance(path, (list, tuple)) and path else path
    if isinstance(first, tuple):
        first = first[0]
    return getattr(getattr(first, "datastore", first), "workspace", None)


def _port(path: Any) -> Port:
    if isinstance(path, list):
        if len(path) != 1:
            raise refused(
                "A dataset of several paths", "Name the folder that holds them, or an MLTable."
            )
        path = path[0]
    if isinstance(path, Consumed):
        return replace(path.port, is_file=_is_file(path.port.path))
    if isinstance(path, DataPath):
        path = (path.datastore, path.path_on_datastore)
    if isinstance(path, tuple):
        store, inner = path
        name = str(getattr(store, "name", store))
        pointed = _pointed(f"azureml://datastores/{name}/paths/{inner}")
        text = located(name, pointed.path.partition("/paths/")[2])
        return replace(pointed, path=text, is_file=pointed.is_file or Path(text).is_file())
    return _pointed(str(path))


def _pointed(text: str) -> Port:
    """`folder/**` is the folder."""
    parts = text.split("/")
    kept = parts
    for index, part in enumerate(parts):
        if any(sign in part for sign in _SOME):
            kept = [*parts[:index], ""]
            if part not in ("*", "**"):
                ignored("Dataset", {f"the pattern {part}": True}, "the whole folder is used")
            break
    joined = "/".join(kept)
    if references.is_local(joined):
        joined = str(Path(joined).absolute())
        return Port("data", joined, is_file=Path(joined).is_file())
    return Port("data", joined, is_file=_is_file(joined))


def _is_file(path: str) -> bool:
    last = path.rpartition("/")[2]
    return "." in last and not Path(path).is_dir()
