"""Holds: while somebody copies the server's content, nothing is deleted that a row of the copy may
name. A hold ends by itself when whoever has it is killed."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from lazur.store import records
from lazur.store.tables import facts

SECONDS = 300.0
_PREFIX = "hold "


def keep(db: Connection, token: str, now: float) -> None:
    """Make it, or make it last longer."""
    records.put_fact(db, f"{_PREFIX}{token}", repr(now + SECONDS))


def end(db: Connection, token: str) -> None:
    db.execute(delete(facts).where(facts.c.name == f"{_PREFIX}{token}"))


def is_held(db: Connection, now: float) -> bool:
    """Ask right before content is deleted, in a transaction that begins then."""
    held = select(facts.c.value).where(facts.c.name.startswith(_PREFIX))
    return any(float(until) > now for until in db.execute(held).scalars())


def drop_ended(db: Connection, now: float) -> None:
    """Of those who were killed."""
    held = select(facts.c.name, facts.c.value).where(facts.c.name.startswith(_PREFIX))
    for name, until in db.execute(held).all():
        if float(until) <= now:
            db.execute(delete(facts).where(facts.c.name == name))
