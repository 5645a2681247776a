"""What clients have put somewhere, taken into the store of content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from lazur.engine import paths
from lazur.engine.tree import File, Manifest
from lazur.errors import NotFound
from lazur.services.azure import blobs, staging
from lazur.services.azure.boxes import Blob, Container
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import content, local_uploads
from lazur.services.resources.resources import DATASTORES
from lazur.spec.references import Tree

_PIECE = 1 << 20


class Place(NamedTuple):
    account: str
    container: str
    path: str


@dataclass(frozen=True)
class Taken:
    tree: str
    """As a reference to it."""
    files: list[File]


def take(context: Context, place: Place, *, named: bool = False) -> Taken:
    """A folder, or one file, as a tree; a `named` folder keeps its name, by which clients call
    what they download. It reads all of it twice: call it while looking. Raises NotFound where
    there is nothing."""
    opened = blobs.opened(context, place.account, place.container, blobs.READ)
    path = place.path.strip("/")
    found = _files(opened.container, path)
    top = path.rpartition("/")[2] if named and (len(found) > 1 or found[0][0].path != path) else ""
    below = f"{paths.nfc(top)}/" if top else ""
    files = [_stored(context, opened.container, one, below + name) for one, name in found]
    made = Manifest.of(files)
    context.site.blobs.put(made.digest, iter([made.encode()]))
    content.whole_tree(context, made.digest)
    return Taken(str(Tree(made.digest, below.rstrip("/"))), files)


def clients_hash(context: Context, taken: Taken) -> str:
    """As Azure's client makes it of code. It reads all of it once more."""
    ordered = sorted(taken.files, key=lambda file: file.path.lower())
    hasher = hashlib.sha256(str(len(ordered)).encode())
    for file in ordered:
        hasher.update(f"#{file.path}#{file.size}".encode())
    for file in ordered:
        with context.site.blobs.open(file.digest) as opened:
            for piece in _pieces(opened):
                hasher.update(piece)
    return hasher.hexdigest()


def clear(site: Site, who: Principal, place: Place) -> None:
    """What is there was taken, and registered: nobody needs it there any more."""
    if staging.is_area(place.account, place.container):
        staging.drop(site.home, place.account, place.container)
        return
    with site.context(who, synced=False) as context:
        home = open_workspace(context, place.account, blobs.READ, DATASTORES.kind, place.container)
        local_uploads.note(context.db, home.id, place.container, place.path)


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


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_PIECE), b"")
