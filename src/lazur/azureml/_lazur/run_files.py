"""The files of runs: of this job in its folder, of all others at the server."""

from __future__ import annotations

import os
import re
import urllib.parse
from abc import abstractmethod

from . import files
from .logging import Logging, elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from .wire import Wire


API = "/api/2.0/mlflow/"
"""Of MLflow's interface, below its address."""
_UPLOADS = "/api/2.0/mlflow-artifacts/artifacts/"


class RunFiles(Logging):
    """Names are as `get_file_names()` tells them."""

    def upload_files(self, names: list[str], paths: list[str], datastore_name: Any = None) -> None:
        elsewhere("Run.upload_files", datastore_name)
        for name, path in zip(names, paths):
            self.upload_file(name, path)

    def upload_folder(self, name: str, path: str, datastore_name: Any = None) -> None:
        elsewhere("Run.upload_folder", datastore_name)
        top = path if os.path.isdir(path) else os.path.dirname(path)
        for file in files.below(path):
            self.upload_file(os.path.join(name, os.path.relpath(file, top or ".")), file)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Any = None,
        append_prefix: bool = True,
        **_: Any,
    ) -> None:
        """All that begin with the prefix, or are called so below ./outputs."""
        known, start = self.get_file_names(), prefix or ""
        if not any(name.startswith(start) for name in known):
            start = "outputs/" + start
        wanted = [name for name in known if name.startswith(start)]
        cut = len(start) - len(prefix or "") if append_prefix else start.rfind("/") + 1
        for index, name in enumerate(wanted):
            target = os.path.join(output_directory or ".", name[cut:])
            self.download_file(name, output_paths[index] if output_paths else target)

    @abstractmethod
    def get_file_names(self) -> list[str]: ...

    @abstractmethod
    def download_file(self, name: str, output_file_path: str | None = None, **_: Any) -> None: ...


class KeptFiles(RunFiles):
    """What lies in ./outputs and ./logs is kept as soon as it is there."""

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Any = None) -> None:
        elsewhere("Run.upload_file", datastore_name)
        files.copy(path_or_stream, files.place(files.kept_as(name)))

    def get_file_names(self) -> list[str]:
        return files.kept()

    def download_file(self, name: str, output_file_path: str | None = None, **_: Any) -> None:
        """Of what the run has written so far."""
        own = os.path.basename(name)
        source = os.path.join(files.home(), files.kept_as(name))
        files.copy(source, files.aim(output_file_path or own, own))


class SentFiles(RunFiles):
    """Over MLflow's interface for artifacts."""

    def __init__(self, wire: Wire, run_id: str) -> None:
        super().__init__()
        self._wire = wire
        self._run_id = run_id

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Any = None) -> None:
        elsewhere("Run.upload_file", datastore_name)
        place = _UPLOADS + urllib.parse.quote("%s/%s" % (self._store(), files.kept_as(name)))
        if hasattr(path_or_stream, "read"):
            self._top().put(place, path_or_stream.read())
            return
        with open(path_or_stream, "rb") as file:
            self._top().put(place, file)

    def get_file_names(self) -> list[str]:
        return sorted(self._listed(""))

    def download_file(self, name: str, output_file_path: str | None = None, **_: Any) -> None:
        own = os.path.basename(name)
        known = self.get_file_names()
        asked = next((one for one in (name, files.kept_as(name)) if one in known), None)
        if asked is None:
            raise FileNotFoundError("The run %s has no file %s." % (self._run_id, name))
        query = urllib.parse.urlencode({"run_id": self._run_id, "path": asked})
        target = files.aim(output_file_path or own, own)
        self._top().fetch("/get-artifact?" + query, target)

    def _listed(self, folder: str) -> Iterator[str]:
        asked = {"path": folder} if folder else {}
        found = self._wire.get("artifacts/list", run_id=self._run_id, **asked)
        for one in found.get("files", ()):
            if one.get("is_dir"):
                yield from self._listed(one["path"])
            else:
                yield str(one["path"])

    def _store(self) -> str:
        """Where its files are among those of all runs."""
        told = self._wire.get("runs/get", run_id=self._run_id)["run"]["info"]["artifact_uri"]
        return re.sub(r"^[^:]+:/+(workspaces/[^/]+/)?", "", str(told)).strip("/")

    def _top(self) -> Wire:
        return self._wire.above(API)
