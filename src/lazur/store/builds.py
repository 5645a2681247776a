"""Queries on environment builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lazur.store import leases
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.prepared import Prepared
from lazur.store.tables import build_uses, builds

_ORDERS = {"created_at": builds.c.created_at, "used_at": builds.c.used_at, "size": builds.c.size}


def by_key(db: Connection, key: str) -> AnyRow | None:
    return _BY_KEY.first(db, {"wanted": key})


_ONE = select(builds).where(builds.c.key == bindparam("wanted"))
_BY_KEY = Prepared(_ONE)


def seen_from(db: Connection, workspace_id: int, key: str) -> AnyRow | None:
    """The build as a workspace knows it; None when nobody there asked for it."""
    return db.execute(_of(workspace_id).where(builds.c.key == key)).first()


def used_by(db: Connection, workspace_id: int, key: str, name: str) -> None:
    """The workspace asked for the build, under this name. Twice is once, and the first name
    stays."""
    values = {"workspace_id": workspace_id, "key": key, "name": name}
    _USED[db.dialect.name].touch(db, values)


_USED = {
    "postgresql": Prepared(postgresql.insert(build_uses).on_conflict_do_nothing()),
    "sqlite": Prepared(sqlite.insert(build_uses).on_conflict_do_nothing()),
}


def ensure(db: Connection, values: Mapping[str, Any]) -> tuple[AnyRow, bool]:
    """The build's row, and whether it was made just now. Others may do the same at the same time,
    and none of them removes it before this transaction ends."""
    kept = {"wanted": values["key"]}
    if (row := _KEPT.first(db, kept)) is not None:
        return row, False
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    made = dialect.insert(builds).values(**values).on_conflict_do_nothing()
    new = db.execute(made.returning(builds.c.key)).first() is not None
    row = _KEPT.first(db, kept)
    assert row is not None
    return row, new


_KEPT = Prepared(_ONE.with_for_update(read=True, key_share=True))


def bring_forward(db: Connection, now: float, most: float) -> int:
    """As with jobs: the clock was put back."""
    return leases.bring_forward(db, builds, now, most)


def change(db: Connection, key: str, **values: Any) -> None:
    db.execute(update(builds).where(builds.c.key == key).values(**values))


def remove(db: Connection, key: str, token: str) -> bool:
    """False: somebody wants it again meanwhile."""
    gone = delete(builds).where(
        builds.c.key == key, builds.c.lease_token == token, builds.c.state == "removing"
    )
    return db.execute(gone).rowcount == 1


def page(db: Connection, workspace_id: int, query: Query) -> Page:
    return fetch(db, _of(workspace_id), query, _ORDERS, "-created_at", builds.c.key)


def _of(workspace_id: int) -> Select[Any]:
    return (
        select(builds, build_uses.c.name.label("called"), build_uses.c.workspace_id)
        .join(build_uses, build_uses.c.key == builds.c.key)
        .where(build_uses.c.workspace_id == workspace_id)
    )


def ready(db: Connection) -> Sequence[AnyRow]:
    return db.execute(
        select(builds).where(builds.c.state == "ready").order_by(builds.c.used_at)
    ).all()


def adopt(db: Connection, owner: str) -> None:
    """The server `owner` starts: the builds that it was killed in are begun again."""
    leases.take_back(db, builds, owner)


def take_due(db: Connection, now: float, limit: int, owner: str) -> tuple[str, Sequence[AnyRow]]:
    token, keys = leases.take(db, _TAKE_DUE, now, limit, owner)
    if not keys:
        return token, []
    return token, db.execute(select(builds).where(builds.c.key.in_(keys))).all()


_TAKE_DUE = leases.taking(builds)


def renew(db: Connection, key: str, token: str, now: float) -> bool:
    return leases.renew(db, builds, key, token, now)


def apply(db: Connection, key: str, token: str, **values: Any) -> bool:
    return leases.apply(db, builds, key, token, **values)


def next_due(db: Connection) -> float | None:
    return _NEXT_DUE.scalar(db)


_NEXT_DUE = leases.falling_due(builds)
