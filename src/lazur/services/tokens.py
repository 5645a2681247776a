"""Secrets that people, browsers and jobs show, and who they belong to. Only digests are kept."""

from __future__ import annotations

import getpass
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

from lazur.errors import Invalid, NotFound, Unauthenticated
from lazur.services import access, checks
from lazur.services.access import Principal, Resource
from lazur.services.site import Context, Site
from lazur.services.times import iso
from lazur.services.workspaces import open_workspace
from lazur.store import records

_CODE_SECONDS = 120.0
SESSION_SECONDS = 12 * 3600.0
_KINDS = {"bearer": ("token", "job"), "session": ("session",)}


def authenticator(site: Site) -> Callable[[Literal["bearer", "session"], str], Principal | None]:
    """What the gate asks: whose secret is this?"""

    def authenticate(kind: Literal["bearer", "session"], secret: str) -> Principal | None:
        with site.db.read() as db:
            row = records.token(db, digest(secret))
        if row is None or row.kind not in _KINDS[kind]:
            return None
        if row.expires_at is not None and row.expires_at <= site.now():
            return None
        return Principal(
            row.principal, "job" if row.kind == "job" else "user", row.role, row.workspace, row.job
        )

    return authenticate


def show(context: Context) -> dict[str, Any]:
    """Who is calling, and what that is good for."""
    context.require("me/read", Resource(context.who.workspace))
    return asdict(context.who)


def ensure_owner(context: Context) -> None:
    """The token in the home's file is the owner's, also when somebody replaced the file."""
    token = context.site.home.owner_token()
    if records.token(context.db, digest(token)) is None:
        _add(context, token, "token", Principal(_owner_name(), "user", "Owner"), None)


def sign_in_code(context: Context) -> dict[str, Any]:
    """A code that turns into a browser session of the same person, once, soon."""
    context.require("sign-in/action", Resource(context.who.workspace))
    code = secrets.token_urlsafe(24)
    _add(context, code, "code", context.who, context.now() + _CODE_SECONDS)
    return {
        "code": code,
        "url": f"{context.site.url()}/sign-in#code={code}",
        "expires_in": _CODE_SECONDS,
    }


def open_session(context: Context, code: str) -> str:
    """The session's secret, for the cookie. A code is good for one."""
    row = records.token(context.db, digest(code))
    good = row is not None and row.kind == "code" and (row.expires_at or 0) > context.now()
    if row is None or not good or not records.drop_token(context.db, row.digest):
        raise Unauthenticated(
            "The sign-in code is unknown or has expired.", hint="Get a new one: lazur login --web"
        )
    secret = secrets.token_urlsafe(32)
    who = Principal(row.principal, "user", row.role, row.workspace, row.job)
    _add(context, secret, "session", who, context.now() + SESSION_SECONDS)
    return secret


def end_session(context: Context, secret: str) -> None:
    context.require("sign-in/action", Resource(context.who.workspace))
    records.drop_token(context.db, digest(secret))


def issue(context: Context, name: str, role: str, workspace: str | None) -> str:
    """A new token, shown this once."""
    context.require("authorization/tokens/write", Resource(workspace))
    if role not in access.roles():
        raise Invalid(f"There is no role {role!r}.", hint=f"Known: {', '.join(access.roles())}.")
    who = Principal(checks.name(name), "user", role, _known(context, workspace))
    token = "lzr_" + secrets.token_urlsafe(32)
    _add(context, token, "token", who, None)
    return token


def _known(context: Context, workspace: str | None) -> str | None:
    if workspace is None:
        return None
    return str(open_workspace(context, workspace, "workspaces/read").name)


def find(context: Context) -> dict[str, Any]:
    """Who has tokens and open sessions; the secrets themselves are not kept."""
    context.require("authorization/tokens/read", Resource())
    rows = records.tokens_of_people(context.db)
    return {
        "value": [
            {
                "name": row.principal,
                "kind": row.kind,
                "role": row.role,
                "workspace": row.workspace,
                "created_at": iso(row.created_at),
                "expires_at": iso(row.expires_at),
            }
            for row in rows
        ],
        "next": None,
    }


def revoke(context: Context, name: str) -> None:
    """Everything that lets this person in ends: tokens, browser sessions, sign-in codes."""
    context.require("authorization/tokens/write", Resource())
    if not records.drop_tokens_of(context.db, name):
        raise NotFound(f"{name!r} has no tokens.")
    records.add_event(context.db, None, "tokens", name, "revoked", context.who.name, context.now())


def job_token(context: Context, workspace: str, job: str) -> str:
    """A token that is good for one job and ends with it."""
    made = "lzj_" + secrets.token_urlsafe(32)
    _add(context, made, "job", Principal(f"{workspace}/{job}", "job", "Job", workspace, job), None)
    return made


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _add(
    context: Context, secret: str, kind: str, who: Principal, expires_at: float | None
) -> None:
    records.add_token(
        context.db,
        {
            "digest": digest(secret),
            "kind": kind,
            "principal": who.name,
            "role": who.role,
            "workspace": who.workspace,
            "job": who.job,
            "created_at": context.now(),
            "expires_at": expires_at,
        },
    )


def _owner_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "owner"
