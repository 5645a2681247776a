"""Large blobs come in blocks, and then a list of these."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from lazur.errors import Invalid, NotFound
from lazur.safe import SafeRoot
from lazur.services.azure import staging
from lazur.services.base.home import Home
from lazur.spec.names import fold

_DONE = "done"
"""Beside blocks, whose names are hashes."""


class Turn:
    """One at a time."""

    def __init__(self) -> None:
        self.lock = Lock()


_turns: WeakValueDictionary[Path, Turn] = WeakValueDictionary()
_taking = Lock()


class Blocks:
    """Of one blob, until their list comes; then, for a day, only that it has come: putting large
    blobs together may outlast the patience of clients, which then say the same list once more."""

    def __init__(self, home: Home, account: str, container: str, path: str) -> None:
        key = hashlib.sha256(f"{fold(account)}/{container}/{path}".encode()).hexdigest()
        self._folder = staging.blocks(home) / key

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
        os.utime(self._folder)

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
        return hashlib.sha256(number.encode()).hexdigest()
