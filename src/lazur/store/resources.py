"""Queries on datastores and connections, which are kept alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.tables import connections, datastores, workspaces

LOCAL = "local"
"""Of those that lie in the home."""
STORAGE = "storage"
"""Of those that come with a workspace and lie in the server's own object store."""
_TABLES = {"datastores": datastores, "connections": connections}


def add(db: Connection, kind: str, values: Mapping[str, Any]) -> None:
    """Raises Taken where the name is."""
    db.execute(insert(_TABLES[kind]).values(**values))


def add_built_in(
    db: Connection, workspace_id: int, names: Sequence[str], at: float, away: Sequence[str] = ()
) -> None:
    """Those that each workspace has from its beginning, the first as its default; those in `away`
    lie in the server's own object store."""
    for name in names:
        values: dict[str, Any] = {
            "workspace_id": workspace_id,
            "name": name,
            "folded": name,
            "type": STORAGE if name in away else LOCAL,
            "settings": {},
            "credential": "none",
            "is_default": name == names[0],
            "tags": {},
            "properties": {},
            "created_at": at,
            "created_by": "system",
            "version": 1,
        }
        add(db, "datastores", values)


def by_name(db: Connection, kind: str, workspace_id: int, folded: str) -> AnyRow | None:
    table = _TABLES[kind]
    there = (table.c.workspace_id == workspace_id, table.c.folded == folded)
    return db.execute(select(table).where(*there)).first()


def page(db: Connection, kind: str, workspace_id: int, query: Query) -> Page:
    table = _TABLES[kind]
    orders = {"name": table.c.folded, "created_at": table.c.created_at}
    statement = select(table).where(table.c.workspace_id == workspace_id)
    if (wanted := query.filters.get("type")) is not None:
        statement = statement.where(table.c.type == wanted)
    return fetch(db, statement, query, orders, "name", table.c.id)


def of_types(db: Connection, workspace_id: int, types: Sequence[str]) -> Sequence[AnyRow]:
    """Datastores, those with credentials first, then by name."""
    there = (datastores.c.workspace_id == workspace_id, datastores.c.type.in_(types))
    order = (datastores.c.secret_id.is_(None), datastores.c.folded)
    return db.execute(select(datastores).where(*there).order_by(*order)).all()


def default_name(db: Connection, workspace_id: int) -> str:
    return db.execute(_DEFAULT, {"room": workspace_id}).scalar_one()


_DEFAULT = select(datastores.c.name).where(
    datastores.c.workspace_id == bindparam("room"), datastores.c.is_default.is_(True)
)


def rooms_of_type(db: Connection, kind: str) -> list[str]:
    """Names of the workspaces with a datastore of the type."""
    found = select(workspaces.c.name).join(
        datastores, datastores.c.workspace_id == workspaces.c.id
    )
    return list(db.execute(found.where(datastores.c.type == kind).distinct()).scalars())


def names(db: Connection, kind: str, workspace_id: int) -> Sequence[str]:
    table = _TABLES[kind]
    found = select(table.c.name).where(table.c.workspace_id == workspace_id)
    return db.execute(found.order_by(table.c.folded).limit(50)).scalars().all()


def make_default(db: Connection, workspace_id: int, folded: str | None) -> None:
    """That one and no other."""
    mine = datastores.c.workspace_id == workspace_id
    old = update(datastores).where(mine, datastores.c.is_default.is_(True))
    db.execute(old.values(is_default=False))
    if folded is not None:
        db.execute(
            update(datastores).where(mine, datastores.c.folded == folded).values(is_default=True)
        )


def change(db: Connection, kind: str, row: AnyRow, values: Mapping[str, Any]) -> bool:
    """Where it is still the version that was read."""
    table = _TABLES[kind]
    changed = (
        update(table)
        .where(table.c.id == row.id, table.c.version == row.version)
        .values(version=row.version + 1, **values)
    )
    return db.execute(changed).rowcount == 1


def drop(db: Connection, kind: str, row: AnyRow) -> bool:
    """Where it is still the version that was read: another one has other secrets."""
    table = _TABLES[kind]
    there = (table.c.id == row.id, table.c.version == row.version)
    return db.execute(delete(table).where(*there)).rowcount == 1
