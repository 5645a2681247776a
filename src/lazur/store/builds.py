"""Queries on environment builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.tables import builds

_ORDERS = {"created_at": builds.c.created_at, "used_at": builds.c.used_at, "size": builds.c.size}


def by_key(db: Connection, key: str) -> AnyRow | None:
    return db.execute(select(builds).where(builds.c.key == key)).first()


def add(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(builds).values(**values))


def change(db: Connection, key: str, **values: Any) -> None:
    db.execute(update(builds).where(builds.c.key == key).values(**values))


def remove(db: Connection, key: str) -> None:
    db.execute(delete(builds).where(builds.c.key == key))


def page(db: Connection, query: Query) -> Page:
    return fetch(db, select(builds), query, _ORDERS, "-created_at", builds.c.key)


def ready(db: Connection) -> Sequence[AnyRow]:
    return db.execute(
        select(builds).where(builds.c.state == "ready").order_by(builds.c.used_at)
    ).all()


def take_due(db: Connection, now: float, limit: int) -> tuple[str, Sequence[AnyRow]]:
    token, keys = leases.take(db, builds, now, limit)
    if not keys:
        return token, []
    return token, db.execute(select(builds).where(builds.c.key.in_(keys))).all()


def renew(db: Connection, key: str, token: str, now: float) -> bool:
    return leases.renew(db, builds, key, token, now)


def apply(db: Connection, key: str, token: str, **values: Any) -> bool:
    return leases.apply(db, builds, key, token, **values)


def next_due(db: Connection) -> float | None:
    return leases.next_due(db, builds)
