"""Lists of runs, by MLflow's filters and orders."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from lazur.errors import Invalid
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import runs
from lazur.store.mlflow import filters, find, search, spaces
from lazur.store.mlflow.filters import Unread
from lazur.store.mlflow.search import Search
from lazur.store.pages import Query

T = TypeVar("T")

FILTERS = ("filter", "experiment_name", "view")
_VIEWS = {"active": ("active",), "deleted": ("deleted",), "all": ("active", "deleted")}
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_BARE = re.compile(
    r"""'[^']*'|"[^"]*"|`[^`]*`
    |\b(?P<kind>metrics?|params?|parameters?|tags?)\.(?P<key>[\w.]*[-/][\w./-]*)""",
    re.VERBOSE,
)
"""Texts in quotes, and keys that MLflow wants in quotes."""
_HOW = (
    "Write, for example: metrics.auc > 0.9 and params.lr = '0.1' and status = 'FINISHED'. "
    "Values of params, tags and attributes stand in quotes, those of metrics do not."
)


def find_page(context: Context, workspace: str, query: Query) -> dict[str, Any]:
    """Newest first, or in the order that was asked for."""
    home = open_workspace(context, workspace, runs.READ)
    space, asked = spaces.name(home.id), query.filters
    wanted = Search(
        space=space,
        experiments=_experiments(context, space, asked.get("experiment_name")),
        stages=_stages(asked.get("view", "active")),
        clauses=_clauses(asked.get("filter", "")),
        orders=[_order(text.strip()) for text in (query.order_by or "").split(",") if text],
        limit=query.limit + 1,
        offset=_offset(query.cursor),
    )
    ids = _known(lambda: search.run_ids(context.db, wanted), "This order names a thing twice.")
    rows = find.by_ids(context.db, space, ids[: query.limit])
    more = len(ids) > query.limit
    return {
        "value": runs.views(context, home, rows),
        "next": str(wanted.offset + query.limit) if more else None,
    }


def _experiments(context: Context, space: str, name: str | None) -> list[int]:
    known = spaces.experiments(context.db, space)
    return [runs.known_experiment(known, name)] if name is not None else list(known.values())


def _stages(view: str) -> tuple[str, ...]:
    if view not in _VIEWS:
        raise Invalid(f"view is {view!r}.", hint=f"Known: {', '.join(_VIEWS)}.")
    return _VIEWS[view]


def _clauses(text: str) -> list[filters.Clause]:
    """Names the first part that is not understood."""
    quoted = _quoted(text.strip())
    parts = [part for part in _AND.split(quoted) if not _is_read(filters.runs, part)]
    what = parts[0] if parts else quoted
    return _known(lambda: filters.runs(quoted), f"This filter is not understood: {what}", _HOW)


def _order(text: str) -> filters.Order:
    return _known(
        lambda: filters.run_order(_quoted(text)),
        f"This order is not understood: {text}",
        "Write, for example: metrics.auc DESC",
    )


def _quoted(text: str) -> str:
    """Keys with a slash or a dash need no quotes here: in a shell, backticks are a nuisance."""
    return _BARE.sub(lambda m: f"{m['kind']}.`{m['key']}`" if m["kind"] else m[0], text)


def _is_read(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except Unread:
        return False
    return True


def _known(made: Callable[[], T], otherwise: str, hint: str | None = None) -> T:
    try:
        return made()
    except Unread:
        raise Invalid(otherwise[:500], hint=hint) from None


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise Invalid("The cursor is not one that this server gave out.")
    return int(cursor)
