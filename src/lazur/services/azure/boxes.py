"""What is a container of blobs to the code that speaks Azure's protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from lazur.engine import paths
from lazur.errors import Conflict, NotFound
from lazur.services.tracking.artifacts import DRAFTS, Draft


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


def possible(path: str) -> str:
    """Raises NotFound for what no file can be called, such as a folder's name with its slash."""
    if paths.fault(path) or path.split("/", maxsplit=1)[0].casefold() == DRAFTS:
        raise absent(path)
    return path


def absent(path: str) -> NotFound:
    return NotFound(f"There is no {paths.shown(path)}.")


def check_free(container: Container, path: str) -> None:
    """Raises Conflict where there is something."""
    with suppress(NotFound):
        container.info(path)
        raise Conflict(f"There is a file {paths.shown(path)} already.")


def listed(found: Iterable[Blob], prefix: str, after: str, *, flat: bool) -> Iterator[Blob | str]:
    """What `scan` gives of these, which are sorted by name."""
    last = ""
    for one in found:
        if not one.path.startswith(prefix):
            continue
        cut = one.path.find("/", len(prefix))
        if flat or cut < 0:
            if one.path > after:
                yield one
        elif (top := one.path[: cut + 1]) != last:
            last = top
            if top > after:
                yield top
