"""Queries on sealed secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from lazur.store.db import AnyRow
from lazur.store.tables import secrets


def add(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(secrets).values(**values))


def by_id(db: Connection, secret_id: str) -> AnyRow | None:
    return db.execute(select(secrets).where(secrets.c.id == secret_id)).first()


def drop(db: Connection, secret_id: str) -> None:
    db.execute(delete(secrets).where(secrets.c.id == secret_id))


def key_ids(db: Connection) -> set[str]:
    return set(db.execute(select(secrets.c.key_id).distinct()).scalars())


def behind(db: Connection, key_id: str, after: str, limit: int) -> Sequence[AnyRow]:
    """Those that another key wraps, in the order of their ids."""
    return db.execute(
        select(secrets)
        .where(secrets.c.key_id != key_id, secrets.c.id > after)
        .order_by(secrets.c.id)
        .limit(limit)
    ).all()


def rewrap(db: Connection, secret_id: str, before: str, sealed: str, key_id: str) -> bool:
    """Where it is still what it was."""
    changed = (
        update(secrets)
        .where(secrets.c.id == secret_id, secrets.c.sealed == before)
        .values(sealed=sealed, key_id=key_id)
    )
    return db.execute(changed).rowcount == 1
