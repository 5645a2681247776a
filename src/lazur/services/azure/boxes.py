"""What is a container of blobs to the code that speaks Azure's protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from lazur.services.tracking.artifacts import Draft


@dataclass(frozen=True)
class Blob:
    path: str
    size: int
    modified: float
    tag: str
    """Another one when the content is."""


class Container(Protocol):
    """Files by their whole paths. All of it blocks."""

    def info(self, path: str) -> Blob:
        """Raises NotFound."""
        ...

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        """By name, those that begin with `prefix` and come after `after`. Not `flat`: of what lies
        in a folder further down only the folder, as text that ends with a slash."""
        ...

    def open(self, path: str) -> tuple[BinaryIO, int]:
        """Whoever gets it closes it."""
        ...

    def draft(self) -> Draft: ...

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        """Visible at `path`. With `new` it raises Conflict where there is something."""
        ...

    def delete(self, path: str) -> None: ...
