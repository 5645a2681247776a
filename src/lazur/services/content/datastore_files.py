"""The files of a datastore, for who may see it: to list, and to fetch through the server.

A job asks with its own token, for what an MLTable file in it names. It may read what whoever
submitted it may read now.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO

from lazur.engine import paths
from lazur.engine.contracts import Stored
from lazur.errors import NotFound
from lazur.safe import Entry, SafeRoot
from lazur.services.base import access
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import datastores, far
from lazur.services.content.far import Far
from lazur.services.people import submitters
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from lazur.spec.references import DatastorePath
from lazur.store.db import AnyRow
from lazur.store.resources import LOCAL, STORAGE

READ = DATASTORES.action("files/read")
_MOST = 100_000


def find(context: Context, workspace: str, name: str, path: str) -> dict[str, Any] | Far:
    """All files at `path` and below it, by their paths in the datastore. Of a datastore that lies
    elsewhere, where that is: to be listed once nothing is held."""
    home, row = _open(context, workspace, name)
    inside = _inside(path)
    if row.type != LOCAL:
        return _far(context, home, row, inside)
    found: list[Entry] = []
    with suppress(NotFound), SafeRoot(context.site.home.datastore(home.name, row.name)) as root:
        alone = inside and not root.stat(inside).folder
        found = [root.stat(inside)] if alone else list(islice(root.scan(inside), _MOST))
    return _listed(found)


def look(found: Far) -> dict[str, Any]:
    """What `find` says of a datastore that lies elsewhere. Blocks."""
    if found.path:
        with suppress(NotFound):
            return _listed([found.store.info(found.path)])
    return _listed(islice(found.store.list(found.path), _MOST))


def opened(context: Context, workspace: str, name: str, path: str) -> tuple[BinaryIO, int] | Far:
    """One file, and how large it is. Whoever gets it closes it."""
    home, row = _open(context, workspace, name)
    paths.check(path)
    if row.type != LOCAL:
        return _far(context, home, row, "")
    with SafeRoot(context.site.home.datastore(home.name, row.name)) as root:
        found = root.stat(path)
        if found.folder:
            raise NotFound(f"{paths.shown(path)} is a folder.")
        return root.open(path), found.size


def _open(context: Context, workspace: str, name: str) -> tuple[AnyRow, AnyRow]:
    home = open_workspace(context, workspace, READ, DATASTORES.kind, name)
    if context.who.job is not None:
        _require_of_submitter(context, home, context.who.job, name)
    return home, resources.find_row(context, DATASTORES, home, name)


def _require_of_submitter(context: Context, home: AnyRow, job: str, name: str) -> None:
    submitter = submitters.of(context, home, job)
    if submitter is None:
        raise DATASTORES.absent(home.name, name)
    access.require(submitter, READ, Resource(home.name, DATASTORES.kind, name))


def _far(context: Context, home: AnyRow, row: AnyRow, path: str) -> Far:
    if row.type == STORAGE:
        return far.at(context, home, DatastorePath(row.name, path))
    with context.site.context(context.who, write=False) as asking:
        _, found, values = resources.opened(asking, DATASTORES, home.name, row.name, READ)
    return Far(datastores.plug_of(context.site, home, found, values), path)


def _inside(path: str) -> str:
    inside = path.strip("/")
    if inside:
        paths.check(inside)
    return inside


def _listed(found: Iterable[Entry | Stored]) -> dict[str, Any]:
    files = [
        {"path": one.path, "size": one.size, "modified": iso(one.modified or None)}
        for one in found
    ]
    return {"value": sorted(files, key=lambda file: str(file["path"])), "next": None}
