"""What the server keeps by its content, as blobs: below `.tree/<digest>` of a container, and in a
registry's own container. Nothing is written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from lazur.engine import tree
from lazur.engine.tree import File, Manifest
from lazur.errors import BlobsMissing, Forbidden, Invalid, NotFound
from lazur.services.azure.boxes import Blob, Container, absent, listed
from lazur.services.base.site import Context, Site
from lazur.services.content import content
from lazur.services.tracking.artifacts import Draft
from lazur.spec.names import fold

TREES = ".tree"
FLAT = f"{TREES}."
"""The same as one name, `.tree.<digest>`, for clients that know no folders of code."""
_TREE = re.compile(r"(?P<top>\.tree[/.](?P<digest>[0-9a-f]{64}))(?:/(?P<inside>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Trees:
    site: Site
    _known: dict[str, Manifest] = field(default_factory=dict[str, Manifest])

    def file(self, path: str) -> tuple[str, Blob] | None:
        """The content's digest, and what it is; None for what is no part of a tree. Raises
        NotFound for what a tree does not have."""
        place = _TREE.fullmatch(path)
        if place is None or place["inside"] is None:
            return None
        found = self._manifest(place["digest"]).file(place["inside"])
        if found is None:
            raise absent(path)
        return found.digest, _blob(place["top"], found)

    def files(self, prefix: str) -> list[Blob] | None:
        """All of the tree that a prefix leads into, sorted; None where it leads into none."""
        place = _TREE.fullmatch(prefix)
        if place is None:
            return None
        found = self._manifest(place["digest"]).files
        return sorted((_blob(place["top"], one) for one in found), key=lambda one: one.path)

    def _manifest(self, digest: str) -> Manifest:
        if digest not in self._known:
            with self.site.context(write=False) as context:
                self._known[digest] = tree_of(context, digest)
        return self._known[digest]


@dataclass(frozen=True)
class WithTrees:
    """A container, and all trees."""

    trees: Trees
    inner: Container

    def info(self, path: str) -> Blob:
        found = self.trees.file(path)
        return self.inner.info(path) if found is None else found[1]

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        found = self.trees.files(prefix)
        if found is None:
            return self.inner.scan(prefix, after, flat=flat)
        return listed(found, prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        found = self.trees.file(path)
        if found is None:
            return self.inner.open(path)
        return self.trees.site.blobs.open(found[0]), found[1].size

    def draft(self) -> Draft:
        return self.inner.draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        check_no_tree(path)
        return self.inner.put(draft, path, new=new)

    def delete(self, path: str) -> None:
        check_no_tree(path)
        self.inner.delete(path)


@dataclass(frozen=True)
class Shared:
    """Trees alone, as `<digest>/<path>`."""

    trees: Trees

    def info(self, path: str) -> Blob:
        return _bare(self._file(path)[1])

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        found = self.trees.files(f"{TREES}/{prefix}") or ()
        return listed(map(_bare, found), prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        digest, found = self._file(path)
        return self.trees.site.blobs.open(digest), found.size

    def draft(self) -> Draft:
        raise not_changed()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        raise not_changed()

    def delete(self, path: str) -> None:
        raise not_changed()

    def _file(self, path: str) -> tuple[str, Blob]:
        found = self.trees.file(f"{TREES}/{path}")
        if found is None:
            raise absent(path)
        return found


def tree_of(context: Context, digest: str) -> Manifest:
    """Raises NotFound, also for content that is no tree."""
    with suppress(Invalid, BlobsMissing, NotFound):
        if context.site.blobs.size(digest) <= tree.MAX_BYTES:
            return content.manifest(context, digest)
    raise NotFound(f"There is no tree {digest}.")


def check_no_tree(path: str) -> None:
    """Raises Forbidden."""
    if fold(path.split("/", maxsplit=1)[0]) == TREES or _TREE.fullmatch(fold(path)):
        raise not_changed()


def not_changed() -> Forbidden:
    return Forbidden(
        "What is kept by its content is not changed.", hint="Put it into a folder of your own."
    )


def _blob(top: str, file: File) -> Blob:
    return Blob(f"{top}/{file.path}", file.size, 0.0, file.digest)


def _bare(one: Blob) -> Blob:
    return replace(one, path=one.path.removeprefix(f"{TREES}/"))
