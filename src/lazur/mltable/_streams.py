"""A value that is the path of a file: opened when it is looked at."""

from __future__ import annotations

from typing import Any, BinaryIO

from ._storage import Storage


class StreamInfo(str):
    """A path that can be opened wherever it leads. It is text in all other ways."""

    __slots__ = ("_storage",)
    _storage: Storage

    @classmethod
    def of(cls, path: str, storage: Storage) -> StreamInfo:
        made = cls(path)
        made._storage = storage
        return made

    @property
    def resource_identifier(self) -> str:
        return str(self)

    def open(self) -> BinaryIO:
        return self._storage.open(str(self))

    def __reduce__(self) -> Any:
        """In another process it is opened without the options and the resolver of this one."""
        return _again, (str(self),)


def _again(path: str) -> StreamInfo:
    return StreamInfo.of(path, Storage())
