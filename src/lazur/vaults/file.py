"""Root keys in files that only the server's user reads: `<folder>/root`, made when first used.

Settings: `folder` (`keys` in the home). Rotation puts a new key into `root` and keeps the old one
as `root-<id>` until nothing is wrapped by it. Back the folder up apart from the database: the one
without the other tells nothing, and restores nothing.
"""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path
from typing import Any

from lazur.engine.contracts import Rotates, Vault, Wrapped
from lazur.errors import BackendError, Conflict
from lazur.vaults import _ring

_CURRENT = "root"


class File(Vault, Rotates):
    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._folder = Path(str(settings["folder"]))

    def key_id(self) -> str:
        return _id(self._current())

    def wrap(self, data: bytes) -> Wrapped:
        key = self._current()
        return _ring.wrap(_id(key), key, data)

    def unwrap(self, wrapped: Wrapped) -> bytes:
        key = self._find(wrapped.key_id)
        return _ring.unwrap({} if key is None else {wrapped.key_id: key}, wrapped)

    def knows(self, key_id: str) -> bool:
        return self._find(key_id) is not None

    def rotate(self) -> str:
        """Killed at any line, every key that ever wrapped is still there. Two at once: the later
        wins, and what the earlier one wrapped meanwhile opens all the same, since each keeps what
        it replaces."""
        old = self._current()
        self._put(_former(_id(old)), old)
        text = _ring.new_key()
        key = _ring.read_key(text, "a new key")
        self._put(_former(_id(key)), key)
        self._write(text).replace(self._folder / _CURRENT)
        self._sync()
        return _id(key)

    def forget(self, key_id: str) -> None:
        if key_id == self.key_id():
            raise Conflict(f"{key_id} is the root key in use.", hint="Rotate first.")
        if key_id.startswith("file:") and key_id[5:].isalnum():
            (self._folder / _former(key_id)).unlink(missing_ok=True)
            self._sync()

    def _current(self) -> bytes:
        path = self._folder / _CURRENT
        if not path.exists():
            self._make()
        return _read(path)

    def _find(self, key_id: str) -> bytes | None:
        if not (key_id.startswith("file:") and key_id[5:].isalnum()):
            return None
        for path in (self._folder / _CURRENT, self._folder / _former(key_id)):
            if path.exists() and _id(key := _read(path)) == key_id:
                return key
        return None

    def _make(self) -> None:
        """By a link, which never replaces: of two processes that start at once, one makes it. A
        key is not made again where others lie: then it was lost, and that is said."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self._folder.glob(f"{_CURRENT}-*")):
            raise BackendError(
                f"The root key {self._folder / _CURRENT} is gone; older ones are there.",
                hint="Put it back from a backup, or copy the newest of the older ones there.",
            )
        self._link(self._write(_ring.new_key()), _CURRENT)

    def _put(self, name: str, key: bytes) -> None:
        self._link(self._write(_ring.text_of(key)), name)

    def _link(self, draft: Path, name: str) -> None:
        try:
            os.link(draft, self._folder / name)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        self._sync()

    def _write(self, text: str) -> Path:
        draft = self._folder / f".{uuid.uuid4().hex}"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _sync(self) -> None:
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _read(path: Path) -> bytes:
    """Others who could read it may have."""
    with path.open() as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise BackendError(
                f"The root key {path} can be read by others (mode {stat.S_IMODE(mode):04o}).",
                hint=f"chmod 600 {path}, and rotate it: others may have read it.",
            )
        return _ring.read_key(file.read(), str(path))


def _id(key: bytes) -> str:
    return _ring.id_of(key, "file")


def _former(key_id: str) -> str:
    return f"{_CURRENT}-{key_id.removeprefix('file:')}"
