"""Who works on a row. The only two statements that hand out and take back a lease, for every table
that has one.

A lease is short and guards one round of load, act, apply. `due_at` says when a row wants looking
at again; NULL never.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, func, or_, select, update

LEASE_SECONDS = 60.0


def new_token(owner: str) -> str:
    """`owner` is a server, the same after it was killed and started again."""
    return f"{owner}-{secrets.token_hex(8)}"


def take(
    db: Connection,
    table: Table,
    now: float,
    limit: int,
    *conditions: ColumnElement[bool],
    owner: str,
) -> tuple[str, Sequence[Any]]:
    """Lease up to `limit` due rows, the longest due first. Returns the token and the rows' primary
    keys."""
    token = new_token(owner)
    key = table.primary_key.columns[0]
    due = (
        select(key)
        .where(table.c.due_at <= now, free(table, now), *conditions)
        .order_by(table.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = db.execute(
        update(table)
        .where(key.in_(due))
        .values(lease_token=token, lease_until=now + LEASE_SECONDS)
        .returning(key)
    ).all()
    return token, [row[0] for row in rows]


def free(table: Table, now: float) -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def apply(db: Connection, table: Table, key: Any, token: str, **values: Any) -> bool:
    """Write `values` and give the lease back. False: the lease was lost meanwhile; nothing was
    written, and what was done outside must be harmless to do again."""
    column = table.primary_key.columns[0]
    changed = db.execute(
        update(table)
        .where(and_(column == key, table.c.lease_token == token))
        .values(lease_token=None, lease_until=None, **values)
    )
    return changed.rowcount == 1


def renew(db: Connection, table: Table, key: Any, token: str, now: float) -> bool:
    """Keep a lease through work that takes longer than `LEASE_SECONDS`."""
    column = table.primary_key.columns[0]
    changed = db.execute(
        update(table)
        .where(and_(column == key, table.c.lease_token == token))
        .values(lease_until=now + LEASE_SECONDS)
    )
    return changed.rowcount == 1


def take_back(db: Connection, table: Table, owner: str) -> int:
    """`owner` starts: whatever it held when it was killed is nobody's. Returns how many."""
    held = table.c.lease_token.startswith(f"{owner}-", autoescape=True)
    freed = update(table).where(held).values(lease_token=None, lease_until=None)
    return db.execute(freed).rowcount


def next_due(db: Connection, table: Table, *conditions: ColumnElement[bool]) -> float | None:
    """When the next row falls due, leased ones at the end of their lease: so a loop knows how long
    it may sleep."""
    leased = table.c.lease_until > table.c.due_at
    wanted = case((leased, table.c.lease_until), else_=table.c.due_at)
    return db.execute(
        select(func.min(wanted)).where(table.c.due_at.is_not(None), *conditions)
    ).scalar()
