"""Where a role holds: the whole server, a workspace, or a registry. Azure's ids of workspaces are
understood; what it has and is not here is refused, so that nothing holds in more places than was
meant."""

from __future__ import annotations

import re
from urllib.parse import quote

from lazur.errors import Invalid

SERVER = "/"
_REGISTRY = re.compile(r"(?i)/registries/([^/]+)/?")
_WORKSPACE = re.compile(
    r"(?i)(?:/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"Microsoft\.MachineLearningServices)?/workspaces/([^/]+)/?"
)


def workspace_in(scope: str) -> str | None:
    """The workspace's name; None: it is the whole server."""
    if scope == SERVER:
        return None
    if found := _WORKSPACE.fullmatch(scope):
        return found[1]
    if scope and "/" not in scope:
        return scope
    if _REGISTRY.fullmatch(scope):
        raise Invalid(f"{scope!r} is a registry.", hint="Name a workspace, or / for all of them.")
    raise Invalid(
        f"{scope!r} is no place that a role can hold in here.",
        hint="Write the name of a workspace, its id in Azure's form, /registries/NAME, or / for "
        "the whole server. Subscriptions and resource groups are not known here.",
    )


def path_of(scope: str) -> str:
    """Of the routes that are about the place."""
    if found := _REGISTRY.fullmatch(scope):
        return f"/api/v1/registries/{quote(found[1], safe='')}"
    workspace = workspace_in(scope)
    return "/api/v1" + (f"/workspaces/{quote(workspace, safe='')}" if workspace else "")


def words(scope: str) -> str:
    """For people: `the workspace lab`."""
    if found := _REGISTRY.fullmatch(scope):
        return f"the registry {found[1]}"
    workspace = workspace_in(scope)
    return "the whole server" if workspace is None else f"the workspace {workspace}"


def within(scope: str) -> str:
    """For people: `in the workspace lab`."""
    return f"{'on' if scope == SERVER else 'in'} {words(scope)}"
