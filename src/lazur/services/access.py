"""Who may do what. Deny unless a role allows.

Actions are Azure's strings without their common prefix, `workspaces/jobs/write`. Roles hold
patterns of them: `*` stands for any text, and `/*/` also for nothing in between, as Azure's own
role definitions need to make sense.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from lazur.errors import Forbidden, NotFound
from lazur.spec.names import fold

READ = "read"

_EVERYBODY = ("me/read", "openapi/read", "registries/read", "sign-in/action")
_ROLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Owner": (("*",), ()),
    "Contributor": (("*",), ("authorization/*/write", "authorization/*/delete")),
    "Reader": (("*/read", *_EVERYBODY), ()),
    "AzureML Data Scientist": (
        (
            "workspaces/*/read",
            "workspaces/*/action",
            "workspaces/*/delete",
            "workspaces/*/write",
            *_EVERYBODY,
        ),
        (
            "workspaces/delete",
            "workspaces/write",
            "workspaces/computes/*/write",
            "workspaces/computes/*/delete",
        ),
    ),
    "Job": (
        (
            "workspaces/jobs/read",
            "workspaces/read",
            "workspaces/data/read",
            "workspaces/experiments/*/read",
            "workspaces/experiments/*/write",
            "workspaces/experiments/runs/delete",
            "workspaces/models/*/read",
            "workspaces/models/*/write",
            "me/read",
        ),
        (),
    ),
}


@dataclass(frozen=True)
class Principal:
    """Who is calling. `workspace` and `job` narrow what the role is good for; None means
    everywhere."""

    name: str
    kind: str
    role: str
    workspace: str | None = None
    job: str | None = None


SYSTEM = Principal("lazur", "system", "Owner")
"""The server's own loops."""


@dataclass(frozen=True)
class Resource:
    """What an action is about."""

    workspace: str | None = None
    kind: str | None = None
    name: str | None = None


def require(who: Principal, action: str, resource: Resource) -> None:
    """Raise unless `who` may. Where even the existence is not theirs to know, it is NotFound.
    A resource without a workspace is the whole server."""
    if resource.workspace is None and who.workspace is not None:
        raise Forbidden(
            f"{action} is about the whole server.",
            hint=f"{who.name} is known in workspace {who.workspace!r} only.",
        )
    if not in_scope(who, resource):
        raise NotFound(_absent(resource))
    if not allows(who.role, action):
        raise Forbidden(
            f"{who.name} may not do {action} here.",
            hint=f"The role {who.role!r} does not include it. Ask an owner of the workspace.",
        )


def in_scope(who: Principal, resource: Resource) -> bool:
    if who.workspace is not None and fold(resource.workspace or "") != fold(who.workspace):
        return False
    about_a_job = resource.kind == "jobs" and resource.name is not None
    return who.job is None or not about_a_job or resource.name == who.job


@cache
def allows(role: str, action: str) -> bool:
    granted, refused = _ROLES.get(role, ((), ()))
    return any(_matches(p, action) for p in granted) and not any(
        _matches(p, action) for p in refused
    )


def roles() -> list[str]:
    return [name for name in _ROLES if name != "Job"]


def _matches(pattern: str, action: str) -> bool:
    return _compiled(pattern).fullmatch(action) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [".*".join(map(re.escape, part.split("*"))) for part in pattern.split("/*/")]
    return re.compile("/(?:.*/)?".join(parts), re.IGNORECASE)


def _absent(resource: Resource) -> str:
    if resource.name is None:
        return f"There is no workspace {resource.workspace!r}."
    return f"There is no {(resource.kind or 'resource').rstrip('s')} {resource.name!r}."
