"""Files of model assets as MLflow's clients see them: below a folder of the workspace's artifacts
that is on no disk. What is in it is the assets', and changed by nobody."""

from __future__ import annotations

import os

from lazur.engine.tree import Manifest
from lazur.errors import Forbidden, Invalid, NotFound
from lazur.safe import Entry, SafeRoot
from lazur.services import content, far
from lazur.services.registered_models import FOLDER, KIND
from lazur.services.site import Context
from lazur.services.tracking.artifacts import File
from lazur.services.tracking.places import Place
from lazur.spec import references
from lazur.spec.references import DatastorePath, Tree
from lazur.store import assets as store


def is_one(path: str) -> bool:
    return path.split("/", maxsplit=1)[0] == FOLDER


def check_writable(path: str) -> None:
    if path.split("/", maxsplit=1)[0].casefold() == FOLDER.casefold():
        raise Forbidden(
            "What a registered model holds never changes.",
            hint="Register another version: lazur model create, or mlflow.register_model.",
        )


def opened(context: Context, place: Place, path: str) -> File:
    """Raises NotFound, and Invalid for a folder."""
    found, inner = _found(context, place, path)
    if isinstance(found, Manifest):
        file = found.file(inner)
        if file is None and (not inner or found.has_folder(inner)):
            raise Invalid(f"Artifact path refers to a directory, not a file: '{path}'")
        if file is None:
            raise _absent(path)
        with context.site.blobs.open(file.digest) as blob:
            return File(os.dup(blob.fileno()), file.size, 0.0, file.digest[:32])
    root, inside = found
    whole = f"{inside}/{inner}".strip("/")
    with root:
        entry = root.stat(whole)
        if entry.folder:
            raise Invalid(f"Artifact path refers to a directory, not a file: '{path}'")
        tag = f"{entry.modified:.6f}-{entry.size:x}"
        return File(root.descriptor(whole), entry.size, entry.modified, tag)


def entries(context: Context, place: Place, path: str) -> list[Entry]:
    """What lies directly in a folder, by name."""
    found, inner = _found(context, place, path)
    if isinstance(found, Manifest):
        return _of_tree(found, inner)
    root, inside = found
    with root:
        return list(root.entries(f"{inside}/{inner}".strip("/")))


def _of_tree(found: Manifest, inner: str) -> list[Entry]:
    start = f"{inner}/" if inner else ""
    below = {f.path: f for f in found.files if f.path.startswith(start)}
    folders = {p[len(start) :].partition("/")[0] for p in below if "/" in p[len(start) :]}
    folders |= {d[len(start) :].partition("/")[0] for d in found.dirs if d.startswith(start)}
    made = [Entry(start + name, 0, 0.0, folder=True) for name in folders]
    made += [
        Entry(path, file.size, 0.0, folder=False)
        for path, file in below.items()
        if "/" not in path[len(start) :]
    ]
    return sorted(made)


def _found(
    context: Context, place: Place, path: str
) -> tuple[Manifest | tuple[SafeRoot, str], str]:
    _, _, rest = path.partition("/")
    number, _, inner = rest.partition("/")
    asset = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1
    row = store.by_id(context.db, place.id, KIND, asset)
    written = row.spec.get("path") if row is not None else None
    found = references.parse(written) if isinstance(written, str) else None
    if isinstance(found, Tree):
        digest, _ = content.part(context, found.digest, found.path)
        return content.manifest(context, digest), inner
    if isinstance(found, DatastorePath) and far.is_here(context, place.id, found.datastore):
        store_ = context.site.home.datastore(place.name, found.datastore)
        return (SafeRoot(store_), found.path.strip("/")), inner
    raise _absent(path)


def _absent(path: str) -> NotFound:
    return NotFound(f"No such artifact: '{path}'")
