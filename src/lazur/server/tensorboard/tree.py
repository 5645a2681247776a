"""All the files that TensorBoard has: event files of the runs on its board.

It takes the place of TensorBoard's access to the machine's files, so there is no path, whatever a
plugin makes of what a job wrote, that leads to anything else. Each file is opened by SafeRoot at
each read: links that a job made, or puts in place of a folder meanwhile, lead nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import google_crc32c
from tensorboard.compat.tensorflow_stub import errors, pywrap_tensorflow
from tensorboard.compat.tensorflow_stub.io import gfile

from lazur.errors import LazurError
from lazur.safe import Entry, SafeRoot

_EVENTS = "tfevents"
"""In the name of every event file; TensorBoard looks for no more either."""


@dataclass(frozen=True)
class Mount:
    """At `path` lies what is at `inside` beneath `root`."""

    path: str
    root: str
    inside: str


class Tree:
    """What TensorBoard calls a file system: of its methods, those that reading takes. Mounts may
    lie within mounts."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self._mounts = sorted(mounts, key=lambda mount: len(mount.path), reverse=True)

    def exists(self, filename: str | bytes) -> bool:
        return self.isdir(filename) or self._file(_plain(filename)) is not None

    def isdir(self, dirname: str | bytes) -> bool:
        path = _plain(dirname)
        return any(True for _ in self._below(path)) or self._is_folder(path)

    def listdir(self, dirname: str | bytes) -> list[str]:
        path = _plain(dirname)
        names = set(self._below(path))
        with suppress(errors.NotFoundError) if names else nullcontext():
            names |= set(self._names(path))
        return sorted(names)

    def glob(self, _filename: str | bytes | Sequence[str]) -> list[str]:
        """TensorBoard walks through what is no cloud."""
        return []

    def join(self, path: str, *paths: str) -> str:
        return os.path.join(path, *paths)  # noqa: PTH118 - of TensorBoard's own paths

    def stat(self, filename: str | bytes) -> gfile.StatData:
        path = _plain(filename)
        if (entry := self._file(path)) is None:
            raise _absent(path)
        return gfile.StatData(entry.size)

    def read(
        self,
        filename: str | bytes,
        binary_mode: bool = False,
        size: int | None = None,
        continue_from: dict[str, int] | None = None,
    ) -> tuple[bytes | str, dict[str, int]]:
        """At most what is there, whatever length a record claims to have."""
        path = _plain(filename)
        at = self._place(path)
        if at is None or not _is_events(path):
            raise _absent(path)
        offset = (continue_from or {}).get("opaque_offset", 0)
        with _their_errors(path), SafeRoot(at[0]) as root, root.open(at[1]) as file:
            left = max(0, os.fstat(file.fileno()).st_size - offset)
            file.seek(offset)
            data = file.read(left if size is None else min(size, left))
        token = {"opaque_offset": offset + len(data)}
        return data if binary_mode else data.decode("utf-8", "replace"), token

    def _below(self, path: str) -> Iterator[str]:
        """The next component on the way from `path` to each mount beneath it."""
        beginning = path + "/" if path else ""
        for mount in self._mounts:
            if mount.path.startswith(beginning) and mount.path != path:
                yield mount.path[len(beginning) :].split("/")[0]

    def _names(self, path: str) -> Iterator[str]:
        """Of folders and event files in the folder that is mounted here."""
        if (at := self._place(path)) is None:
            raise _absent(path)
        with _their_errors(path), SafeRoot(at[0]) as root:
            for entry in root.entries(at[1]):
                if entry.folder or _is_events(entry.path):
                    yield PurePosixPath(entry.path).name

    def _place(self, path: str) -> tuple[str, str] | None:
        for mount in self._mounts:
            if path == mount.path or path.startswith(mount.path + "/"):
                return mount.root, mount.inside + path[len(mount.path) :]
        return None

    def _is_folder(self, path: str) -> bool:
        entry = self._stat(path)
        return entry is not None and entry.folder

    def _file(self, path: str) -> Entry | None:
        entry = self._stat(path) if _is_events(path) else None
        return entry if entry is not None and not entry.folder else None

    def _stat(self, path: str) -> Entry | None:
        if (at := self._place(path)) is None:
            return None
        try:
            with SafeRoot(at[0]) as root:
                return root.stat(at[1])
        except (LazurError, OSError):
            return None


def take_over(mounts: Sequence[Mount]) -> None:
    """From now on TensorBoard has these files, and no others."""
    gfile._REGISTERED_FILESYSTEMS.clear()
    gfile.FSSPEC_ENABLED = False
    gfile.register_filesystem("", Tree(mounts))
    pywrap_tensorflow.crc32c = google_crc32c.value  # theirs computes each byte in Python


def _is_events(path: str) -> bool:
    return _EVENTS in PurePosixPath(path).name


def _plain(path: str | bytes) -> str:
    return (path.decode() if isinstance(path, bytes) else path).strip("/")


@contextmanager
def _their_errors(path: str) -> Iterator[None]:
    """What cannot be read is not there: one bad folder hides no other run."""
    try:
        yield
    except (LazurError, OSError) as error:
        raise _absent(path) from error


def _absent(path: str) -> Any:
    return errors.NotFoundError(None, None, f"There is no {path}")
