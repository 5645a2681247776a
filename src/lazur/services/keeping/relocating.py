"""Files of datastores that lie in the server's own object store, taken to another one or into the
home. It may be broken off and repeated: what is there already is not sent again."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

from lazur.datastores.local import DRAFTS, Local
from lazur.engine.contracts import Datastore, Stored, Writes
from lazur.errors import Conflict, Invalid, NotFound, Unavailable
from lazur.services.base.home import Home
from lazur.services.base.stores import Storage
from lazur.services.content.far import body
from lazur.services.content.own_stores import Own

JOURNAL = "moving.journal"
_CHUNK = 1 << 20
_THREADS = 8
_AT_ONCE = 1000
_TRIES = 4


def move(home: Home, owns: list[Own], source: Storage, target: Storage | None) -> tuple[int, int]:
    """How many files there are, and how many were sent. None: into the home. Whoever calls says
    so in the database, and then `forget`s how far it was."""
    count = sent = 0
    there = target.uri if target is not None else "home"
    with _Journal(home.path / JOURNAL, [source.uri, there]) as journal:
        for own in owns:
            copying = _Copying(own, own.opened(source), _target(home, own, target), journal)
            for done in copying.all():
                count += 1
                sent += done
    return count, sent


def forget(home: Home, owns: list[Own]) -> None:
    (home.path / JOURNAL).unlink(missing_ok=True)
    for own in owns:
        drafts = home.datastore(own.workspace, own.name) / DRAFTS
        if drafts.is_dir() and not drafts.is_symlink():
            shutil.rmtree(drafts)


def _target(home: Home, own: Own, target: Storage | None) -> Datastore:
    if target is not None:
        return own.opened(target)
    folder = home.datastore(own.workspace, own.name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Local({"path": str(folder)})


class _Copying:
    def __init__(self, own: Own, source: Datastore, target: Datastore, journal: _Journal) -> None:
        if not isinstance(target, Writes):
            raise Invalid("The new place takes no files.")
        self._own, self._source, self._target, self._writes = own, source, target, target
        self._journal = journal

    def all(self) -> Iterator[bool]:
        """Of each file, whether it was sent."""
        left = self._source.list()
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="moving") as pool:
            while batch := list(islice(left, _AT_ONCE)):
                yield from pool.map(self._one, batch)

    def _one(self, item: Stored) -> bool:
        key = [self._own.workspace_id, self._own.name, item.path, item.version]
        if self._journal.has(key) and self._is_there(item):
            return False
        for number in range(_TRIES):
            try:
                self._send(item)
                break
            except (Unavailable, Conflict):  # of a file that was written anew since
                if number == _TRIES - 1:
                    raise
                time.sleep(0.5 * 2**number)
                item = self._source.info(item.path)
        self._journal.note(key)
        return True

    def _is_there(self, item: Stored) -> bool:
        with suppress(NotFound):
            return self._target.info(item.path).size == item.size
        return False

    def _send(self, item: Stored) -> None:
        with body(self._source, item) as file:
            self._writes.put(item.path, iter(lambda: file.read(_CHUNK), b""), item.size)


class _Journal:
    """A line for each file that is there, of one move from one place to another."""

    def __init__(self, path: Path, ends: list[str]) -> None:
        self._path, self._ends = path, ends
        self._known = set[str]()
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        if lines[:1] == [json.dumps(self._ends)]:
            self._known = set(lines)
            self._file = self._path.open("ab")
            self._file.write(b"\n")  # after a line that was torn by a kill
        else:
            self._file = self._path.open("wb")
            self._file.write(json.dumps(self._ends).encode() + b"\n")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def has(self, key: Sequence[int | str]) -> bool:
        return json.dumps(key) in self._known

    def note(self, key: Sequence[int | str]) -> None:
        assert self._file is not None
        with self._lock:
            self._file.write(json.dumps(key).encode() + b"\n")
            self._file.flush()
