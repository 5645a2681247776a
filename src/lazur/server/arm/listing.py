"""How Azure's clients ask for lists, and go on in them: `$skip` holds our cursor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lazur.server.arm.calls import Call
from lazur.services.base.site import Context
from lazur.store.pages import MAX_LIMIT, Query

_PAGE = 100


def query(call: Call, order: str = "-created_at", **filters: Any) -> Query:
    """Clients write `listViewType` in several ways, one of them by mistake."""
    asked = call.query.get("$top", "")
    limit = int(asked) if asked.isdecimal() and len(asked) < 7 else _PAGE
    view = call.query.get("listviewtype", "").lower().replace("_", "")
    archived = "true" if "archived" in view else "all" if view.endswith("all") else "false"
    return Query(
        limit=max(1, min(limit, MAX_LIMIT)),
        cursor=call.query.get("$skip") or None,
        order_by=_order(call.query.get("$orderby", ""), order),
        filters={"archived": archived, **filters},
    )


def next_link(call: Call, page: dict[str, Any]) -> str | None:
    if page.get("next") is None:
        return None
    kept = {name: text for name, text in call.query.items() if name != "$skip"}
    return call.url(str(call.scope["path"]), **kept, **{"$skip": page["next"]})


def everything(call: Call, find: Callable[[Context, Query], dict[str, Any]]) -> list[Any]:
    """Of what there are few, and Azure's clients expect in one answer."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        asked = Query(MAX_LIMIT, cursor, None, {})
        page = call.read(partial(_found, find, asked))
        found += page["value"]
        if not (cursor := page["next"]):
            return found


def _found(
    find: Callable[[Context, Query], dict[str, Any]], asked: Query, context: Context
) -> dict[str, Any]:
    return find(context, asked)


def _order(asked: str, default: str) -> str:
    """`createdtime desc`"""
    if not asked.lower().startswith("created"):
        return default
    return "-created_at" if asked.lower().endswith("desc") else "created_at"
