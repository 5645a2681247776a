"""A folder of a datastore, as a datastore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from lazur.engine import paths
from lazur.engine.contracts import Datastore, Stored, Writes
from lazur.errors import Invalid


class Within(Datastore, Writes):
    """Nothing outside of the folder can be named: paths are checked, and have no way up."""

    def __init__(self, store: Datastore, folder: str) -> None:
        super().__init__(store.settings, store.credentials, rule=store.rule, ambient=store.ambient)
        if not isinstance(store, Writes):
            raise Invalid("This datastore takes no files.")
        self._store, self._writes = store, store
        self._folder = f"{folder}/"

    def list(self, prefix: str = "") -> Iterator[Stored]:
        for found in self._store.list(self._at(prefix) if prefix else self._folder[:-1]):
            yield self._told(found)

    def info(self, path: str) -> Stored:
        return self._told(self._store.info(self._at(path)))

    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        return self._store.open(self._at(path), offset, version)

    def check(self) -> None:
        self._store.check()

    def put(self, path: str, chunks: Iterator[bytes], size: int) -> Stored:
        return self._told(self._writes.put(self._at(path), chunks, size))

    def delete(self, path: str) -> None:
        self._writes.delete(self._at(path))

    def _at(self, path: str) -> str:
        paths.check(path)
        return f"{self._folder}{path}"

    def _told(self, found: Stored) -> Stored:
        return replace(found, path=found.path.removeprefix(self._folder))
