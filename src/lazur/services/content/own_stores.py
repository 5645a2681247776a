"""Datastores of workspaces that lie in the server's own object store: all of their files, to be
taken elsewhere."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from lazur.datastores._within import Within
from lazur.engine.contracts import Datastore, Stored
from lazur.errors import Conflict, LazurError, NotFound, Unavailable
from lazur.services.base.stores import Storage
from lazur.services.content.far import body
from lazur.store import homecoming
from lazur.store.db import Database

_SMALL = 1 << 20
_AT_ONCE = 64
_THREADS = 16
_TRIES = 5


@dataclass(frozen=True)
class Own:
    workspace_id: int
    workspace: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.workspace}"

    def opened(self, storage: Storage) -> Within:
        """Asks nobody yet."""
        return Within(storage.datastore(), storage.folder(self.workspace_id, self.name))


def find(db: Database, workspace_id: int | None = None) -> list[Own]:
    with db.read() as connection:
        rows = homecoming.in_storage(connection)
    found = [Own(row.workspace_id, row.workspace, row.name) for row in rows]
    return [own for own in found if workspace_id in (None, own.workspace_id)]


def files(store: Datastore, listed: Iterator[Stored]) -> Iterator[tuple[Stored, BinaryIO]]:
    """Of those that are still there, with their bytes, from the beginning: small ones many at
    once, since each waits for the network alone. Whoever gets a file closes it."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="files") as pool:
        while batch := list(islice(listed, _AT_ONCE)):
            for found in pool.map(partial(_opened, store), batch):
                if found is not None:
                    yield found


def _opened(store: Datastore, item: Stored) -> tuple[Stored, BinaryIO] | None:
    if item.size > _SMALL:
        return item, body(store, item)
    for number in range(_TRIES):
        try:
            with store.open(item.path, 0, item.version) as file:
                return item, io.BytesIO(file.read())
        except NotFound:
            return None
        except Conflict:  # written anew since it was listed
            item = store.info(item.path)
        except Unavailable as error:
            _wait(number, error)
    raise Unavailable(f"{item.path} could not be read.")


def _wait(number: int, error: LazurError) -> None:
    if number == _TRIES - 1:
        raise error
    time.sleep(0.5 * 2**number)
