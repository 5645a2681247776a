"""Queries on versioned assets. Content never changes; only description, tags, properties and
archived do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, archived, fetch, has_tag
from lazur.store.tables import assets, containers, labels

AssetRow = AnyRow

_COLUMNS = (
    assets,
    containers.c.kind,
    containers.c.name,
    containers.c.workspace_id,
    containers.c.archived.label("container_archived"),
)
_HERE = assets.c.deleted_at.is_(None)
"""Not in the trash."""
_ORDERS = {"name": containers.c.name, "created_at": assets.c.created_at}


def container(
    db: Connection, workspace_id: int, kind: str, name: str, *, lock: bool = False
) -> AnyRow | None:
    statement = select(containers).where(
        containers.c.workspace_id == workspace_id,
        containers.c.kind == kind,
        containers.c.name == name,
    )
    return db.execute(statement.with_for_update() if lock else statement).first()


def add_container(db: Connection, workspace_id: int, kind: str, name: str, now: float) -> None:
    """Twice is once, also when two do it at the same time."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    values = {
        "workspace_id": workspace_id,
        "kind": kind,
        "name": name,
        "next_version": 1,
        "archived": False,
        "created_at": now,
    }
    db.execute(dialect.insert(containers).values(**values).on_conflict_do_nothing())


def change_container(db: Connection, container_id: int, **values: Any) -> None:
    db.execute(update(containers).where(containers.c.id == container_id).values(**values))


def add(db: Connection, values: Mapping[str, Any]) -> int:
    return db.execute(insert(assets).values(**values).returning(assets.c.id)).scalar_one()


def version(
    db: Connection, workspace_id: int, kind: str, name: str, version: str, *, trash: bool = False
) -> AssetRow | None:
    """With `trash` also what lies in it."""
    found = _of(workspace_id, kind).where(containers.c.name == name, assets.c.version == version)
    return db.execute(found if trash else found.where(_HERE)).first()


def newest(db: Connection, workspace_id: int, kind: str, name: str) -> AssetRow | None:
    """`@latest`: the newest that is not archived."""
    return db.execute(
        _of(workspace_id, kind)
        .where(
            containers.c.name == name,
            _HERE,
            assets.c.archived.is_(False),
            containers.c.archived.is_(False),
        )
        .order_by(assets.c.id.desc())
        .limit(1)
    ).first()


def labelled(
    db: Connection, workspace_id: int, kind: str, name: str, label: str
) -> AssetRow | None:
    found = _of(workspace_id, kind).join(labels, labels.c.asset_id == assets.c.id)
    return db.execute(
        found.where(containers.c.name == name, labels.c.label == label, _HERE)
    ).first()


def labels_of(db: Connection, workspace_id: int, kind: str, name: str) -> list[str]:
    """All that a name has. What lies in the trash keeps its own, unless another version is given
    them: they are seen again when it is back."""
    found = (
        select(labels.c.label)
        .join(containers, labels.c.container_id == containers.c.id)
        .join(assets, labels.c.asset_id == assets.c.id)
        .where(_HERE, containers.c.workspace_id == workspace_id, containers.c.kind == kind)
        .where(containers.c.name == name)
        .order_by(labels.c.label)
    )
    return list(db.execute(found).scalars())


def labels_by_asset(db: Connection, asset_ids: Collection[int]) -> dict[int, list[str]]:
    statement = select(labels).where(labels.c.asset_id.in_(asset_ids)).order_by(labels.c.label)
    found: dict[int, list[str]] = {}
    for row in db.execute(statement):
        found.setdefault(row.asset_id, []).append(row.label)
    return found


def put_label(db: Connection, container_id: int, label: str, asset_id: int) -> None:
    """It moves from where it was."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    values = {"container_id": container_id, "label": label, "asset_id": asset_id}
    made = dialect.insert(labels).values(**values)
    db.execute(
        made.on_conflict_do_update(
            index_elements=["container_id", "label"], set_={"asset_id": asset_id}
        )
    )


def drop_label(db: Connection, container_id: int, label: str) -> None:
    db.execute(
        delete(labels).where(labels.c.container_id == container_id, labels.c.label == label)
    )


def rename_container(db: Connection, container_id: int, name: str) -> None:
    db.execute(update(containers).where(containers.c.id == container_id).values(name=name))


def everything(
    db: Connection, workspace_id: int, kind: str, names: Collection[str] | None = None
) -> Sequence[AssetRow]:
    """All versions of some names, or of all, also those in the trash."""
    found = _of(workspace_id, kind)
    if names is not None:
        found = found.where(containers.c.name.in_(names))
    return db.execute(found.order_by(assets.c.id)).all()


def by_id(db: Connection, workspace_id: int, kind: str, asset_id: int) -> AssetRow | None:
    return db.execute(_of(workspace_id, kind).where(assets.c.id == asset_id, _HERE)).first()


def note(db: Connection, asset_id: int, mlflow_created: int | None) -> None:
    """For ourselves: no change that anybody would see."""
    db.execute(update(assets).where(assets.c.id == asset_id).values(mlflow_created=mlflow_created))


def versions(db: Connection, workspace_id: int, kind: str, name: str, query: Query) -> Page:
    mine = _of(workspace_id, kind).where(containers.c.name == name, _HERE, *_staged(query))
    statement = _archived(mine.where(*_tagged(db, query)), query)
    return fetch(db, statement, query, _ORDERS, "-created_at", assets.c.id)


def page(db: Connection, workspace_id: int, kind: str, query: Query) -> Page:
    """The newest version of each name; of models, where a stage is asked for, the newest that is
    in it."""
    latest = (
        select(assets.c.id)
        .where(assets.c.container_id == containers.c.id, _HERE, *_staged(query))
        .order_by(assets.c.archived, assets.c.id.desc())
        .limit(1)
        .correlate(containers)
        .scalar_subquery()
    )
    mine = _of(workspace_id, kind).where(assets.c.id == latest, *_tagged(db, query))
    statement = _archived(mine, query)
    return fetch(db, statement, query, _ORDERS, "name", assets.c.id)


def trash(
    db: Connection,
    workspace_id: int,
    kind: str,
    names: Collection[str] | None = None,
    before: float | None = None,
) -> Sequence[AssetRow]:
    """What lies in it: all, those of some names, those that came before a time."""
    statement = _of(workspace_id, kind).where(assets.c.deleted_at.is_not(None))
    if names is not None:
        statement = statement.where(containers.c.name.in_(names))
    if before is not None:
        statement = statement.where(assets.c.deleted_at < before)
    return db.execute(statement.order_by(containers.c.name, assets.c.id)).all()


def live(db: Connection, workspace_id: int, kind: str, name: str) -> Sequence[AssetRow]:
    """All versions that are not in the trash."""
    mine = _of(workspace_id, kind).where(containers.c.name == name, _HERE)
    return db.execute(mine.order_by(assets.c.id)).all()


def is_there(db: Connection, workspace_id: int, kind: str, name: str) -> bool:
    """In any version that is not in the trash."""
    mine = _of(workspace_id, kind).where(containers.c.name == name, _HERE)
    return db.execute(mine.limit(1)).first() is not None


def at(db: Connection, workspace_id: int, place: str) -> Sequence[AssetRow]:
    """Data and models whose path has this in it, also those in the trash."""
    statement = (
        select(*_COLUMNS)
        .join(containers, assets.c.container_id == containers.c.id)
        .where(containers.c.workspace_id == workspace_id)
        .where(containers.c.kind.in_(("data", "models")))
        .where(assets.c.spec["path"].as_string().contains(place, autoescape=True))
    )
    return db.execute(statement.order_by(assets.c.deleted_at.is_not(None), assets.c.id)).all()


def drop(db: Connection, asset_ids: Collection[int]) -> int:
    """For good. The name's row stays: its numbers are not given again."""
    return db.execute(delete(assets).where(assets.c.id.in_(asset_ids))).rowcount


def mentions(db: Connection, workspace_id: int, reference: str) -> Sequence[AssetRow]:
    """Other assets of the place whose specs name this one."""
    escaped = reference.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    text = cast(assets.c.spec, Text)
    statement = (
        select(*_COLUMNS)
        .join(containers, assets.c.container_id == containers.c.id)
        .where(containers.c.workspace_id == workspace_id, _HERE)
        .where(text.like(f'%"{escaped}"%', escape="\\"))
    )
    return db.execute(statement.order_by(containers.c.name).limit(20)).all()


def change(db: Connection, asset_id: int, seen: int | None = None, **values: Any) -> bool:
    """False: it is no longer at the revision that was `seen`."""
    statement = update(assets).where(assets.c.id == asset_id)
    if seen is not None:
        statement = statement.where(assets.c.revision == seen)
    changed = db.execute(statement.values(revision=assets.c.revision + 1, **values))
    return changed.rowcount == 1


def _of(workspace_id: int, kind: str) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(containers, assets.c.container_id == containers.c.id)
        .where(containers.c.workspace_id == workspace_id, containers.c.kind == kind)
    )


def _staged(query: Query) -> list[ColumnElement[bool]]:
    """`None` is the stage of what was given none."""
    wanted = query.filters.get("stage")
    if wanted is None:
        return []
    stage = func.lower(func.coalesce(assets.c.spec["stage"].as_string(), "none"))
    return [stage == str(wanted).lower()]


def _tagged(db: Connection, query: Query) -> list[ColumnElement[bool]]:
    return [has_tag(db, assets.c.tags, pair) for pair in query.filters.get("tag", ())]


def _archived(statement: Select[Any], query: Query) -> Select[Any]:
    wanted = archived(query.filters.get("archived", "false"))
    if wanted is None:
        return statement
    hidden = assets.c.archived | containers.c.archived
    return statement.where(hidden if wanted else ~hidden)
