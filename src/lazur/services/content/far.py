"""Files in datastores elsewhere, for people to list and fetch through the server.

What is asked takes the network, so it is found in a transaction and asked for after it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, cast

from lazur.engine import paths
from lazur.engine.contracts import Datastore, Stored
from lazur.errors import LazurError, NotFound, Unavailable
from lazur.services.base.home import ARTIFACTSTORE, MOVABLE
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.content import datastores
from lazur.services.resources import resources
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath
from lazur.store import resources as store
from lazur.store.db import AnyRow

_MOST = 100_000
_TRIES = 3
"""Of a file that breaks off while it is read."""
_READ = resources.DATASTORES.action("read")


@dataclass(frozen=True)
class Far:
    """A folder, or one file of it, in a datastore."""

    store: Datastore
    path: str
    file: bool = False

    def listed(self) -> list[dict[str, Any]]:
        """By their paths in the folder; of one file, that, if it was written."""
        if self.file:
            with suppress(NotFound):
                return [_told(self.path.rpartition("/")[2], self.store.info(self.path))]
            return []
        cut = len(self.path) + 1 if self.path else 0
        found = islice(self.store.list(self.path), _MOST)
        return sorted(
            (_told(one.path[cut:], one) for one in found), key=lambda one: str(one["path"])
        )

    def opened(self, path: str) -> tuple[BinaryIO, int]:
        """One of these, and how large it is. Raises NotFound."""
        paths.check(path)
        if self.file and path != self.path.rpartition("/")[2]:
            raise NotFound(f"There is no {paths.shown(path)} here.")
        whole = self.path if self.file else f"{self.path}/{path}".lstrip("/")
        found = self.store.info(whole)
        return body(self.store, found), found.size


def body(store: Datastore, found: Stored) -> BinaryIO:
    """Opened where it is first read, and again where it broke off."""
    return cast("BinaryIO", io.BufferedReader(_Body(store, found), 1 << 20))


def is_here(context: Context, workspace_id: int, name: str) -> bool:
    """Whether the datastore lies in the server's home. Most of them may lie in its storage."""
    if name not in MOVABLE:
        return name == ARTIFACTSTORE
    row = store.by_name(context.db, resources.DATASTORES.kind, workspace_id, fold(name))
    return row is None or row.type == store.LOCAL


def at(context: Context, home: AnyRow, found: DatastorePath, *, file: bool = False) -> Far:
    """It takes the right to see the datastore, unless it is the server's own. Asks nobody yet."""
    path = found.path.strip("/")
    if path:
        paths.check(path)
    own = store.by_name(context.db, resources.DATASTORES.kind, home.id, fold(found.datastore))
    if own is not None and own.type == store.STORAGE:
        return Far(datastores.plug_of(context.site, home, own, {}), path, file)
    with context.site.context(context.who, write=False) as asking:
        _, row, values = resources.opened(
            asking, resources.DATASTORES, home.name, found.datastore, _READ
        )
    return Far(datastores.plug_of(context.site, home, row, values), path, file)


def files(fars: Iterable[tuple[str, Far]], prefix: str) -> Iterator[dict[str, Any]]:
    """Of several, each below its own path. Who asks for all that there is gets it without those of
    a store that cannot be read just now; who asks for these is told."""
    for top, far in fars:
        if f"{top}/".startswith(prefix) or prefix.startswith(f"{top}/"):
            try:
                found = far.listed()
            except LazurError:
                if prefix:
                    raise
                continue
            for one in found:
                path = f"{top}/{one['path']}"
                if path.startswith(prefix):
                    yield {**one, "path": path}


def _told(path: str, found: Stored) -> dict[str, Any]:
    modified = iso(found.modified) if found.modified else None
    return {"path": path, "size": found.size, "modified": modified}


class _Body(io.RawIOBase):
    def __init__(self, store: Datastore, found: Stored) -> None:
        super().__init__()
        self._store, self._found = store, found
        self._file: BinaryIO | None = None
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        if whence == io.SEEK_END:
            offset += self._found.size
        if offset != self._at:
            self._drop()
        self._at = offset
        return offset

    def readinto(self, buffer: Any) -> int:
        for number in range(_TRIES):
            try:
                return self._read(buffer)
            except Unavailable:
                self._drop()
                time.sleep(0.2 * 2**number)
        return self._read(buffer)

    def _read(self, buffer: Any) -> int:
        if self._file is None:
            self._file = self._store.open(self._found.path, self._at, self._found.version)
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
