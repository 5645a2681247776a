"""Files of model assets as MLflow's clients see them: below a folder of the workspace's artifacts
that is on no disk. What is in it is the assets', and changed by nobody."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lazur.engine.tree import Manifest
from lazur.errors import Forbidden, Invalid, NotFound
from lazur.safe import Entry, SafeRoot
from lazur.services.assets.registered_models import FOLDER, KIND
from lazur.services.base.site import Context, Site
from lazur.services.content import content, far, far_trees
from lazur.services.content.far import Far
from lazur.services.tracking.artifacts import File
from lazur.services.tracking.places import Place
from lazur.spec import references
from lazur.spec.references import DatastorePath, Tree
from lazur.store import assets as store
from lazur.store import workspaces


def is_one(path: str) -> bool:
    return path.split("/", maxsplit=1)[0] == FOLDER


def check_writable(path: str) -> None:
    if path.split("/", maxsplit=1)[0].casefold() == FOLDER.casefold():
        raise Forbidden(
            "What a registered model holds never changes.",
            hint="Register another version: lazur model create, or mlflow.register_model.",
        )


class Held(Protocol):
    """What the path means, looked up. These may take the network: ask after the transaction."""

    def opened(self) -> File:
        """Raises NotFound, and Invalid for a folder."""
        ...

    def entries(self) -> list[Entry]:
        """What lies directly in the folder, by name."""
        ...


def find(context: Context, place: Place, path: str) -> Held:
    """Raises NotFound where there is no such model, or its files are out of reach."""
    _, _, rest = path.partition("/")
    number, _, inner = rest.partition("/")
    asset = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1
    row = store.by_id(context.db, place.id, KIND, asset)
    written = row.spec.get("path") if row is not None else None
    found = references.parse(written) if isinstance(written, str) else None
    if isinstance(found, Tree):
        digest, _ = content.part(context, found.digest, found.path)
        return _Tree(context.site, content.manifest(context, digest), inner, path)
    if isinstance(found, DatastorePath) and far.is_here(context, place.id, found.datastore):
        folder = context.site.home.datastore(place.name, found.datastore)
        return _Here(folder, f"{found.path.strip('/')}/{inner}".strip("/"), path)
    home = workspaces.by_id(context.db, place.id)
    if isinstance(found, DatastorePath) and home is not None:
        source = json.dumps([home.id, found.datastore])
        return _Elsewhere(context.site, far.at(context, home, found), inner, path, source)
    raise _absent(path)


@dataclass(frozen=True)
class _Tree(Held):
    site: Site
    manifest: Manifest
    inner: str
    path: str

    def opened(self) -> File:
        file = self.manifest.file(self.inner)
        if file is None and (not self.inner or self.manifest.has_folder(self.inner)):
            raise _folder(self.path)
        if file is None:
            raise _absent(self.path)
        with self.site.blobs.open(file.digest) as blob:
            return File(os.dup(blob.fileno()), file.size, 0.0, file.digest[:32])

    def entries(self) -> list[Entry]:
        sizes = {file.path: (file.size, 0.0) for file in self.manifest.files}
        return _directly_in(self.inner, sizes, self.manifest.dirs)


@dataclass(frozen=True)
class _Here(Held):
    folder: Path
    inside: str
    path: str

    def opened(self) -> File:
        with SafeRoot(self.folder) as root:
            entry = root.stat(self.inside)
            if entry.folder:
                raise _folder(self.path)
            tag = f"{entry.modified:.6f}-{entry.size:x}"
            return File(root.descriptor(self.inside), entry.size, entry.modified, tag)

    def entries(self) -> list[Entry]:
        with SafeRoot(self.folder) as root:
            return list(root.entries(self.inside))


@dataclass(frozen=True)
class _Elsewhere(Held):
    """A file is fetched to this machine's cache first: who reads it may ask for any part."""

    site: Site
    far: Far
    inner: str
    path: str
    source: str

    def opened(self) -> File:
        try:
            return File(*far_trees.opened(self.site, self.far, self.inner, self.source))
        except NotFound:
            if self.entries():
                raise _folder(self.path) from None
            raise _absent(self.path) from None

    def entries(self) -> list[Entry]:
        top = f"{self.far.path}/{self.inner}".strip("/")
        cut = len(self.far.path) + 1 if self.far.path else 0
        found = self.far.store.list(top)
        return _directly_in(self.inner, {i.path[cut:]: (i.size, i.modified) for i in found}, ())


def _directly_in(
    inner: str, sizes: Mapping[str, tuple[int, float]], dirs: Iterable[str]
) -> list[Entry]:
    start = f"{inner}/" if inner else ""
    below = {path: told for path, told in sizes.items() if path.startswith(start)}
    folders = {p[len(start) :].partition("/")[0] for p in below if "/" in p[len(start) :]}
    folders |= {d[len(start) :].partition("/")[0] for d in dirs if d.startswith(start)}
    made = [Entry(start + name, 0, 0.0, folder=True) for name in folders]
    made += [
        Entry(path, *told, folder=False)
        for path, told in below.items()
        if "/" not in path[len(start) :]
    ]
    return sorted(made)


def _folder(path: str) -> Invalid:
    return Invalid(f"Artifact path refers to a directory, not a file: '{path}'")


def _absent(path: str) -> NotFound:
    return NotFound(f"No such artifact: '{path}'")
