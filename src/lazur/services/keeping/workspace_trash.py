"""Deleted workspaces: in a trash with undo for some days, then purged: every row and every byte.

A workspace is on its way out for good once its `purge_at` is past; from then on it happens,
whatever is killed. Its own row goes last, since that is what tells that something may be left.
"""

from __future__ import annotations

import time
from typing import Any

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base import events, workspaces
from lazur.services.base.access import SYSTEM, Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso
from lazur.services.content import collection, leftovers, partials
from lazur.services.jobs import cancellation
from lazur.services.tracking.folders import Folder
from lazur.spec.names import fold
from lazur.store import belongings, holds
from lazur.store import workspaces as store
from lazur.store.db import AnyRow
from lazur.store.pages import Query

_DAY = 86400.0
_GONE = "Its workspace was deleted"


def delete(context: Context, name: str, *, permanently: bool = False) -> None:
    """Into the trash: nobody sees it any more, its jobs are cancelled, its name stays taken.
    `permanently` purges it, from where it is or out of the trash."""
    context.require("workspaces/delete", Resource(name))
    row = store.by_name(context.db, fold(name))
    if row is not None and row.deleted_at is not None and permanently:
        _purge(context, row)
        return
    row = workspaces.open_workspace(context, name, "workspaces/delete")
    if row.name == workspaces.DEFAULT:
        raise Invalid("The default workspace cannot be deleted.")
    for job in store.unfinished_jobs(context.db, row.id):
        cancellation.ask(context, job, cancellation.told(context, _GONE))
    now = context.now()
    until = now if permanently else now + context.site.workspace_days * _DAY
    store.change(context.db, row.id, deleted_at=now, purge_at=until)
    what = "purged" if permanently else "deleted"
    events.record(context, row, "workspaces", row.name, what)
    context.publish("due", "sweepup")


def recover(context: Context, name: str) -> dict[str, Any]:
    """Out of the trash, with all that was in it. Jobs that were cancelled stay so. It takes a role
    on the server: to those who have one in the workspace it is not there."""
    context.require("workspaces/write", Resource(name))
    row = _deleted(context, name)
    if row.purge_at is not None and row.purge_at <= context.now():
        raise Conflict(
            f"The workspace {row.name!r} is being purged, and cannot come back.",
            hint="Restore a backup, if there is one: lazur restore --help",
        )
    store.change(context.db, row.id, deleted_at=None, purge_at=None)
    events.record(context, row, "workspaces", row.name, "recovered")
    return workspaces.get(context, row.name)


def find(context: Context, query: Query) -> dict[str, Any]:
    """What is in the trash. It takes a role on the server: those in the workspaces rest."""
    context.require("workspaces/write", Resource())
    page = store.page(context.db, query, None, deleted=True)
    return {"value": [_view(row) for row in page.rows], "next": page.next}


def finish(site: Site, seconds: float = 20.0) -> bool:
    """Purge what is due. Every step can be repeated. False: some of it is left for another call;
    what waits for a job or for a backup is not."""
    until = time.monotonic() + seconds
    with site.db.read() as db:
        due = () if holds.is_held(db, site.now()) else store.due(db, site.now())
    ended = [_erase(site, row, until) for row in due]
    return all(ended)


def _purge(context: Context, row: AnyRow) -> None:
    now = context.now()
    if row.purge_at is None or row.purge_at > now:
        store.change(context.db, row.id, purge_at=now)
        events.record(context, row, "workspaces", row.name, "purged")
    context.publish("due", "sweepup")


def _deleted(context: Context, name: str) -> AnyRow:
    row = store.by_name(context.db, fold(name))
    if row is None or row.deleted_at is None:
        raise NotFound(
            f"The workspace {name!r} is not in the trash.",
            hint="See what is: lazur workspace list --deleted",
        )
    return row


def _erase(site: Site, row: AnyRow, until: float) -> bool:
    if _jobs_run(site, row):
        return True
    _remove_files(site, row)
    with site.db.read() as db:
        found = belongings.find(db)
    values = belongings.of(row.id, row.name)
    for belonging in found:
        if belonging.table in (belongings.ROOM, *belongings.KEPT):
            continue
        more = True
        while more:
            if time.monotonic() > until:
                return False
            with site.db.write(synced=False) as db:
                more = belongings.erase(db, belonging, values)
    return _end(site, row, found, values)


def _end(
    site: Site, row: AnyRow, found: list[belongings.Belonging], values: dict[str, Any]
) -> bool:
    """False: a request that was on its way when the workspace was deleted has added something."""
    with site.context() as context:
        left = [b for b in found if b.table not in (belongings.ROOM, *belongings.KEPT)]
        if any(belongings.count(context.db, b, values) for b in left):
            return False
        store.drop(context.db, row.id)
        collection.want(context)
        events.record(context, None, "workspaces", row.name, "purge ended")
    return True


def _jobs_run(site: Site, row: AnyRow) -> bool:
    """They write into folders that are to go."""
    with site.context(SYSTEM) as context:
        unfinished = store.unfinished_jobs(context.db, row.id)
        for job in unfinished:
            cancellation.ask(context, job, cancellation.told(context, _GONE))
    return bool(unfinished)


def _remove_files(site: Site, row: AnyRow) -> None:
    """What lies in the home under the workspace's name. Nobody else has it until its row goes."""
    for top in ("workspaces", "jobs"):
        Folder(site.home.path / top, row.name).remove()
    partials.remove(site.home, row.id)
    leftovers.remove(site, row.id)
    link = site.home.mlflow / "workspaces" / belongings.of(row.id, row.name)["space"]
    link.unlink(missing_ok=True)


def _view(row: AnyRow) -> dict[str, Any]:
    return {
        **workspaces.view(row),
        "deleted_at": iso(row.deleted_at),
        "purged_after": iso(row.purge_at),
    }
