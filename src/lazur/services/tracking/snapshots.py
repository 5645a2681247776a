"""The code that a run had: its job's, or what came along when it was imported.

An imported run's code lies in the run's own folder, beside its artifacts, and is read from there
alone: by a hash that anybody could have written there, nobody shall get at blobs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from lazur.engine.tree import MAX_BYTES, File, Manifest
from lazur.errors import Invalid, NotFound
from lazur.safe import SafeRoot
from lazur.services.base.site import Context
from lazur.services.content import content
from lazur.services.tracking import folders
from lazur.services.tracking.folders import Folder
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.mlflow.find import RunRow

INDEX = "code.json"
"""The tree's manifest; its files are in `FILES`."""
FILES = "code"


@dataclass(frozen=True)
class Snapshot:
    """`read` and `open` raise NotFound or Invalid where it is not there whole any more."""

    tree: str
    read: Callable[[], Manifest]
    open: Callable[[File], BinaryIO]


def find(context: Context, home: AnyRow, row: RunRow, job: JobRow | None) -> Snapshot | None:
    """From the job, or the run's folder: what tags say, anybody may have written."""
    if job is not None:
        return _of_job(context, job)
    place = folders.at(context.site.home, home.name, home.id, row.artifact_uri)
    own = folders.own(place, row.id)
    return _brought(own) if own is not None else None


def _of_job(context: Context, job: JobRow) -> Snapshot | None:
    code = job.resolved.get("code")
    tree = code.get("tree") if code else None
    if tree is None:
        return None
    blobs = context.site.blobs
    return Snapshot(
        tree, partial(content.manifest, context, tree), lambda file: blobs.open(file.digest)
    )


def _brought(folder: Folder) -> Snapshot | None:
    try:
        tree = hashlib.sha256(_index(folder)).hexdigest()
    except (NotFound, Invalid):
        return None
    return Snapshot(
        tree,
        lambda: Manifest.decode(_index(folder)),
        lambda file: _opened(folder, f"{FILES}/{file.path}"),
    )


def _index(folder: Folder) -> bytes:
    with _opened(folder, INDEX) as file:
        return file.read(MAX_BYTES + 1)


def _opened(folder: Folder, path: str) -> BinaryIO:
    with SafeRoot(folder.root) as root:
        return root.open(f"{folder.inside}/{path}")
