"""Files wherever they are: this machine's with the standard library, all others with fsspec."""

from __future__ import annotations

import os
import re
import shutil
from typing import Any, BinaryIO, Dict, List, Optional, Tuple, cast

from . import _server, _web
from ._errors import MLTableError
from ._optional import need
from ._patterns import MAGIC, compiled
from ._resolving import Resolver, resolve

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}\S")
_PACKAGES = {
    "abfs": "adlfs",
    "abfss": "adlfs",
    "adl": "adlfs",
    "az": "adlfs",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
}


def is_remote(path: str) -> bool:
    return bool(_REMOTE.match(path)) and not path.startswith("file://")


class Storage:
    """Opens and lists files. `resolver` is asked before the process-wide one."""

    def __init__(
        self, options: Optional[Dict[str, Any]] = None, resolver: Optional[Resolver] = None
    ) -> None:
        self._options = options or {}
        self._resolver = resolver

    def open(self, path: str) -> BinaryIO:
        actual = self._actual(path)
        if is_remote(actual):
            system, name = self._system(actual)
            return cast("BinaryIO", system.open(name, "rb"))
        try:
            return open(actual, "rb")
        except FileNotFoundError:
            advice = " Wildcards are for `pattern`." if MAGIC.search(path) else ""
            raise MLTableError(f"There is no file {path}.{advice}") from None
        except IsADirectoryError:
            raise MLTableError(f"{path} is a folder, not a file.") from None

    def is_folder(self, path: str) -> bool:
        actual = self._actual(path)
        if is_remote(actual):
            system, name = self._system(actual)
            return bool(system.isdir(name))
        return os.path.isdir(actual)

    def exists(self, path: str) -> bool:
        actual = self._actual(path)
        if is_remote(actual):
            system, name = self._system(actual)
            return bool(system.exists(name))
        return os.path.exists(actual)

    def walk(self, folder: str) -> List[str]:
        """Every file below a folder, sorted."""
        actual = self._actual(folder)
        if is_remote(actual):
            system, name = self._system(actual)
            return sorted(system.unstrip_protocol(found) for found in system.find(name))
        if not os.path.isdir(actual):
            raise MLTableError(f"There is no folder {folder}.")
        found = [
            os.path.join(parent, name)
            for parent, _, names in os.walk(actual, followlinks=True)
            for name in names
        ]
        return sorted(found)

    def glob(self, pattern: str) -> List[str]:
        """Every file that fits; `**` is any number of folders."""
        actual = self._actual(pattern)
        if is_remote(actual):
            system, name = self._system(actual)
            found = system.glob(name, detail=True)
            return sorted(
                system.unstrip_protocol(path)
                for path, about in found.items()
                if about.get("type") != "directory"
            )
        return _glob(actual)

    def write(self, path: str, data: bytes) -> None:
        actual = self._actual(path)
        if is_remote(actual):
            system, name = self._system(actual)
            with system.open(name, "wb") as stream:
                stream.write(data)
            return
        os.makedirs(os.path.dirname(actual) or ".", exist_ok=True)
        with open(actual, "wb") as stream:
            stream.write(data)

    def copy(self, source: str, path: str) -> None:
        actual = self._actual(path)
        if is_remote(actual):
            system, name = self._system(actual)
            with self.open(source) as read, system.open(name, "wb") as stream:
                shutil.copyfileobj(read, stream, 1 << 20)
            return
        os.makedirs(os.path.dirname(actual) or ".", exist_ok=True)
        with self.open(source) as read, open(actual, "wb") as stream:
            shutil.copyfileobj(read, stream, 1 << 20)

    def remove(self, path: str) -> None:
        actual = self._actual(path)
        if is_remote(actual):
            system, name = self._system(actual)
            system.rm(name)
        else:
            os.remove(actual)

    def _actual(self, path: str) -> str:
        return resolve(self._resolver(path) if self._resolver else path)

    def _system(self, uri: str) -> Tuple[Any, str]:
        if _server.has(uri):
            return _server.Server(), uri[len(_server.SCHEME) :]
        scheme = uri.split(":", 1)[0].lower()
        if scheme in ("http", "https") and not self._options and _web.is_all_there_is():
            return _web.Web(), uri
        core = need("fsspec.core", f"Reading {uri}")
        try:
            return core.url_to_fs(uri, **self._options)
        except (ImportError, ValueError) as error:
            package = _PACKAGES.get(scheme, "")
            advice = f" It needs: pip install {package}" if package else ""
            why = str(error).rstrip(".")
            raise MLTableError(f"{uri} cannot be read here: {why}.{advice}") from None


def _glob(pattern: str) -> List[str]:
    """Of the folder in front of the first wildcard, the files that fit."""
    start = MAGIC.search(pattern)
    if start is None:
        return [pattern] if os.path.isfile(pattern) else []
    root = os.path.dirname(pattern[: start.start()]) or "."
    parts = pattern[len(root) if root != "." or pattern.startswith("./") else 0 :]
    wanted = [part for part in parts.split("/") if part]
    fits = compiled(wanted)
    found: List[str] = []
    for parent, folders, names in os.walk(root, followlinks=True):
        inside = os.path.relpath(parent, root)
        depth = 0 if inside == "." else inside.count(os.sep) + 1
        if "**" not in wanted and depth + 1 >= len(wanted):
            folders.clear()
        for name in names:
            path = name if inside == "." else f"{inside}/{name}"
            if fits.fullmatch(path):
                found.append(os.path.join(root, path))
    return sorted(found)
