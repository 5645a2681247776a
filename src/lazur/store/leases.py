"""Who works on a row. The only two statements that hand out and take back a lease, for every table
that has one.

A lease is short and guards one round of load, act, apply. `due_at` says when a row wants looking
at again; NULL never.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Float,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from lazur.store.prepared import Prepared

LEASE_SECONDS = 60.0


def new_token(owner: str) -> str:
    """`owner` is a server, the same after it was killed and started again."""
    return f"{owner}-{secrets.token_hex(8)}"


def taking(table: Table, *conditions: ColumnElement[bool], whenever: bool = False) -> Prepared:
    """What leases due rows, the longest due first. `whenever`: due now, whatever the row says,
    unless it says never."""
    key = table.primary_key.columns[0]
    now: BindParameter[float] = bindparam("lease_now", type_=Float())
    is_due = table.c.due_at.is_not(None) if whenever else table.c.due_at <= now
    due = (
        select(key)
        .where(is_due, free(table, now), *conditions)
        .order_by(table.c.due_at)
        .limit(bindparam("lease_limit"))
        .with_for_update(skip_locked=True)
    )
    made = update(table).where(key.in_(due)).returning(key)
    if whenever:
        made = made.values(due_at=case((table.c.due_at > now, now), else_=table.c.due_at))
    made = made.values(lease_token=bindparam("lease_new"), lease_until=bindparam("lease_end"))
    return Prepared(made)


def take(
    db: Connection, statement: Prepared, now: float, limit: int, owner: str, **values: Any
) -> tuple[str, Sequence[Any]]:
    """Lease up to `limit` rows by what `taking` made: the token, and the rows' primary keys.
    `values` are those that its conditions name."""
    token = new_token(owner)
    given = {
        "lease_now": now,
        "lease_limit": limit,
        "lease_new": token,
        "lease_end": now + LEASE_SECONDS,
        **values,
    }
    return token, [row[0] for row in statement.all(db, given)]


def free(table: Table, now: Any) -> ColumnElement[bool]:
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


def bring_forward(db: Connection, table: Table, now: float, most: float) -> int:
    """Rows that nobody would look at for longer than `most` seconds, which is more than anybody
    asks for: a clock that was ahead wrote them, and they are due now. A lease that lasts longer
    than leases do is as long as one. Returns how many."""
    far, latest = now + most, now + LEASE_SECONDS
    due, until = table.c.due_at, table.c.lease_until
    late = update(table).where(due.is_not(None), or_(due > far, until > latest + most))
    changed = late.values(
        due_at=case((due > far, now), else_=due),
        lease_until=case((until > latest, latest), else_=until),
    )
    return db.execute(changed).rowcount


def falling_due(table: Table, *conditions: ColumnElement[bool]) -> Prepared:
    """When the next row falls due, leased ones at the end of their lease: so a loop knows how long
    it may sleep."""
    leased = table.c.lease_until > table.c.due_at
    wanted = case((leased, table.c.lease_until), else_=table.c.due_at)
    return Prepared(select(func.min(wanted)).where(table.c.due_at.is_not(None), *conditions))
