"""The audit log, as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lazur.errors import Invalid
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso, moment
from lazur.services.base.workspaces import open_workspace
from lazur.store import audit as store
from lazur.store.db import AnyRow
from lazur.store.pages import Query

FILTERS = ("who", "action", "kind", "name", "outcome", "since", "until")


def find(context: Context, workspace: str | None, query: Query) -> dict[str, Any]:
    """The newest first: of a workspace, or of the whole server."""
    chains = _chains(context, workspace)
    filters = {
        key: _moment(key, value) if key in ("since", "until") else value
        for key, value in query.filters.items()
    }
    asked = Query(query.limit, query.cursor, query.order_by, filters)
    page = store.page(context.db, asked, chains)
    return {"value": [view(row) for row in page.rows], "next": page.next}


def verify(context: Context, workspace: str | None) -> dict[str, Any]:
    """Every row of every chain, from the first on."""
    faults: list[dict[str, Any]] = []
    count = 0
    for chain in _chains(context, workspace) or store.chains(context.db):
        rows, fault = store.verify(context.db, chain)
        count += rows
        if fault is not None:
            faults.append({**fault._asdict(), **_place(store.place_of(context.db, chain))})
    return {"rows": count, "whole": not faults, "faults": faults}


def export(site: Site, who: Principal, workspace: str | None) -> Iterator[bytes]:
    """JSON lines, chain by chain, with what is needed to verify them elsewhere. Raises at once
    what is wrong with the request; the rows come after."""
    with site.context(who, write=False) as context:
        chains = _chains(context, workspace) or store.chains(context.db)
    return _lines(site, chains)


def _lines(site: Site, chains: list[int]) -> Iterator[bytes]:
    """Piece by piece: no transaction is held while the receiver takes its time."""
    for chain in chains:
        place = 0
        while True:
            with site.db.read() as db:
                piece = store.piece(db, chain, place)
            if not piece:
                break
            place = piece[-1].place
            lines = [json.dumps(store.as_dict(row), ensure_ascii=False) + "\n" for row in piece]
            yield "".join(lines).encode()


def view(row: AnyRow) -> dict[str, Any]:
    return {
        "at": iso(row.at),
        "who": row.who,
        "who_kind": row.who_kind,
        "from": row.source,
        "action": row.action,
        "kind": row.kind,
        "name": row.name,
        "outcome": row.outcome,
        "data": json.loads(row.data),
        **_place(row),
        "chain": row.chain,
        "place": row.place,
        "hash": row.hash,
    }


def _place(row: AnyRow | None) -> dict[str, str | None]:
    """Neither: it is about the server."""
    kinds = ("workspace", "registry")
    return {kind: row.place_name if row and row.place_kind == kind else None for kind in kinds}


def _chains(context: Context, workspace: str | None) -> list[int] | None:
    if workspace is None:
        context.require("audit/read", Resource())
        return None
    return [open_workspace(context, workspace, "workspaces/audit/read").id]


def _moment(name: str, value: str) -> float:
    try:
        return moment(value)
    except ValueError:
        raise Invalid(
            f"{name} is {value!r}, which is no time.", hint="For example: 2026-11-21T08:00:00Z"
        ) from None
