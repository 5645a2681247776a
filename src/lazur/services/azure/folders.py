"""A folder on the server's disk as a container of blobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lazur.engine import paths
from lazur.errors import NotFound
from lazur.safe import Entry, SafeRoot
from lazur.services.azure.boxes import Blob, absent, check_free, possible
from lazur.services.tracking.artifacts import DRAFTS, Artifacts, Draft

_one_at_a_time = threading.Lock()
"""Whether a name is free, and taking it."""


@dataclass(frozen=True)
class Folder:
    root: Path

    def info(self, path: str) -> Blob:
        with self._holding(possible(path)) as root:
            entry = root.stat(path)
        if entry.folder:
            raise NotFound(f"{paths.shown(path)} is a folder.")
        return _blob(entry)

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        with suppress(NotFound), SafeRoot(self.root) as root:
            yield from _walk(root, prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        with self._holding(possible(path)) as root:
            size = root.stat(path).size
            return root.open(path), size

    def draft(self) -> Draft:
        return Artifacts(self.root).draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        with _one_at_a_time:
            if new:
                check_free(self, path)
            draft.publish(possible(path))
        return self.info(path)

    def delete(self, path: str) -> None:
        self.info(path)
        with self._holding(path) as root:
            root.remove(path)

    def _holding(self, path: str) -> SafeRoot:
        """Where the folder lies is nobody's business."""
        try:
            return SafeRoot(self.root)
        except NotFound:
            raise absent(path) from None


def _blob(entry: Entry) -> Blob:
    tag = f"{round(entry.modified * 1_000_000):x}-{entry.size:x}"
    return Blob(entry.path, entry.size, entry.modified, tag)


def _walk(root: SafeRoot, prefix: str, after: str, *, flat: bool) -> Iterator[Blob | str]:
    """In the order of whole names, in which a folder comes where its name with a slash does. What
    lies before `after` is not looked at."""
    top = prefix.rpartition("/")[0]
    if top:
        paths.check(top)
    todo = [_entries(root, top)]
    while todo:
        entry = next(todo[-1], None)
        if entry is None:
            todo.pop()
            continue
        name = f"{entry.path}/" if entry.folder else entry.path
        if not _is_wanted(name, prefix, after) or entry.path == DRAFTS:
            continue
        if not entry.folder:
            yield _blob(entry)
        elif flat or not name.startswith(prefix):
            todo.append(_entries(root, entry.path))
        else:
            yield name


def _is_wanted(name: str, prefix: str, after: str) -> bool:
    if not name.startswith(prefix) and not (name.endswith("/") and prefix.startswith(name)):
        return False
    return name > after or (name.endswith("/") and name != after and after.startswith(name))


def _entries(root: SafeRoot, folder: str) -> Iterator[Entry]:
    found: list[Entry] = []
    with suppress(NotFound):
        found = root.entries(folder)
    return iter(sorted(found, key=lambda one: f"{one.path}/" if one.folder else one.path))
