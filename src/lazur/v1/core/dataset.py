"""Datasets: files and tables, as paths."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lazur.azureml._lazur import delimited
from lazur.azureml._lazur.files import divided
from lazur.azureml._lazur.models import number
from lazur.azureml._lazur.sources import Mounted, Web
from lazur.azureml._lazur.tables import Table, is_hidden, read, together
from lazur.sdk.entities import Data
from lazur.spec import references
from lazur.v1.core import staging
from lazur.v1.core.datastore import Listed
from lazur.v1.core.places import Consumed, DataPath, Port, located
from lazur.v1.told import ignored, refused

if TYPE_CHECKING:
    from lazur.v1.core.workspace import Workspace

_WEB = ("http://", "https://")


class _Dataset(Consumed):
    """What files and tables have in common."""

    kind = "file"

    def __init__(
        self,
        port: Port,
        registered: Any = None,
        workspace: Any = None,
        told: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(port)
        self._registered = registered
        self._workspace = workspace
        self.told = told or {}
        """How its files are read."""

    @classmethod
    def _of(cls, port: Port) -> Consumed:
        return Consumed(port)

    @property
    def name(self) -> str:
        if self._registered is None:
            return self.port.name
        return delimited.shown(self._registered.to_dict())

    @property
    def version(self) -> Any:
        return number(self._registered.version) if self._registered else None

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
        how = {delimited.PROPERTY: json.dumps(self.told)} if self.told else {}
        how |= {delimited.NAME: name} if delimited.asset(name) != name else {}
        made = workspace.client.data.create_or_update(
            Data(
                name=delimited.asset(name),
                type=kind,
                path=self.port.path,
                description=description,
                tags=tags,
                properties={delimited.KIND: self.kind, **how},
            )
        )
        return _registered(made, workspace)

    def download(self, target_path: str | None = None, overwrite: bool = False) -> list[str]:
        """Into the folder, or one of its own."""
        folder = Path(target_path or tempfile.mkdtemp(prefix="dataset-"))
        folder.mkdir(parents=True, exist_ok=True)
        if references.is_local(self.port.path):
            return staging.copied(Path(self.port.path), folder)
        return self._fetched(folder)

    def mount(self, mount_point: str | None = None, **_: Any) -> Mounted:
        return Mounted(self, mount_point)

    def to_path(self) -> list[str]:
        """Relative to the whole, as v1 has it."""
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as folder:
            return [f"/{Path(path).relative_to(folder)}" for path in self.download(folder)]

    def to_pandas_dataframe(self, **_: Any) -> Any:
        """By this script's own pandas."""
        path = self.port.path
        if self._registered is None and (references.is_local(path) or path.startswith(_WEB)):
            return read(path, self.told)
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as folder:
            found = self._fetched(Path(folder))
            if str(Path(folder) / "MLTable") in found:
                return read(folder)
            frames = [read(file, self.told) for file in found if not is_hidden(file)]
            return together(frames)

    def _fetched(self, folder: Path) -> list[str]:
        path = self.port.path
        if self._registered is not None:
            place = ("data", self._registered.name, "versions", str(self.version), "files")
            return _texts(Listed(self._workspace, *place).fetch(folder))
        if path.startswith(_WEB):
            return Web(path).into(str(folder))
        store, _, inner = path.removeprefix("azureml://datastores/").partition("/paths/")
        if self._workspace is None:
            raise refused(f"download() of {path}", "Name the datastore by Datastore.get(ws, …).")
        files = Listed(self._workspace, "datastores", store, "files")
        return _texts(files.fetch(folder, inner, self.port.pattern))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.port.path!r})"


class FileDataset(_Dataset):
    """Files, mounted or downloaded."""


class TabularDataset(_Dataset, Table):
    """A table in files; a script reads it with what it likes."""

    kind = "tabular"

    def __init__(self, port: Port, *more: Any, **named: Any) -> None:
        super().__init__(replace(port, table=self), *more, **named)

    def _then(self, change: Callable[[Any], Any]) -> Part:
        return Part(lambda: change(self.to_pandas_dataframe()))

    def to_mltable(self, folder: Path) -> None:
        """Its files with what says how they are read, in a folder of their own."""
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory(prefix="lazur-v1-") as fetched_to:
            for index, path in enumerate(self.download(fetched_to)):
                shutil.copyfile(path, folder / f"{index:05}{Path(path).suffix}")
        form = self.told.get("format")
        is_parquet = any(path.suffix == ".parquet" for path in folder.iterdir())
        if form == "json_lines":
            how: dict[str, Any] = {"read_json_lines": {}}
        elif form == "parquet" or is_parquet:
            how = {"read_parquet": {}}
        else:
            how = {"read_delimited": delimited.as_mltable(self.told)}
        told = {"type": "mltable", "paths": [{"pattern": "./*.*"}], "transformations": [how]}
        (folder / "MLTable").write_text(yaml.safe_dump(told), "utf-8")


class Part(Table):
    """Rows or columns of a table: a file of its own as soon as a job is to have it."""

    def as_named_input(self, name: str) -> Consumed:
        return self._stored().as_named_input(name)

    def register(self, *given: Any, **named: Any) -> _Dataset:
        return self._stored().register(*given, **named)

    def _then(self, change: Callable[[Any], Any]) -> Part:
        return Part(lambda: change(self.to_pandas_dataframe()))

    def _stored(self) -> TabularDataset:
        file = staging.folder() / "part.csv"
        self.to_pandas_dataframe().to_csv(file, index=False)
        return TabularDataset(Port("data", str(file), is_file=True))


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
    def from_delimited_files(path: Any, validate: bool = True, **more: Any) -> TabularDataset:
        told = delimited.remembered("Dataset.Tabular.from_delimited_files", more)
        return TabularDataset(_port(path), workspace=_home(path), told=told)

    @staticmethod
    def from_parquet_files(path: Any, validate: bool = True, **more: Any) -> TabularDataset:
        told = delimited.remembered("Dataset.Tabular.from_parquet_files", more)
        told["format"] = "parquet"
        return TabularDataset(_port(path), workspace=_home(path), told=told)

    @staticmethod
    def from_json_lines_files(path: Any, validate: bool = True, **more: Any) -> TabularDataset:
        told = delimited.remembered("Dataset.Tabular.from_json_lines_files", more)
        told["format"] = "json_lines"
        return TabularDataset(_port(path), workspace=_home(path), told=told)

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
    Scenario = delimited.Scenario

    @staticmethod
    def get_by_name(workspace: Workspace, name: str, version: str | int = "latest") -> _Dataset:
        wanted = None if version == "latest" else str(version)
        return _registered(workspace.client.data.get(delimited.asset(name), wanted), workspace)

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
            delimited.shown(asset.to_dict()): _registered(asset, workspace)
            for asset in workspace.client.data.list()
        }


def _registered(asset: Any, workspace: Any) -> _Dataset:
    is_mltable = asset.type == "mltable"
    port = Port(
        asset.name, f"azureml:{asset.name}:{asset.version}", is_file=asset.type == "uri_file",
        type="mltable" if is_mltable else None,
    )  # fmt: skip
    is_table = is_mltable or asset.properties.get(delimited.KIND) == "tabular"
    told = delimited.loaded(asset.properties.get(delimited.PROPERTY))
    return (TabularDataset if is_table else FileDataset)(port, asset, workspace, told)


def _home(path: Any) -> Any:
    """The workspace that a datastore among the paths belongs to."""
    first = path[0] if isinstance(path, (list, tuple)) and path else path
    if isinstance(first, tuple):
        first = first[0]
    return getattr(getattr(first, "datastore", first), "workspace", None)


def _port(path: Any) -> Port:
    if isinstance(path, list):
        return _port(path[0]) if len(path) == 1 else _together(path)
    if isinstance(path, Consumed):
        return replace(path.port, is_file=_is_file(path.port.path))
    if isinstance(path, DataPath):
        path = (path.datastore, path.path_on_datastore)
    if isinstance(path, tuple):
        store, inner = path
        top, pattern = divided(inner)
        return _chosen(located(str(getattr(store, "name", store)), top), pattern)
    text = str(path)
    return _chosen(*((text, "") if Path(text).exists() else divided(text)))


def _chosen(path: str, pattern: str) -> Port:
    """`folder/**` is the folder; what fits another pattern has one of its own, if it is here."""
    is_whole = pattern in ("", "*", "**")
    path = path or "."
    if references.is_local(path):
        here = Path(path).absolute()
        found = here if is_whole else staging.chosen(here, pattern)
        return Port("data", str(found), is_file=found.is_file())
    if is_whole:
        return Port("data", f"{path}/" if pattern else path, is_file=_is_file(path))
    ignored("Dataset", {f"the pattern {pattern}": True}, "a job gets the whole folder")
    return Port("data", f"{path}/", pattern=pattern)


def _together(paths: list[Any]) -> Port:
    """Of files that are here and in the web, a folder with all of them."""
    folder = staging.folder()
    for index, path in enumerate(paths):
        found = _port(path).path
        if found.startswith("azureml:"):
            raise refused(
                "A dataset of several paths in datastores",
                "Name the folder that holds them, or an MLTable.",
            )
        own = folder / str(index)
        own.mkdir()
        if found.startswith(_WEB):
            Web(found).into(str(own))
        else:
            staging.copied(Path(found), own)
        for file in own.iterdir():
            if not (folder / file.name).exists():
                file.replace(folder / file.name)
        if not any(own.iterdir()):
            own.rmdir()
    return Port("data", str(folder))


def _is_file(path: str) -> bool:
    last = path.rpartition("/")[2]
    return "." in last and not Path(path).is_dir()


def _texts(paths: list[Path]) -> list[str]:
    return [os.fspath(path) for path in paths]
