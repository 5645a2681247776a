"""Queries on sign-ins that are under way, and on what services prove themselves with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from lazur.store.db import AnyRow
from lazur.store.tables import credentials, principals, sign_ins


def add(db: Connection, values: Mapping[str, Any]) -> None:
    """Raises Taken where the digest or the user code is."""
    db.execute(insert(sign_ins).values(**values))


def find(db: Connection, kind: str, digest: str) -> AnyRow | None:
    wanted = (sign_ins.c.kind == kind, sign_ins.c.digest == digest)
    return db.execute(select(sign_ins).where(*wanted)).first()


def by_user_code(db: Connection, user_code: str) -> AnyRow | None:
    return db.execute(select(sign_ins).where(sign_ins.c.user_code == user_code)).first()


def take(db: Connection, kind: str, digest: str) -> AnyRow | None:
    """The row, which is gone with that: nobody else gets it, too."""
    wanted = (sign_ins.c.kind == kind, sign_ins.c.digest == digest)
    return db.execute(delete(sign_ins).where(*wanted).returning(sign_ins)).first()


def swap(db: Connection, digest: str, before: str, after: str) -> bool:
    """False: somebody else has just changed or dropped it."""
    same = (sign_ins.c.digest == digest, sign_ins.c.payload == before)
    return db.execute(update(sign_ins).where(*same).values(payload=after)).rowcount == 1


def count(db: Connection, kind: str) -> int:
    counted = select(func.count()).select_from(sign_ins).where(sign_ins.c.kind == kind)
    return db.execute(counted).scalar_one()


def drop_expired(db: Connection, now: float) -> None:
    db.execute(delete(sign_ins).where(sign_ins.c.expires_at < now))


def by_email(db: Connection, email: str) -> Sequence[AnyRow]:
    """Users that were written down by this address, and have not signed in by a provider yet."""
    return db.execute(
        select(principals).where(
            principals.c.kind == "user",
            func.lower(principals.c.email) == email.lower(),
            principals.c.subject.is_(None),
        )
    ).all()


def link(db: Connection, principal_id: int, issuer: str, subject: str) -> bool:
    """False: somebody else has just done so."""
    free = (principals.c.id == principal_id, principals.c.subject.is_(None))
    values = {"issuer": issuer, "subject": subject}
    return db.execute(update(principals).where(*free).values(**values)).rowcount == 1


def add_credential(db: Connection, values: Mapping[str, Any]) -> None:
    db.execute(insert(credentials).values(**values))


def credentials_of(db: Connection, principal_id: int) -> Sequence[AnyRow]:
    theirs = select(credentials).where(credentials.c.principal_id == principal_id)
    return db.execute(theirs.order_by(credentials.c.created_at)).all()


def drop_credential(db: Connection, principal_id: int, credential_id: str) -> bool:
    theirs = (credentials.c.principal_id == principal_id, credentials.c.id == credential_id)
    return db.execute(delete(credentials).where(*theirs)).rowcount == 1
