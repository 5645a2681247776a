"""Lists: filtered, ordered and paged in SQL. A cursor holds the sort values of the last row, not
an offset."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select, true

from lazur.errors import Invalid
from lazur.store.db import AnyRow

MAX_LIMIT = 1000
_FAR = 1 << 62


@dataclass(frozen=True)
class Query:
    """What a caller asked a list for. Filters and orders are each list's own."""

    limit: int = 50
    cursor: str | None = None
    order_by: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Page:
    rows: Sequence[AnyRow]
    next: str | None


def fetch(
    db: Connection,
    statement: Select[Any],
    query: Query,
    orders: Mapping[str, ColumnElement[Any]],
    default: str,
    unique: ColumnElement[Any],
) -> Page:
    """One page of `statement`. `unique` breaks ties, so that no row is skipped or seen twice."""
    if not 1 <= query.limit <= MAX_LIMIT:
        raise Invalid(f"limit must be between 1 and {MAX_LIMIT}, it is {query.limit}.")
    asked = query.order_by or default
    name, down = asked.removeprefix("-"), asked.startswith("-")
    if name not in orders:
        raise Invalid(f"Cannot order by {name!r}.", hint=f"Possible: {', '.join(sorted(orders))}.")
    column = orders[name]
    if query.cursor:
        statement = statement.where(_after(query.cursor, asked, column, unique, down))
    keys = (column.desc(), unique.desc()) if down else (column.asc(), unique.asc())
    statement = statement.add_columns(column.label("_order"), unique.label("_unique"))
    rows = db.execute(statement.order_by(*keys).limit(query.limit + 1)).all()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    last = rows[-1] if more else None
    return Page(rows, _cursor(asked, last._order, last._unique) if last is not None else None)


def archived(wanted: str) -> bool | None:
    """What a list's filter `archived` means; None: archived or not."""
    known = {"false": False, "true": True, "all": None}
    if wanted not in known:
        raise Invalid(f"archived is {wanted!r}.", hint="Possible: false, true, all.")
    return known[wanted]


def has_tag(db: Connection, column: ColumnElement[Any], pair: str) -> ColumnElement[bool]:
    """`key=value`, or `key` for any value. Keys are compared as text: SQLite would read them as
    JSON paths otherwise."""
    key, has_value, wanted = pair.partition("=")
    each = func.jsonb_each_text if db.dialect.name == "postgresql" else func.json_each
    tag = each(column).table_valued("key", "value")
    same = and_(tag.c.key == key, tag.c.value == wanted if has_value else true())
    return exists(select(1).select_from(tag).where(same))


def _cursor(order: str, value: Any, unique: int | str) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps([order, value, unique]).encode()).decode().rstrip("=")
    )


def _after(
    cursor: str, order: str, column: ColumnElement[Any], unique: ColumnElement[Any], down: bool
) -> ColumnElement[bool]:
    value, last = _decode(cursor, order)
    if not (_fits(value, column) and _fits(last, unique)):
        raise _foreign_cursor()
    if down:
        return or_(column < value, and_(column == value, unique < last))
    return or_(column > value, and_(column == value, unique > last))


def _decode(cursor: str, order: str) -> tuple[Any, Any]:
    try:
        made_for, value, last = json.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
    except (ValueError, binascii.Error, TypeError, RecursionError):
        raise Invalid("The cursor is not one that this server gave out.") from None
    if made_for != order:
        raise _foreign_cursor()
    return value, last


def _foreign_cursor() -> Invalid:
    return Invalid("The cursor belongs to another list or order.", hint="Start again without it.")


def _fits(value: Any, column: ColumnElement[Any]) -> bool:
    """Whether a forged cursor's value may be compared with the column at all."""
    wanted = column.type.python_type
    if wanted is float:
        return type(value) in (int, float) and abs(value) < _FAR
    if wanted is int:
        return type(value) is int and abs(value) < _FAR
    return type(value) is wanted
