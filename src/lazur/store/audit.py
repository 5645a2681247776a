"""The audit log: rows that are only ever added, each with a hash over the one before it.

A chain is a workspace's id, or 0 for what is about the server. Its head is locked until the
commit, so that no two rows have one place.

"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lazur.engine import chain as chained
from lazur.engine.chain import Fault
from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.tables import audit, audit_heads, workspaces

SERVER = 0
_PAGE = 10_000
_NUMBER = audit.c.chain * (1 << 40) + audit.c.place
"""Of a row, in all chains."""
_PLACE = (workspaces.c.name.label("place_name"), workspaces.c.kind.label("place_kind"))

# Built once: on the path of every submit.
_ADD = insert(audit)
_HEAD = select(audit_heads)
_ADD_HEAD = insert(audit_heads)


class Entry(NamedTuple):
    """What happened. `data` is canonical JSON."""

    chain: int
    at: float
    who: str
    who_kind: str
    source: str
    action: str
    kind: str
    name: str
    outcome: str
    data: str


def add(db: Connection, entries: Sequence[Entry]) -> None:
    """In the order of chains, so that two transactions never wait for each other."""
    for chain in sorted({entry.chain for entry in entries}):
        place, last = _lock(db, chain)
        rows: list[dict[str, Any]] = []
        for entry in entries:
            if entry.chain == chain:
                place += 1
                row = {**dict(zip(Entry._fields, entry, strict=True)), "place": place}
                last = row["hash"] = chained.link(row, last)
                rows.append(row)
        db.execute(_ADD, rows)
        head = update(audit_heads).where(audit_heads.c.chain == chain)
        db.execute(head.values(place=place, hash=last))


def page(db: Connection, query: Query, chains: Sequence[int] | None) -> Page:
    """Of these chains, or of all, each with its place's name; the newest first."""
    whose = audit.outerjoin(workspaces, workspaces.c.id == audit.c.chain)
    statement = select(audit, *_PLACE).select_from(whose)
    if chains is not None:
        statement = statement.where(audit.c.chain.in_(chains))
    for field in ("who", "action", "kind", "name", "outcome"):
        if (wanted := query.filters.get(field)) is not None:
            statement = statement.where(audit.c[field] == wanted)
    for field, compare in (("since", audit.c.at.__ge__), ("until", audit.c.at.__lt__)):
        if (moment := query.filters.get(field)) is not None:
            statement = statement.where(compare(moment))
    return fetch(db, statement, query, {"at": audit.c.at}, "-at", _NUMBER)


def chains(db: Connection) -> list[int]:
    return list(db.execute(select(audit_heads.c.chain).order_by(audit_heads.c.chain)).scalars())


def place_of(db: Connection, chain: int) -> AnyRow | None:
    """None: it is the server's, or of a workspace that was purged."""
    return db.execute(select(*_PLACE).where(workspaces.c.id == chain)).first()


def piece(db: Connection, chain: int, after: int) -> Sequence[AnyRow]:
    """The next rows of a chain, in order."""
    statement = select(audit).where(audit.c.chain == chain, audit.c.place > after)
    return db.execute(statement.order_by(audit.c.place).limit(_PAGE)).all()


def as_dict(row: AnyRow) -> dict[str, Any]:
    """All that the hash covers, and the hash."""
    return {field: getattr(row, field) for field in (*chained.FIELDS, "hash")}


def verify(db: Connection, chain: int) -> tuple[int, Fault | None]:
    """How many rows there are, and the first that is not as it was written."""
    end = chained.follow(chain, map(as_dict, _rows(db, chain)))
    if end.fault is not None:
        return end.place, end.fault
    head = db.execute(_HEAD.where(audit_heads.c.chain == chain)).first()
    if head is None and not end.place:
        return 0, None  # nothing was done there yet
    if head is None or (head.place, head.hash) != (end.place, end.hash):
        return end.place, Fault(chain, end.place + 1, "is gone: the chain once was longer")
    return end.place, None


def _rows(db: Connection, chain: int) -> Iterator[AnyRow]:
    after = 0
    while found := piece(db, chain, after):
        yield from found
        after = found[-1].place


def _lock(db: Connection, chain: int) -> tuple[int, str]:
    mine = _HEAD.where(audit_heads.c.chain == chain)
    head = db.execute(mine.with_for_update()).first()
    if head is None:
        db.execute(
            _first(db).values(chain=chain, place=0, hash=chained.START).on_conflict_do_nothing()
        )
        head = db.execute(mine.with_for_update()).one()
    return head.place, head.hash


def _first(db: Connection) -> Any:
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    return dialect.insert(audit_heads)
