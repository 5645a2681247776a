"""What clients have put somewhere, taken into the store of content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lazur.engine import paths
from lazur.engine.tree import File, Manifest
from lazur.errors import NotFound
from lazur.services.azure import blobs
from lazur.services.azure.boxes import Blob, Container
from lazur.services.base.site import Context
from lazur.services.content import content
from lazur.spec.references import Tree

_PIECE = 1 << 20


@dataclass(frozen=True)
class Taken:
    tree: str
    """As a reference to it."""
    hash: str
    """Of the same files, as Azure's client makes it of code."""


def take(
    context: Context, account: str, container: str, path: str, *, named: bool = False
) -> Taken:
    """A folder, or one file, as a tree; a `named` folder keeps its name, by which clients call
    what they download. It reads all of it twice, or more: call it while looking. Raises NotFound
    where there is nothing."""
    opened = blobs.opened(context, account, container, blobs.READ)
    path = path.strip("/")
    found = _files(opened.container, path)
    top = path.rpartition("/")[2] if named and (len(found) > 1 or found[0][0].path != path) else ""
    below = f"{paths.nfc(top)}/" if top else ""
    files = [_stored(context, opened.container, one, below + name) for one, name in found]
    made = Manifest.of(files)
    context.site.blobs.put(made.digest, iter([made.encode()]))
    content.whole_tree(context, made.digest)
    return Taken(str(Tree(made.digest, below.rstrip("/"))), _hash(context, files))


def _files(container: Container, path: str) -> list[tuple[Blob, str]]:
    """With their names in the tree."""
    below = f"{path}/" if path else ""
    found = [one for one in container.scan(below) if isinstance(one, Blob)]
    if found:
        return [(one, one.path[len(below) :]) for one in found]
    if not path:
        raise NotFound("There is nothing.")
    return [(container.info(path), path.rpartition("/")[2])]


def _stored(context: Context, container: Container, one: Blob, name: str) -> File:
    hasher = hashlib.sha256()
    with container.open(one.path)[0] as file:
        for piece in _pieces(file):
            hasher.update(piece)
    digest = hasher.hexdigest()
    if context.site.blobs.missing([digest]):
        with container.open(one.path)[0] as file:
            context.site.blobs.put(digest, _pieces(file))
    return File(paths.nfc(name), digest, one.size)


def _hash(context: Context, files: list[File]) -> str:
    ordered = sorted(files, key=lambda file: file.path.lower())
    hasher = hashlib.sha256(str(len(files)).encode())
    for file in ordered:
        hasher.update(f"#{file.path}#{file.size}".encode())
    for file in ordered:
        with context.site.blobs.open(file.digest) as opened:
            for piece in _pieces(opened):
                hasher.update(piece)
    return hasher.hexdigest()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_PIECE), b"")
