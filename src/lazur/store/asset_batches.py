"""Many assets of one kind at once: a few statements for hundreds of names. Each function is given
at most `AT_ONCE` of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lazur.store.db import AnyRow
from lazur.store.tables import assets, containers

AT_ONCE = 500

_RAISE = (
    update(containers)
    .where(containers.c.id == bindparam("box"))
    .values(next_version=bindparam("number"), archived=False)
)


def boxes(
    db: Connection, workspace_id: int, kind: str, names: Sequence[str], now: float
) -> dict[str, AnyRow]:
    """The names' own rows, made where there are none, and locked. Two who have some names in
    common lock them in the same order."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    common = {"workspace_id": workspace_id, "kind": kind, "created_at": now}
    fresh = [
        {**common, "name": name, "next_version": 1, "archived": False} for name in sorted(names)
    ]
    db.execute(dialect.insert(containers).on_conflict_do_nothing(), fresh)
    found = (
        select(containers)
        .where(containers.c.workspace_id == workspace_id, containers.c.kind == kind)
        .where(containers.c.name.in_(names))
        .order_by(containers.c.name)
        .with_for_update()
    )
    return {row.name: row for row in db.execute(found)}


def newest(db: Connection, box_ids: Sequence[int]) -> dict[int, AnyRow]:
    """By the name's row: the newest version that is neither archived nor in the trash."""
    last = (
        select(func.max(assets.c.id))
        .join(containers, containers.c.id == assets.c.container_id)
        .where(assets.c.container_id.in_(box_ids), assets.c.deleted_at.is_(None))
        .where(assets.c.archived.is_(False), containers.c.archived.is_(False))
        .group_by(assets.c.container_id)
    )
    found = select(assets).where(assets.c.id.in_(last))
    return {row.container_id: row for row in db.execute(found)}


def there(
    db: Connection, workspace_id: int, kind: str, name: str, versions: Sequence[str]
) -> set[str]:
    """Of these versions of a name, those that are there."""
    found = (
        select(assets.c.version)
        .join(containers, containers.c.id == assets.c.container_id)
        .where(containers.c.workspace_id == workspace_id, containers.c.kind == kind)
        .where(containers.c.name == name, assets.c.deleted_at.is_(None))
        .where(assets.c.version.in_(versions))
    )
    return set(db.execute(found).scalars())


def add(db: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Their ids, in the same order."""
    statement = insert(assets).returning(assets.c.id, sort_by_parameter_order=True)
    return list(db.execute(statement, rows).scalars())


def count_on(db: Connection, nexts: Mapping[int, int]) -> None:
    """The next number of each, by its row's id. What has a new version is archived no more."""
    values = [{"box": box, "number": number} for box, number in nexts.items()]
    if values:
        db.execute(_RAISE, values)
