"""What takes up room, and whether there is room for more.

A tree is counted once in a workspace, for who brought it there first, however many assets and jobs
mention it. What a run wrote is counted when its job ends, and as it is uploaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lazur.engine import quotas as rules
from lazur.engine.quotas import Ledger, Quota
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.services.people import quotas
from lazur.store import jobs, records
from lazur.store import quotas as limits
from lazur.store import stored as store
from lazur.store.stored import PATH, RUN, TREE, Thing

_TREE = re.compile(r"tree:([0-9a-f]{64})")
_CHANGING = 3600.0
"""Seconds in which what grows is one row."""
_SETTLED = "stored.settled"
_PURGED = "collection.wanted"


def keep_trees(
    context: Context, workspace_id: int, spec: Mapping[str, Any], experiment: str | None = None
) -> None:
    """Those that a spec mentions are in the workspace from now on. Raises QuotaExceeded where
    they are too much. Called after the row was written that mentions them."""
    digests = sorted(set(_TREE.findall(json.dumps(spec))))
    added = sum(_add(context, workspace_id, digest, experiment) for digest in digests)
    if added:
        check(context, workspace_id, context.who.name, added, counted=True)


@dataclass(frozen=True)
class Waiting:
    """Bytes that have come, and are stored only once their sender says so."""

    own: int
    """Of the person that a quota is about."""
    whole: int
    """Of all in the workspace."""


def check(
    context: Context,
    workspace_id: int,
    person: str,
    size: int,
    *,
    counted: bool = False,
    waiting: Callable[[], Waiting] = lambda: Waiting(0, 0),
) -> None:
    """Raise QuotaExceeded unless so much more may be stored. `counted`: it is among what is
    stored already, and nobody else may take the room until this transaction ends. `waiting` is
    asked where there is a quota."""
    known = limits.of(context.db, (rules.BYTES,), workspace_id, person, lock=counted)
    if not known:
        return
    ledger = Ledger(known)
    before = -size if counted else 0
    there = waiting()
    for quota in known:
        held = store.used(context.db, quota.workspace_id, _counted(quota, person))
        coming = there.own if quota.person else there.whole
        ledger.hold_under(quota, person, held + before + coming)
    if lack := ledger.shortage(workspace_id, person, {rules.BYTES: size}):
        raise quotas.exceeded(context, store.room(context.db, workspace_id), person, lack)


def check_upload(
    site: Site,
    who: Principal,
    workspace_id: int,
    size: int,
    waiting: Callable[[], Waiting] = lambda: Waiting(0, 0),
) -> None:
    """Before bytes come in that are counted later. An upload without a length is let in while
    there is any room at all."""
    with site.context(who, write=False) as context:
        person, _ = maker(context, workspace_id)
        check(context, workspace_id, person, max(size, 1), waiting=waiting)


def grow(context: Context, workspace_id: int, kind: str, name: str, size: int) -> None:
    """By so many bytes (or fewer) that somebody has just uploaded (or removed)."""
    if not size:
        return
    if kind == RUN and not store.is_run(context.db, name):
        kind = PATH  # or it would be thought purged
    person, experiment = maker(context, workspace_id)
    row = store.live(context.db, workspace_id, kind, name)
    if row is None and size > 0:
        thing = Thing(workspace_id, kind, name, person, experiment)
        store.add(context.db, thing, size, context.now())
    elif row is None:
        return
    elif context.now() - row.at < _CHANGING:
        store.put(context.db, row, max(0, row.bytes + size))
    else:
        store.resize(context.db, row, max(0, row.bytes + size), context.now())


def put_run(context: Context, thing: Thing, size: int) -> None:
    """What a run takes up, as it was just seen."""
    row = store.live(context.db, thing.workspace_id, RUN, thing.name)
    if row is None:
        store.add(context.db, thing, size, context.now())
    else:
        store.resize(context.db, row, size, context.now())


def settle(site: Site) -> None:
    """After a purge: what nothing in its workspace mentions any more is counted no longer."""
    began = site.now()
    with site.db.read() as db:
        purged, settled = records.fact(db, _PURGED), records.fact(db, _SETTLED)
        if purged is None or float(purged) < float(settled or 0):
            return
        rooms = store.rooms_with_trees(db)
    for room in rooms:
        _settle_trees(site, room, began)
    with site.db.write(synced=False) as db:
        records.put_fact(db, _SETTLED, str(began))


def settle_runs(site: Site) -> None:
    """What was erased is counted no longer."""
    with site.db.read() as db:
        gone = store.runs_gone(db)
    if gone:
        with site.db.write(synced=False) as db:
            store.end(db, gone, site.now())


def _settle_trees(site: Site, workspace_id: int, began: float) -> None:
    with site.db.read() as db:
        rows = store.trees_in(db, workspace_id, began)
        mentioned: set[str] = set()
        for spec in store.specs(db, workspace_id):
            mentioned.update(_TREE.findall(spec))
    if gone := [row.id for row in rows if row.name not in mentioned]:
        with site.db.write(synced=False) as db:
            store.end(db, gone, began)


def _add(context: Context, workspace_id: int, digest: str, experiment: str | None) -> int:
    """How many bytes more that are."""
    if store.live(context.db, workspace_id, TREE, digest) is not None:
        return 0
    size = store.size_of_tree(context.db, digest)
    thing = Thing(workspace_id, TREE, digest, context.who.name, experiment)
    return size if store.add(context.db, thing, size, context.now()) else 0


def _counted(quota: Quota, person: str) -> str | None:
    return person if quota.person else None


def maker(context: Context, workspace_id: int) -> tuple[str, str | None]:
    """Whose it is, and of which experiment: what a job makes is its person's."""
    if context.who.job is None:
        return context.who.name, None
    row = jobs.by_name(context.db, workspace_id, context.who.job)
    return (row.created_by, row.experiment_name) if row is not None else (context.who.name, None)
