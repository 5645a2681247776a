"""Large blobs come in blocks, and then a list of these."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from lazur.errors import Invalid, NotFound
from lazur.safe import SafeRoot
from lazur.services.azure import staging
from lazur.services.base.home import Home
from lazur.services.content.stored import Waiting
from lazur.spec.names import fold

_DONE = "done"
"""Beside blocks, whose names are hashes."""
_MOMENT = 2.0


class Turn:
    """One at a time."""

    def __init__(self) -> None:
        self.lock = Lock()


_turns: WeakValueDictionary[Path, Turn] = WeakValueDictionary()
_taking = Lock()


class Blocks:
    """Of one blob, until their list comes; then, for a day, only that it has come: putting large
    blobs together may outlast the patience of clients, which then say the same list once more."""

    def __init__(self, home: Home, account: str, who: str, container: str, path: str) -> None:
        """Each person's own: two who send one blob do not mix their blocks."""
        self._top = staging.blocks(home)
        self._room, self._person = _short(fold(account)), _short(who)
        key = _hashed(f"{container}/{path}")
        self._folder = self._top / f"{self._room}-{self._person}-{key}"

    @contextmanager
    def turn(self) -> Generator[None]:
        """Of those who put the same blob together."""
        with _taking:
            turn = _turns.setdefault(self._folder, Turn())
        with turn.lock:
            yield

    def open(self, number: str) -> tuple[int, str]:
        """A descriptor, and what to keep it by: nothing reads it before."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = f"{self._name(number)}.{staging.fresh()}"
        with SafeRoot(self._folder) as root:
            return root.descriptor(draft, "xb"), draft

    def keep(self, draft: str) -> None:
        with SafeRoot(self._folder) as root:
            root.rename(draft, draft.partition(".")[0])
            size = root.stat(draft.partition(".")[0]).size
        os.utime(self._folder)
        _waiting.add(self._top, (self._room, self._person), size)

    def waiting(self) -> Waiting:
        """All blocks of the workspace whose list has not come, of this blob and of others."""
        return _waiting.of(self._top, self._room, self._person)

    def discard(self, draft: str) -> None:
        with suppress(NotFound), SafeRoot(self._folder) as root:
            root.remove(draft)

    def size(self, numbers: Sequence[str]) -> int:
        """Raises Invalid where one has not come."""
        try:
            with SafeRoot(self._folder) as root:
                return sum(root.stat(self._name(number)).size for number in numbers)
        except NotFound:
            raise Invalid("The list names blocks that were not put.") from None

    def pieces(self, numbers: Sequence[str], size: int) -> Iterator[bytes]:
        with SafeRoot(self._folder) as root:
            for number in numbers:
                with root.open(self._name(number)) as file:
                    while piece := file.read(size):
                        yield piece

    def finish(self, numbers: Sequence[str], tag: str) -> None:
        """They have become the blob with this tag, and are not needed any more."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / _DONE).write_text(f"{self._digest(numbers)} {tag}", encoding="utf-8")
        _waiting.forget(self._top)

    def finished(self, numbers: Sequence[str]) -> str | None:
        """The tag of the blob that the very same list became, where nothing came since."""
        try:
            if [file.name for file in self._folder.iterdir()] != [_DONE]:
                return None
            digest, _, tag = (self._folder / _DONE).read_text(encoding="utf-8").partition(" ")
        except FileNotFoundError:
            return None
        return tag if digest == self._digest(numbers) else None

    @staticmethod
    def _digest(numbers: Sequence[str]) -> str:
        return hashlib.sha256(json.dumps(list(numbers)).encode()).hexdigest()

    @staticmethod
    def _name(number: str) -> str:
        return _hashed(number)


class _Sums:
    """How much waits in a home, by workspace and person. It is looked up on the disk, where other
    servers put blocks, too; for a moment what was found, and what came here since, will do."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[float, dict[tuple[str, str], int]]] = {}
        self._lock = Lock()

    def of(self, top: Path, room: str, person: str) -> Waiting:
        with self._lock:
            at, found = self._known.get(top, (-_MOMENT, {}))
            if time.monotonic() - at >= _MOMENT:
                found = _sizes(top)
                self._known[top] = time.monotonic(), found
            whole = sum(size for (of, _), size in found.items() if of == room)
            return Waiting(found.get((room, person), 0), whole)

    def add(self, top: Path, whose: tuple[str, str], size: int) -> None:
        with self._lock:
            if top in self._known:
                found = self._known[top][1]
                found[whose] = found.get(whose, 0) + size

    def forget(self, top: Path) -> None:
        with self._lock:
            self._known.pop(top, None)


_waiting = _Sums()


def _sizes(top: Path) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for folder in top.glob("*-*-*"):
        room, person, _ = folder.name.split("-")
        with suppress(FileNotFoundError), os.scandir(folder) as files:
            size = sum(file.stat().st_size for file in files if file.name != _DONE)
            found[room, person] = found.get((room, person), 0) + size
    return found


def _short(name: str) -> str:
    return _hashed(name)[:16]


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
