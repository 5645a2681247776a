"""Where the files of a dataset are: here, in the web, or at the server."""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod

from . import files
from .wire import written
from .workspace_wire import Room, inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECONDS = 60


class Source(ABC):
    """Files by their names, relative to the folder that was asked for."""

    @abstractmethod
    def names(self) -> list[str]: ...

    @abstractmethod
    def copy(self, name: str, target: str) -> None: ...

    @abstractmethod
    def ready(self) -> list[str]:
        """Paths that can be read, without a copy of what needs none."""

    def into(self, folder: str) -> list[str]:
        made = []
        for name in self.names():
            target = inside(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self.copy(name, target)
            made.append(target)
        return made


class Here(Source):
    def __init__(self, path: str, pattern: str = "") -> None:
        self._top, self._pattern = path, pattern

    def names(self) -> list[str]:
        top = self._folder()
        found = [os.path.relpath(path, top) for path in files.below(self._top or ".")]
        told = [name.replace(os.sep, "/") for name in found]
        return [name for name in told if files.fits(name, self._pattern)]

    def copy(self, name: str, target: str) -> None:
        files.copy(os.path.join(self._folder(), name), target)

    def ready(self) -> list[str]:
        return [os.path.join(self._folder(), name) for name in self.names()]

    def _folder(self) -> str:
        return os.path.dirname(self._top) if os.path.isfile(self._top) else self._top or "."


class Web(Source):
    def __init__(self, address: str) -> None:
        self._address = address

    def names(self) -> list[str]:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self._address).path)
        return [posixpath.basename(path) or "index"]

    def copy(self, name: str, target: str) -> None:
        with urllib.request.urlopen(self._address, timeout=_SECONDS) as answer:
            written(answer, target)

    def ready(self) -> list[str]:
        return [self._address]


class Stored(Source):
    """At the server, fetched once to be read."""

    def __init__(self, place: str, path: str = "") -> None:
        self._place = place
        self._top, self._pattern = files.divided(path.strip("/"))
        self._known: dict[str, str] | None = None
        self._folder: Any = None
        self._fetched: list[str] = []

    def names(self) -> list[str]:
        return list(self._paths())

    def copy(self, name: str, target: str) -> None:
        Room().fetch(self._place, self._paths()[name], target)

    def ready(self) -> list[str]:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="dataset-")
            self._fetched = self.into(self._folder.name)
        return self._fetched

    def _paths(self) -> dict[str, str]:
        """By the names."""
        if self._known is None:
            found = {self._name(path): path for path in Room().files(self._place, self._top)}
            fitting = {n: path for n, path in found.items() if files.fits(n, self._pattern)}
            self._known = fitting
        return self._known

    def _name(self, path: str) -> str:
        if path == self._top:
            return posixpath.basename(path)
        return path[len(self._top) + 1 :] if self._top else path


class Mounted:
    """A folder with a dataset's files, which were fetched there."""

    def __init__(self, dataset: Any, mount_point: str | None) -> None:
        self._dataset = dataset
        self._own = mount_point is None
        self.mount_point = mount_point or tempfile.mkdtemp(prefix="dataset-")

    def start(self) -> Mounted:
        self._dataset.download(self.mount_point)
        return self

    def stop(self) -> None:
        if self._own:
            shutil.rmtree(self.mount_point, ignore_errors=True)

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def of_path(path: str) -> Source:
    if path.startswith(("http://", "https://")):
        return Web(path)
    here = path[7:] if path.startswith("file://") else path
    return Here(here) if os.path.exists(here) else Here(*files.divided(here))
