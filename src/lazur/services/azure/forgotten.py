"""Uploads of Azure's client that nothing needs any more, since the assets that they were made for
are purged, or have their content in the store of content.

Clients look whether an upload is there, and leave it out then; so one that somebody has just
looked at must not go. First its notes go, by which clients know that it is complete: who looks
from then on sends it again. Whoever had looked before has registered what they wanted to, or given
up, when it is looked for in all rows, an hour later. Each step can be repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from lazur.errors import LazurError, NotFound
from lazur.safe import SafeRoot
from lazur.services.azure import blobs
from lazur.services.azure.blobs import Opened
from lazur.services.azure.boxes import Blob
from lazur.services.azure.notes import Notes
from lazur.services.base.access import SYSTEM
from lazur.services.base.site import Site
from lazur.services.content import local_uploads, stored
from lazur.services.content.local_uploads import Left
from lazur.store import contents, holds
from lazur.store import workspaces as rooms
from lazur.store.stored import PATH

log = logging.getLogger(__name__)

_LATER = 3600.0


def clear(site: Site, stopping: Callable[[], bool]) -> None:
    """What is needed all the same is looked at again after the same time."""
    with site.db.read() as db:
        found = [] if holds.is_held(db, site.now()) else local_uploads.find(db)
    for one in found:
        if one.forgotten_at is None and not stopping():
            _tried(_forget, site, one)
    ripe = [one for one in found if 0 < (one.forgotten_at or 0) <= site.now() - _LATER]
    if not ripe or stopping():
        return
    needed = {digest for some in contents.mentioned(site.db) for digest in some}
    for one in ripe:
        if stopping():
            return
        if one.hash in needed:
            _put(site, replace(one, forgotten_at=site.now()))
        else:
            _tried(_remove, site, one)


def _tried(act: Callable[[Site, Left], None], site: Site, left: Left) -> None:
    """A store that is away keeps nobody else's waiting."""
    try:
        act(site, left)
    except LazurError as error:
        log.warning("%s of %s is not removed yet: %s", left.folder, left.datastore, error.message)


def _forget(site: Site, left: Left) -> None:
    opened = _opened(site, left)
    if opened is not None:
        for blob in _blobs(opened, left):
            Notes(opened.notes).drop(blob.path)
        _put(site, replace(left, forgotten_at=site.now()))


def _remove(site: Site, left: Left) -> None:
    opened = _opened(site, left)
    if opened is None:
        return
    files = _blobs(opened, left)
    if not any(blob.modified > (left.forgotten_at or 0) for blob in files):
        for blob in files:
            with suppress(NotFound):
                opened.container.delete(blob.path)
        _remove_folder(site, left)
        _uncount(site, left, sum(blob.size for blob in files))
    with site.db.write() as db:
        local_uploads.drop(db, left)


def _opened(site: Site, left: Left) -> Opened | None:
    """None where the workspace is in the trash; what is left of a purged one is none."""
    with site.context(SYSTEM) as context:
        row = rooms.by_id(context.db, left.workspace_id)
        try:
            if row is None:
                raise NotFound("It is gone.")
            return blobs.opened(context, row.name, left.datastore, blobs.READ)
        except NotFound:
            if row is None or row.deleted_at is None:
                local_uploads.drop(context.db, left)
            return None


def _blobs(opened: Opened, left: Left) -> Sequence[Blob]:
    found = opened.container.scan(f"{left.folder}/")
    return [one for one in found if isinstance(one, Blob)]


def _remove_folder(site: Site, left: Left) -> None:
    """With the empty ones in it, where it lies in the home."""
    with site.db.read() as db:
        row = rooms.by_id(db, left.workspace_id)
    top = site.home.datastore(row.name, left.datastore) if row is not None else None
    if top is not None and top.is_dir():
        with suppress(NotFound), SafeRoot(top) as root:
            root.remove_tree(left.folder)


def _uncount(site: Site, left: Left, size: int) -> None:
    with site.context(SYSTEM, synced=False) as context:
        stored.grow(
            context, left.workspace_id, PATH, f"{left.datastore}/{left.folder}"[:255], -size
        )


def _put(site: Site, left: Left) -> None:
    with site.db.write() as db:
        local_uploads.put(db, left)
