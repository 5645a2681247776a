"""Queries on users, groups and services, their roles, and the secrets that they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from lazur.store.db import AnyRow
from lazur.store.pages import Page, Query, fetch
from lazur.store.prepared import Prepared
from lazur.store.tables import (
    assignments,
    credentials,
    members,
    principals,
    quotas,
    roles,
    tokens,
    workspaces,
)

_OWNER = "Owner"


def add(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises Taken where the name is."""
    made = insert(principals).values(**values).returning(principals.c.id)
    return db.execute(made).scalar_one()


def by_name(db: Connection, folded: str) -> AnyRow | None:
    return db.execute(select(principals).where(principals.c.folded == folded)).first()


def by_subject(db: Connection, issuer: str, subject: str) -> AnyRow | None:
    theirs = (principals.c.issuer == issuer, principals.c.subject == subject)
    return db.execute(select(principals).where(*theirs)).first()


def page(db: Connection, kind: str, query: Query) -> Page:
    orders = {"name": principals.c.folded, "created_at": principals.c.created_at}
    statement = select(principals).where(principals.c.kind == kind)
    return fetch(db, statement, query, orders, "name", principals.c.id)


def change(db: Connection, principal_id: int, **values: Any) -> None:
    db.execute(update(principals).where(principals.c.id == principal_id).values(**values))


def drop(db: Connection, row: AnyRow) -> None:
    """With all that hangs on it."""
    db.execute(delete(tokens).where(tokens.c.principal == row.name, tokens.c.kind != "job"))
    db.execute(delete(assignments).where(assignments.c.principal_id == row.id))
    db.execute(delete(credentials).where(credentials.c.principal_id == row.id))
    db.execute(delete(quotas).where(quotas.c.principal == row.name))
    db.execute(
        delete(members).where(or_(members.c.group_id == row.id, members.c.member_id == row.id))
    )
    db.execute(delete(principals).where(principals.c.id == row.id))


def members_of(db: Connection, group_id: int) -> Sequence[AnyRow]:
    return db.execute(
        select(principals, members.c.claimed)
        .join(members, members.c.member_id == principals.c.id)
        .where(members.c.group_id == group_id)
        .order_by(principals.c.folded)
    ).all()


def groups_of(db: Connection, member_id: int) -> Sequence[AnyRow]:
    return db.execute(
        select(principals, members.c.claimed)
        .join(members, members.c.group_id == principals.c.id)
        .where(members.c.member_id == member_id)
        .order_by(principals.c.folded)
    ).all()


def add_member(db: Connection, group_id: int, member_id: int, *, claimed: bool = False) -> None:
    """Raises Taken where it is one."""
    values = {"group_id": group_id, "member_id": member_id, "claimed": claimed}
    db.execute(insert(members).values(**values))


def drop_member(db: Connection, group_id: int, member_id: int) -> bool:
    theirs = (members.c.group_id == group_id, members.c.member_id == member_id)
    return db.execute(delete(members).where(*theirs)).rowcount == 1


def grants(db: Connection, principal_id: int) -> Sequence[AnyRow]:
    """Their own and their groups', each with its place and what a custom role stands for. Rooms
    that were deleted grant nothing."""
    groups = (
        select(members.c.group_id)
        .join(principals, principals.c.id == members.c.group_id)
        .where(members.c.member_id == principal_id, principals.c.disabled.is_(False))
    )
    holder = assignments.c.principal_id
    return db.execute(
        select(
            assignments.c.role,
            workspaces.c.kind.label("place"),
            workspaces.c.folded,
            roles.c.actions,
            roles.c.not_actions,
        )
        .join(workspaces, workspaces.c.id == assignments.c.workspace_id, isouter=True)
        .join(roles, roles.c.name == assignments.c.role, isouter=True)
        .where(
            or_(holder == principal_id, holder.in_(groups)),
            or_(assignments.c.workspace_id.is_(None), workspaces.c.deleted_at.is_(None)),
        )
    ).all()


def assign(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises Taken where it is there already."""
    made = insert(assignments).values(**values).returning(assignments.c.id)
    return db.execute(made).scalar_one()


def assignment(db: Connection, assignment_id: int) -> AnyRow | None:
    return db.execute(_assigned().where(assignments.c.id == assignment_id)).first()


def assigned(
    db: Connection, principal_id: int, role: str, workspace_id: int | None
) -> AnyRow | None:
    return db.execute(
        _assigned().where(
            assignments.c.principal_id == principal_id,
            assignments.c.role == role,
            _at(workspace_id),
        )
    ).first()


def page_of_assignments(
    db: Connection, query: Query, *, everywhere: bool, workspace_id: int | None
) -> Page:
    """Of one place, or of all."""
    statement = _assigned()
    if not everywhere:
        statement = statement.where(_at(workspace_id))
    if (name := query.filters.get("principal")) is not None:
        statement = statement.where(principals.c.folded == name)
    if (role := query.filters.get("role")) is not None:
        statement = statement.where(assignments.c.role == role)
    orders = {"created_at": assignments.c.created_at}
    return fetch(db, statement, query, orders, "created_at", assignments.c.id)


def unassign(db: Connection, assignment_id: int) -> bool:
    return db.execute(delete(assignments).where(assignments.c.id == assignment_id)).rowcount == 1


def uses_of_role(db: Connection, role: str) -> int:
    count = select(func.count()).select_from(assignments).where(assignments.c.role == role)
    return db.execute(count).scalar_one()


def owners(db: Connection) -> set[int]:
    """Users and services that own the whole server and may sign in, by themselves or through a
    group."""
    holds = (assignments.c.role == _OWNER, assignments.c.workspace_id.is_(None))
    direct = select(assignments.c.principal_id).where(*holds)
    through = (
        select(members.c.member_id)
        .join(assignments, assignments.c.principal_id == members.c.group_id)
        .join(principals, principals.c.id == members.c.group_id)
        .where(*holds, principals.c.disabled.is_(False))
    )
    able = select(principals.c.id).where(
        principals.c.kind != "group",
        principals.c.disabled.is_(False),
        or_(principals.c.id.in_(direct), principals.c.id.in_(through)),
    )
    return set(db.execute(able).scalars())


def add_role(db: Connection, values: Mapping[str, Any]) -> int:
    """Raises Taken where the name is."""
    return db.execute(insert(roles).values(**values).returning(roles.c.id)).scalar_one()


def role(db: Connection, folded: str) -> AnyRow | None:
    return db.execute(select(roles).where(roles.c.folded == folded)).first()


def all_roles(db: Connection) -> Sequence[AnyRow]:
    return db.execute(select(roles).order_by(roles.c.folded)).all()


def change_role(db: Connection, role_id: int, **values: Any) -> None:
    db.execute(update(roles).where(roles.c.id == role_id).values(**values))


def drop_role(db: Connection, role_id: int) -> None:
    db.execute(delete(roles).where(roles.c.id == role_id))


def add_token(db: Connection, values: Mapping[str, Any]) -> None:
    _ADD_TOKEN.touch(db, values)


_ADD_TOKEN = Prepared(insert(tokens))


def token(db: Connection, digest: str) -> AnyRow | None:
    return db.execute(select(tokens).where(tokens.c.digest == digest)).first()


def owner_of_token(db: Connection, digest: str) -> tuple[AnyRow, AnyRow | None] | None:
    """The token, and whose it is: nobody's row where it is a job's."""
    found = token(db, digest)
    if found is None:
        return None
    whose = select(principals).where(principals.c.name == found.principal)
    return found, None if found.kind == "job" else db.execute(whose).first()


def drop_token(db: Connection, digest: str) -> bool:
    """False: it was not there, or somebody else has just dropped it."""
    return db.execute(delete(tokens).where(tokens.c.digest == digest)).rowcount == 1


def tokens_of(db: Connection, name: str | None) -> Sequence[AnyRow]:
    """Of one person, or of all; without those of jobs."""
    mine = select(tokens).where(tokens.c.kind.in_(("token", "session")))
    if name is not None:
        mine = mine.where(tokens.c.principal == name)
    return db.execute(mine.order_by(tokens.c.principal, tokens.c.created_at)).all()


def drop_tokens_of(db: Connection, name: str, token_id: str | None = None) -> int:
    mine = delete(tokens).where(tokens.c.principal == name, tokens.c.kind != "job")
    if token_id is not None:
        mine = mine.where(tokens.c.id == token_id)
    return db.execute(mine).rowcount


def drop_sessions_of(db: Connection, name: str) -> None:
    """And sign-in codes: what a browser has."""
    theirs = (tokens.c.principal == name, tokens.c.kind.in_(("session", "code")))
    db.execute(delete(tokens).where(*theirs))


def drop_job_tokens(db: Connection, workspace: str, job: str) -> None:
    _DROP_TOKENS.touch(db, {"room": workspace, "of": job})


_DROP_TOKENS = Prepared(
    delete(tokens).where(tokens.c.workspace == bindparam("room"), tokens.c.job == bindparam("of"))
)


def drop_expired_tokens(db: Connection, now: float) -> None:
    db.execute(delete(tokens).where(tokens.c.expires_at < now))


def _assigned() -> Select[Any]:
    return (
        select(
            assignments,
            principals.c.name.label("principal"),
            principals.c.kind.label("principal_kind"),
            workspaces.c.name.label("place"),
            workspaces.c.kind.label("place_kind"),
        )
        .join(principals, principals.c.id == assignments.c.principal_id)
        .join(workspaces, workspaces.c.id == assignments.c.workspace_id, isouter=True)
    )


def _at(workspace_id: int | None) -> ColumnElement[bool]:
    if workspace_id is None:
        return assignments.c.workspace_id.is_(None)
    return assignments.c.workspace_id == workspace_id
