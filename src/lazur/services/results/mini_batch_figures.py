"""The figures of all mini-batches of a job as one CSV: for spreadsheets, and for scripts."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import Any

from lazur.errors import Invalid
from lazur.services.base.site import Context
from lazur.services.results import mini_batches
from lazur.services.results.mini_batches import Found
from lazur.store.pages import Query

_FIRST = ("number", "status")
_LAST = ("items", "results", "seconds", "tries", "ended_at", "error")
_AT_ONCE = 1000
"""Rows in a piece of the answer."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text(
    context: Context, workspace: str, name: str, query: Query, most: int | None
) -> Iterator[bytes]:
    """Filters and order as of the list; all of them, or the first. The header comes first."""
    if most is not None and most < 1:
        raise Invalid("max_results is a number from 1.")
    found = mini_batches.listed(context, workspace, name, query)[:most]
    return _pieces(found)


def _pieces(found: Sequence[Found]) -> Iterator[bytes]:
    """A column for each part of the key and each metric; plain figures, not rounded."""
    keys, metrics = _names(found, "key"), _names(found, "metrics")
    yield _lines([[*_FIRST, *keys, *metrics, *_LAST]])
    rest = iter(found)
    while piece := list(islice(rest, _AT_ONCE)):
        yield _lines([_row(one, keys, metrics) for one in piece])


def _names(found: Sequence[Found], group: str) -> list[str]:
    return list(dict.fromkeys(name for one in found for name in one[group]))


def _row(one: Found, keys: list[str], metrics: list[str]) -> list[Any]:
    made = [one[field] for field in _FIRST]
    made += [*map(one["key"].get, keys), *map(one["metrics"].get, metrics)]
    return [*made, *(one[field] for field in _LAST)]


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    """What begins as a formula is text to a spreadsheet, too."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
