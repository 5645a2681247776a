"""From a data asset to what has to be looked at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from lazur.engine import paths
from lazur.engine.contracts import Datastore
from lazur.errors import Invalid, Unsupported
from lazur.services.assets import assets
from lazur.services.base.home import DATASTORES
from lazur.services.base.site import Context
from lazur.services.content import content, far
from lazur.services.resources.shelves import Registry, Shelf, open_shelf
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath, Tree
from lazur.store.db import AnyRow

Verb = Literal["preview", "profile"]
MOST_ROWS = 1_000
_REVISION = "1"
"""Of what answers look like: kept ones of another revision are of no use."""


@dataclass(frozen=True)
class Question:
    """One of `tree`, `folder` and `remote` says where the data is."""

    verb: Verb
    rows: int
    type: str
    name: str
    version: str
    place: str = ""
    """Where answers are kept: a folder's name for each content."""
    tree: str | None = None
    file: bool = False
    """It is one file, and not a folder."""
    folder: Path | None = None
    """Of a datastore here; the data is at `path` inside."""
    path: str = ""
    """Of the data inside of it, or inside of the tree that was uploaded."""
    remote: Datastore | None = field(default=None, compare=False)
    datastores: tuple[tuple[str, str], ...] = ()
    """Folders that the data may name, by datastore."""

    @property
    def called(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def key(self) -> str:
        asked = f"{_REVISION} {self.verb} {self.rows} {self.type} {self.path}"
        return hashlib.sha256(asked.encode()).hexdigest()[:24]


def find(
    context: Context, shelf: Shelf, name: str, version: str, verb: Verb, rows: int = 0
) -> Question:
    """Raises NotFound, Forbidden, and Unsupported for data that is somewhere else."""
    home = open_shelf(context, shelf, "data", "read", name)
    row = assets.known(context, home, "data", name, version)
    if not 0 <= rows <= MOST_ROWS:
        raise Invalid(f"rows is a number from 1 to {MOST_ROWS}.")
    kind = str(row.spec.get("type") or "uri_folder")
    asked = Question(verb, rows, kind, row.name, row.version)
    found = references.parse(str(row.spec["path"]))
    if isinstance(found, Tree):
        digest, alone = content.part(context, found.digest, found.path)
        own = () if isinstance(shelf, Registry) else _folders(context, home)
        return replace(
            asked,
            place=place_of(home.id, found),
            tree=digest,
            path=found.path,
            file=alone and kind == "uri_file",
            datastores=own,
        )
    if isinstance(found, DatastorePath) and not isinstance(shelf, Registry):
        return _in_datastore(context, home, found, asked)
    raise Unsupported(
        f"{row.name}:{row.version} is {str(found)!r}, which a look cannot be taken at.",
        hint="Register it as a path of a datastore, or read it in a job.",
    )


def place_of(shelf: int, found: Tree | DatastorePath) -> str:
    """The same for all questions about a content, and called like its blob where it has one: it
    goes when that does, and when the workspace does."""
    if isinstance(found, Tree):
        return f"{shelf}/{found.digest}"
    return f"{shelf}/at-{hashlib.sha256(str(found).encode()).hexdigest()[:40]}"


def _in_datastore(
    context: Context, home: AnyRow, found: DatastorePath, asked: Question
) -> Question:
    inside = found.path.strip("/")
    if inside:
        paths.check(inside)
    asked = replace(
        asked, place=place_of(home.id, found), path=inside, file=asked.type == "uri_file"
    )
    local = {fold(store): store for store in DATASTORES}.get(fold(found.datastore))
    if local is None or not far.is_here(context, home.id, local):
        return replace(asked, remote=_plug(context, home, found.datastore))
    folder = context.site.home.datastore(home.name, local)
    return replace(asked, folder=folder, datastores=_folders(context, home))


def _plug(context: Context, home: AnyRow, name: str) -> Datastore:
    """It takes the right to see the datastore, too, unless it is the server's own."""
    return far.at(context, home, DatastorePath(name, "")).store


def _folders(context: Context, home: AnyRow) -> tuple[tuple[str, str], ...]:
    """A table may name the datastores that its workspace has on this machine."""
    here = [name for name in DATASTORES if far.is_here(context, home.id, name)]
    folders = [(name, context.site.home.datastore(home.name, name)) for name in here]
    return tuple((name, str(folder)) for name, folder in folders if folder.is_dir())
