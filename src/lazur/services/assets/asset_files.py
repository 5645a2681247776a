"""The files of an asset: those of a tree in the store, or those that lie in a datastore here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from lazur.engine import paths
from lazur.errors import NotFound, Unsupported
from lazur.safe import Entry, SafeRoot
from lazur.services.assets import assets
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.content import content, far
from lazur.services.content.far import Far
from lazur.services.resources.shelves import Registry, Shelf, open_shelf
from lazur.spec import references
from lazur.spec.references import DatastorePath, JobOutput, Tree
from lazur.store.assets import AssetRow
from lazur.store.db import AnyRow

_MOST = 100_000


def find(
    context: Context, shelf: Shelf, kind: str, name: str, version: str
) -> dict[str, Any] | Far:
    """All of them, by path. Of an asset that is one file, that file. Of one that lies elsewhere,
    where that is."""
    home = open_shelf(context, shelf, kind, "read", name)
    row = assets.known(context, home, kind, name, version)
    found = _place(shelf, row)
    if isinstance(found, DatastorePath) and not far.is_here(context, home.id, found.datastore):
        return far.at(context, home, found, file=_is_file(row))
    if isinstance(found, Tree):
        digest, _ = content.part(context, found.digest, found.path)
        files = content.manifest(context, digest).files
        listed: list[dict[str, Any]] = [
            {"path": f.path, "size": f.size, "modified": None, "sha256": f.digest} for f in files
        ]
    else:
        listed = list(islice(_scan(context, home, found), _MOST))
    listed.sort(key=lambda file: str(file["path"]))
    return {"value": listed, "next": None}


def opened(
    context: Context, shelf: Shelf, kind: str, name: str, version: str, path: str
) -> tuple[BinaryIO, int] | Far:
    """The file, and how large it is. Whoever gets it closes it. Of an asset that lies elsewhere,
    where that is."""
    home = open_shelf(context, shelf, kind, "read", name)
    row = assets.known(context, home, kind, name, version)
    found = _place(shelf, row)
    paths.check(path)
    if isinstance(found, Tree):
        digest, _ = content.part(context, found.digest, found.path)
        file = content.manifest(context, digest).file(path)
        if file is None:
            raise _absent(row, path)
        return context.site.blobs.open(file.digest), file.size
    if not far.is_here(context, home.id, found.datastore):
        return far.at(context, home, found, file=_is_file(row))
    with SafeRoot(context.site.home.datastore(home.name, found.datastore)) as root:
        inside = found.path.strip("/")
        is_one = bool(inside) and not root.stat(inside).folder
        whole = inside if is_one else f"{inside}/{path}".lstrip("/")
        size = root.stat(whole).size
        return root.open(whole), size


def _scan(context: Context, home: AnyRow, found: DatastorePath) -> Iterator[dict[str, Any]]:
    folder, inside = context.site.home.datastore(home.name, found.datastore), found.path.strip("/")
    if not folder.is_dir():
        return
    with SafeRoot(folder) as root:
        if inside and not root.stat(inside).folder:
            entry = root.stat(inside)
            yield _told(inside.rpartition("/")[2], entry)
            return
        for entry in root.scan(inside):
            yield _told(entry.path[len(inside) + 1 :] if inside else entry.path, entry)


def _is_file(row: AssetRow) -> bool:
    return row.spec.get("type") == "uri_file"


def _told(path: str, entry: Entry) -> dict[str, Any]:
    return {"path": path, "size": entry.size, "modified": iso(entry.modified)}


def _place(shelf: Shelf, row: AssetRow) -> Tree | DatastorePath:
    build: dict[str, Any] = row.spec.get("build") or {}
    task: dict[str, Any] = row.spec.get("task") or {}
    places = (row.spec.get("path"), row.spec.get("code"), build.get("path"), task.get("code"))
    written = str(next((place for place in places if place), ""))
    found = references.parse(written) if written else None
    if isinstance(found, Tree):
        return found
    if isinstance(found, DatastorePath) and not isinstance(shelf, Registry):
        if found.path.strip("/"):
            paths.check(found.path.strip("/"))
        return found
    if found is None:
        raise NotFound(f"{row.name}:{row.version} has no files.")
    if isinstance(found, JobOutput):
        raise Unsupported(
            f"{row.name}:{row.version} is what all items of a loop in job {found.job} made.",
            hint=f"Fetch it there: lazur job download -n {found.job} --all",
        )
    raise Unsupported(
        f"{row.name}:{row.version} is {written!r}, which is not on this server.",
        hint="Fetch it from where it is.",
    )


def _absent(row: AssetRow, path: str) -> NotFound:
    return NotFound(f"{row.name}:{row.version} has no file {path[:200]!r}.")
