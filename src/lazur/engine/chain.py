"""Rows of which each covers the one before it, so that none can be changed unseen.

Nothing but the standard library is needed to verify them, on any machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

START = "0" * 64
"""What the first row of a chain covers."""
FIELDS = tuple("chain place at who who_kind source action kind name outcome data".split())
"""What a row's hash covers, in this order, after the hash of the row before it."""
_ALL = (*FIELDS, "hash")


class Fault(NamedTuple):
    """Where a chain is not as it was written."""

    chain: int
    place: int
    reason: str


class End(NamedTuple):
    """The last row of a chain that is as it was written, and what is wrong after it."""

    place: int = 0
    hash: str = START
    fault: Fault | None = None


def link(row: Mapping[str, Any], last: str) -> str:
    """The hash of a row that comes after the one with the hash `last`."""
    text = json.dumps([last, *(row[field] for field in FIELDS)], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def follow(chain: int, rows: Iterable[Mapping[str, Any]]) -> End:
    """All rows of one chain in order, each with its `hash`, as far as they are whole."""
    end = End()
    for row in rows:
        end = _after(end, chain, row)
        if end.fault is not None:
            break
    return end


def follow_lines(lines: Iterable[str | bytes]) -> dict[int, End]:
    """Of each chain in an exported log. Raises ValueError with the line that is no row of one."""
    ends: dict[int, End] = {}
    for number, line in enumerate(lines, 1):
        row = _row(number, line)
        end = ends.setdefault(row["chain"], End())
        if end.fault is None:
            ends[row["chain"]] = _after(end, row["chain"], row)
    return ends


def _after(end: End, chain: int, row: Mapping[str, Any]) -> End:
    place = end.place + 1
    if row["place"] != place:
        return end._replace(fault=Fault(chain, place, f"is gone: place {row['place']} comes next"))
    if row["hash"] != link(row, end.hash):
        reason = "was changed, or what was written before it"
        return end._replace(fault=Fault(chain, place, reason))
    return End(place, row["hash"])


def _row(number: int, line: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(line, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise ValueError(f"line {number} is no JSON") from None
    row = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if missing := [field for field in _ALL if field not in row]:
        raise ValueError(f"line {number} has no {missing[0]!r}")
    if len(row) > len(_ALL):
        raise ValueError(f"line {number} has more than a row has")
    if type(row["chain"]) is not int:
        raise ValueError(f"line {number} names no chain")
    return row


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that is there twice, other readers might take the other one."""
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError
    return row
