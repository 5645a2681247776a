"""Secrets that people, browsers and jobs show, and who they belong to. Only digests are kept."""

from __future__ import annotations

import getpass
import hashlib
import logging
import secrets
from collections.abc import Callable
from typing import Any

from lazur.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from lazur.services.base import checks, events
from lazur.services.base.access import Grant, Principal, Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.people import assignments, people
from lazur.spec.names import check_person_name, fold
from lazur.store import people as store
from lazur.store.db import AnyRow

log = logging.getLogger(__name__)

_CODE_SECONDS = 120.0
CURRENT = "current"
SESSION_SECONDS = 12 * 3600.0
_KINDS = {"bearer": ("token", "job", "hook"), "session": ("session",)}
_LONGEST_DAYS = 3650
HOOK_MARK = "schedules/"
"""Before the name of a schedule, where a job's would be: no job is called so."""


def authenticator(site: Site) -> Callable[[str, str], Principal | None]:
    """What the gate asks: whose secret is this?"""

    def authenticate(kind: str, secret: str) -> Principal | None:
        return owner(site, digest(secret), kind)

    return authenticate


def owner(site: Site, known: str, kind: str) -> Principal | None:
    """Whose secret has the digest `known`, where it is of the kind and has not ended."""
    with site.db.read() as db:
        found = store.owner_of_token(db, known)
        if found is None:
            return None
        token, row = found
        if token.kind not in _KINDS.get(kind, ()):
            return None
        if token.expires_at is not None and token.expires_at <= site.now():
            return None
        if token.kind == "job":
            return Principal.of_job(token.workspace, token.job)
        if token.kind == "hook":
            return Principal.of_hook(token.workspace, token.job.removeprefix(HOOK_MARK))
        if row is None or row.disabled:
            return None
        return assignments.principal(db, row, token.role, token.workspace)


def show(context: Context) -> dict[str, Any]:
    """Who is calling, and what they may do where."""
    context.require("me/read", Resource())
    who = context.who
    return {
        "name": who.name,
        "kind": who.kind,
        "job": who.job,
        "workspace": who.workspace,
        "roles": [_granted(grant) for grant in who.grants],
        "only": _granted(who.ceiling) if who.ceiling else None,
    }


def ensure_owner(context: Context) -> None:
    """Whoever first starts the server owns it, by the token in the home's file. It is theirs also
    when somebody replaced the file, as long as they may sign in."""
    token = context.site.home.owner_token()
    if store.token(context.db, digest(token)) is not None:
        return
    name = account()
    row = store.by_name(context.db, fold(name))
    if row is None and not store.owners(context.db):
        row = people.add(context, "user", name)
        assignments.give(context, row, "Owner", None)
    if row is None or row.disabled:
        log.warning("The token in %s is nobody's: see `lazur admin`.", context.site.home.token)
        return
    _add(context, token, "token", name, {"label": "of the server's home"})


def sign_in_code(context: Context) -> dict[str, Any]:
    """A code that turns into a browser session of the same person, once, soon."""
    context.require("sign-in/action", Resource())
    code = secrets.token_urlsafe(24)
    limits = _limits(context.who.ceiling)
    until = context.now() + _CODE_SECONDS
    _add(context, code, "code", context.who.name, {**limits, "expires_at": until})
    return {
        "code": code,
        "url": f"{context.site.url()}/sign-in#code={code}",
        "expires_in": _CODE_SECONDS,
    }


def open_session(context: Context, code: str) -> str:
    """The session's secret, for the cookie. A code is good for one."""
    row = store.token(context.db, digest(code))
    good = row is not None and row.kind == "code" and (row.expires_at or 0) > context.now()
    if row is None or not good or not store.drop_token(context.db, row.digest):
        raise Unauthenticated(
            "The sign-in code is unknown or has expired.", hint="Get a new one: lazur login --web"
        )
    return begin_session(context, row.principal, row.role, row.workspace)


def begin_session(
    context: Context, name: str, role: str | None = None, workspace: str | None = None
) -> str:
    """For who has just proved to be this person."""
    secret = secrets.token_urlsafe(32)
    values: dict[str, Any] = {"role": role, "workspace": workspace}
    values["expires_at"] = context.now() + SESSION_SECONDS
    _add(context, secret, "session", name, values)
    return secret


def end_session(context: Context, secret: str) -> None:
    context.require("sign-in/action", Resource())
    store.drop_token(context.db, digest(secret))


def issue(
    context: Context,
    name: str,
    role: str,
    workspace: str | None,
    label: Any = None,
    days: Any = None,
) -> str:
    """For somebody new: a user with this role, and a first token. Who is known already makes
    their own; an owner of the server may make one for them."""
    action = "authorization/tokens/write"
    context.require(action, Resource(workspace))
    home = None if workspace is None else open_workspace(context, workspace, action)
    assignments.check_may_give(context, role, workspace)
    name = checks.text("name", name, check_person_name)
    row = store.by_name(context.db, fold(name))
    if row is None:
        row = people.add(context, "user", name)
    elif not context.who.may(action, Resource()):
        raise Conflict(
            f"There is a {row.kind} {name!r} already.",
            hint="They make their own tokens: lazur token create. Give them a role here: "
            f"lazur role assignment create --assignee {name} --role {role!r}"
            f" --scope {workspace or '/'}",
        )
    if row.kind == "group":
        raise Invalid(f"{name!r} is a group: groups have no tokens.")
    noted = {"label": _label(label), "expires_at": _until(context, days)}
    assignments.give(context, row, role, home)
    return _made(context, row.name, **noted)


def create(context: Context, spec: dict[str, Any]) -> dict[str, Any]:
    """The caller's own. With `role` and `workspace` it is good for no more than that."""
    context.require("me/tokens/write", Resource())
    who = context.who
    if who.ceiling is not None:
        raise Forbidden(
            "A token that is good for less than its owner makes no other tokens.",
            hint="Sign in with another one.",
        )
    if unknown := sorted(set(spec) - {"label", "role", "workspace", "days"}):
        raise Invalid(
            f"A token has no {unknown[0]!r}.", hint="Known: label, role, workspace, days."
        )
    label, until = _label(spec.get("label")), _until(context, spec.get("days"))
    role, workspace = _narrower(context, spec.get("role"), spec.get("workspace"))
    secret = _made(
        context, who.name, label=label, role=role, workspace=workspace, expires_at=until
    )
    row = store.token(context.db, digest(secret))
    assert row is not None
    return {"token": secret, **view(row)}


def mine(context: Context) -> dict[str, Any]:
    context.require("me/read", Resource())
    rows = store.tokens_of(context.db, context.who.name)
    return {"value": [view(row) for row in rows], "next": None}


def revoke_mine(context: Context, token_id: str, secret: str | None = None) -> None:
    """`current` is the one with this secret."""
    context.require("me/tokens/write", Resource())
    if token_id == CURRENT and secret is not None:
        row = store.token(context.db, digest(secret))
        token_id = row.id if row is not None else token_id
    if not store.drop_tokens_of(context.db, context.who.name, token_id):
        raise NotFound(f"You have no token {token_id!r}.", hint="See: lazur token list")
    events.record(context, None, "tokens", context.who.name, "revoked", id=token_id)


def find(context: Context) -> dict[str, Any]:
    """Who has tokens and open sessions; the secrets themselves are not kept."""
    context.require("authorization/tokens/read", Resource())
    rows = store.tokens_of(context.db, None)
    return {"value": [view(row) for row in rows], "next": None}


def revoke(context: Context, name: str) -> None:
    """Everything that lets this person in ends: tokens, browser sessions, sign-in codes."""
    context.require("authorization/tokens/write", Resource())
    if not store.drop_tokens_of(context.db, name):
        raise NotFound(f"{name!r} has no tokens.")
    events.record(context, None, "tokens", name, "revoked")


def hand_out(context: Context, name: str, **values: Any) -> str:
    """A token for who has just proved to be this person, or this service."""
    return _made(context, name, **values)


def job_token(context: Context, workspace: str, job: str) -> str:
    """A token that is good for one job and ends with it."""
    made = "lzj_" + secrets.token_urlsafe(32)
    _add(context, made, "job", f"{workspace}/{job}", {"workspace": workspace, "job": job})
    return made


def hook_key(context: Context, workspace: str, schedule: str) -> str:
    """A key that is good for firing one schedule."""
    made = "lzh_" + secrets.token_urlsafe(32)
    values = {"workspace": workspace, "job": f"{HOOK_MARK}{fold(schedule)}"}
    _add(context, made, "hook", f"{workspace}/{schedule}", values)
    return made


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def view(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.principal,
        "kind": row.kind,
        "label": row.label,
        "role": row.role,
        "workspace": row.workspace,
        "created_at": iso(row.created_at),
        "expires_at": iso(row.expires_at),
    }


def _made(context: Context, name: str, **values: Any) -> str:
    secret = "lzr_" + secrets.token_urlsafe(32)
    token_id = _add(context, secret, "token", name, values)
    noted = {key: values[key] for key in ("label", "role", "workspace") if values.get(key)}
    events.record(context, None, "tokens", name, "created", id=token_id, **noted)
    return secret


def _label(given: Any) -> str | None:
    return checks.changes({"display_name": given}, ("display_name",))["display_name"]


def _until(context: Context, days: Any) -> float | None:
    if days is None:
        return None
    if type(days) not in (int, float) or not 0 < days <= _LONGEST_DAYS:
        raise Invalid(f"days is {days!r}; it is a number up to {_LONGEST_DAYS}.")
    return context.now() + days * 86400


def _narrower(context: Context, role: Any, workspace: Any) -> tuple[str | None, str | None]:
    if role is None and workspace is None:
        return None, None
    for field, value in (("role", role), ("workspace", workspace)):
        if value is not None and not isinstance(value, str):
            raise Invalid(f"{field} must be text.")
    if workspace is not None:
        workspace = open_workspace(context, workspace, "workspaces/read").name
    return assignments.named(context.db, role or "Owner").name, workspace


def _limits(ceiling: Grant | None) -> dict[str, Any]:
    if ceiling is None:
        return {}
    return {"role": ceiling.role.name, "workspace": ceiling.workspace}


def _granted(grant: Grant) -> dict[str, Any]:
    return {"role": grant.role.name, "workspace": grant.workspace, "registry": grant.registry}


def _add(context: Context, secret: str, kind: str, name: str, values: dict[str, Any]) -> str:
    """The token's id, by which its owner can end it."""
    token_id = secrets.token_hex(6)
    made = {"digest": digest(secret), "id": token_id, "kind": kind, "principal": name}
    store.add_token(context.db, {**made, "created_at": context.now(), **values})
    return token_id


def account() -> str:
    """Whose process this is, as a name of a user."""
    try:
        return check_person_name(getpass.getuser())
    except (KeyError, OSError, ValueError):
        return "owner"
