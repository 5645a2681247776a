"""What is written beside the blobs in a store without times of access: who relies on which, and
which are about to go.

Whoever is about to say that a blob is there writes a note first, and then looks at what is going;
whoever deletes says what is going first, and looks at the notes then. Of two who meet, at least
one sees the other: the store shows at once what was written. Nobody waits, and no clock is asked
but the store's own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lazur.engine.contracts import Datastore, Stored, Writes
from lazur.engine.tree import is_digest
from lazur.errors import NotFound

USED, GOING = "used", "going"
_BYTES = 32
_LINE = re.compile(r"[0-9a-f]{64}/[0-9a-f]+")


class Marks:
    def __init__(self, store: Datastore, prefix: str) -> None:
        assert isinstance(store, Writes)
        self._store, self._writes = store, store
        self._prefix = prefix
        self._read: dict[str, frozenset[str]] = {}
        """Notes never change, so each is read once."""

    def note(self, digests: Iterable[str]) -> None:
        """Somebody relies on these from now on."""
        self._put(USED, b"".join(bytes.fromhex(digest) for digest in digests))

    def used(self, since: float) -> frozenset[str]:
        """Digests that were noted since then."""
        notes = [note for note in self._list(USED) if note.modified >= since]
        read = {note.path: self._read.get(note.path) or self._digests(note) for note in notes}
        self._read = read
        return frozenset[str]().union(*read.values())

    @contextmanager
    def going(self, generations: Iterable[str]) -> Iterator[None]:
        """Nobody relies on these while it lasts. Where it is broken off nobody does for a day, and
        they are sent anew where they are needed."""
        path = self._put(GOING, "\n".join(generations).encode())
        yield
        self._writes.delete(path)

    def gone(self) -> frozenset[str]:
        """What is going just now, by anybody's hand."""
        texts = [self._content(mark).decode() for mark in self._list(GOING)]
        return frozenset(line for text in texts for line in text.split() if _LINE.fullmatch(line))

    def sweep(self, used_before: float, going_before: float) -> int:
        """Forget notes and marks older than that."""
        old = [note.path for note in self._list(USED) if note.modified < used_before]
        old += [mark.path for mark in self._list(GOING) if mark.modified < going_before]
        for path in old:
            self._writes.delete(path)
        return len(old)

    def _put(self, folder: str, data: bytes) -> str:
        path = f"{self._prefix}{folder}/{uuid.uuid4().hex}"
        self._writes.put(path, iter([data]), len(data))
        return path

    def _list(self, folder: str) -> Iterator[Stored]:
        return self._store.list(f"{self._prefix}{folder}")

    def _digests(self, note: Stored) -> frozenset[str]:
        text = self._content(note).hex()
        parts = (text[at : at + 2 * _BYTES] for at in range(0, len(text), 2 * _BYTES))
        return frozenset(filter(is_digest, parts))

    def _content(self, found: Stored) -> bytes:
        try:
            with self._store.open(found.path) as file:
                return file.read()
        except NotFound:  # somebody was done with it
            return b""
