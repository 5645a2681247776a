"""Queries on what is only ever added: events, answers to repeat, facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lazur.store.db import AnyRow
from lazur.store.prepared import Prepared
from lazur.store.tables import events, facts, idempotency

# Built once: on the path of every submit.
_ADD_EVENT = Prepared(insert(events))
_REMEMBER = insert(idempotency)


def add_event(
    db: Connection,
    workspace_id: int | None,
    kind: str,
    name: str,
    what: str,
    who: str,
    at: float,
    **data: Any,
) -> None:
    values = {
        "workspace_id": workspace_id,
        "kind": kind,
        "name": name,
        "type": what,
        "data": data,
        "who": who,
        "at": at,
    }
    _ADD_EVENT.touch(db, values)


def add_events(
    db: Connection,
    workspace_id: int,
    kind: str,
    named: Sequence[tuple[str, dict[str, Any]]],
    what: str,
    who: str,
    at: float,
) -> None:
    """The same to many, each by its name and with its data."""
    common = {"workspace_id": workspace_id, "kind": kind, "type": what, "who": who, "at": at}
    db.execute(insert(events), [{**common, "name": name, "data": data} for name, data in named])


def events_of(db: Connection, workspace_id: int, kind: str, name: str) -> list[AnyRow]:
    return list(
        db.execute(
            select(events)
            .where(
                events.c.workspace_id == workspace_id, events.c.kind == kind, events.c.name == name
            )
            .order_by(events.c.id)
        )
    )


def answer(db: Connection, principal: str, key: str) -> AnyRow | None:
    return db.execute(
        select(idempotency).where(idempotency.c.principal == principal, idempotency.c.key == key)
    ).first()


def remember(
    db: Connection,
    principal: str,
    key: str,
    request: str,
    body: Any,
    now: float,
    workspace: str | None = None,
) -> None:
    """Raises Taken when another call with the key was first. `workspace`: the folded name of the
    one that the answer tells of, with which it goes."""
    values = {"principal": principal, "key": key, "request": request, "answer": body, "at": now}
    db.execute(_REMEMBER, {**values, "workspace": workspace})


def forget_before(db: Connection, at: float) -> None:
    db.execute(delete(idempotency).where(idempotency.c.at < at))


def fact(db: Connection, name: str) -> str | None:
    return db.execute(select(facts.c.value).where(facts.c.name == name)).scalar()


def add_fact(db: Connection, name: str, value: str) -> None:
    """Raises Taken when somebody was first."""
    db.execute(insert(facts).values(name=name, value=value))


def put_fact(db: Connection, name: str, value: str) -> None:
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    made = dialect.insert(facts).values(name=name, value=value)
    db.execute(made.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def swap_fact(db: Connection, name: str, seen: str | None, value: str) -> bool:
    """Of several who saw the same, one gets True."""
    if seen is None:
        dialect = postgresql if db.dialect.name == "postgresql" else sqlite
        made = dialect.insert(facts).values(name=name, value=value).on_conflict_do_nothing()
        return db.execute(made).rowcount == 1
    statement = update(facts).where(facts.c.name == name, facts.c.value == seen)
    return db.execute(statement.values(value=value)).rowcount == 1


def facts_like(db: Connection, prefix: str) -> dict[str, str]:
    found = db.execute(select(facts).where(facts.c.name.startswith(prefix, autoescape=True)))
    return {row.name: row.value for row in found}


def drop_fact(db: Connection, name: str) -> None:
    """Silent when it is gone already."""
    db.execute(delete(facts).where(facts.c.name == name))
