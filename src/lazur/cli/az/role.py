"""`az role assignment …`: Lazur's own roles, with Azure's names of places."""

from __future__ import annotations

import re
from typing import Any

from lazur.cli import role as ours
from lazur.cli import terminal
from lazur.cli.arguments import option
from lazur.cli.az import place
from lazur.errors import Invalid, NotFound

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "role assignment create": ("create", {}),
    "role assignment list": ("list_", {}),
    "role assignment delete": ("delete", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    **{
        scope: options
        for scope, options in ours.ARGUMENTS.items()
        if scope.startswith("role assignment")
    },
    "role assignment delete": {
        **ours.ARGUMENTS["role assignment delete"],
        "yes": option("--yes", "-y", help="Do not ask.", action="store_true"),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "role assignment": {"type": "group", "short-summary": "Who has which role where."},
    "role assignment create": {
        "short-summary": "Give somebody a role in a workspace or a registry.",
        "long-summary": "A resource group is the workspace in use: Lazur has no groups.",
        "examples": [
            {
                "name": "In the workspace in use",
                "text": "az role assignment create --assignee bea --role Contributor",
            }
        ],
    },
    "role assignment list": {
        "short-summary": "List who has which role.",
        "examples": [{"name": "List", "text": "az role assignment list --assignee bea"}],
    },
    "role assignment delete": {
        "short-summary": "Take a role away.",
        "examples": [
            {
                "name": "In the workspace in use",
                "text": "az role assignment delete --assignee bea --role Contributor",
            }
        ],
    },
}
_GROUP = re.compile(r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+/?")
_REGISTRY = re.compile(
    r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
    r"Microsoft\.MachineLearningServices/registries/([^/]+)/?"
)
_OTHERS = re.compile(r"(?i)/subscriptions/.*/providers/(?P<kind>Microsoft\.[^/]+/[^/]+)/.*")
_MINE = "microsoft.machinelearningservices/workspaces"
_TYPES = {"user": "User", "group": "Group", "service": "ServicePrincipal"}


def create(
    assignee: str, role: str, scope: str | None = None, assignee_type: str | None = None
) -> Any:
    return _shaped(ours.assign(assignee, role, _scope(scope)))


def list_(
    assignee: str | None = None,
    role: str | None = None,
    scope: str | None = None,
    everywhere: bool = False,
    include_inherited: bool = False,
) -> Any:
    found = ours.assignments(assignee, role, _scope(scope), everywhere, include_inherited)
    return [_shaped(one) for one in found]


def delete(
    assignee: str | None = None,
    role: str | None = None,
    scope: str | None = None,
    ids: list[str] | None = None,
    yes: bool = False,
) -> None:
    """Azure's asks only where all of somebody's are meant, and says nothing of what was not
    there."""
    if assignee and not (role or ids or yes):
        terminal.confirm(f"Take away every role that {assignee} has there?")
    try:
        ours.unassign(assignee, role, _scope(scope), [one.rpartition("/")[2] for one in ids or []])
    except NotFound:
        terminal.note("No matched assignments were found to delete.")


def _scope(azures: str | None) -> str | None:
    """Never more than was meant: what has no counterpart is refused."""
    if azures is None:
        return None
    if _GROUP.fullmatch(azures):
        terminal.note("Lazur has no resource groups: this is about the workspace in use.")
        return None
    if found := _REGISTRY.fullmatch(azures):
        return f"/registries/{found[1]}"
    other = _OTHERS.fullmatch(azures)
    if other and other["kind"].lower() != _MINE:
        raise Invalid(
            f"There is no {other['kind']} in Lazur, so nobody needs a role there.",
            hint="Roles hold in a workspace, a registry, or on the whole server (--scope /).",
        )
    return azures


def _shaped(ours: dict[str, Any]) -> dict[str, Any]:
    scope = str(ours["scope"])
    if scope.startswith("/"):
        where = scope if scope == "/" else place.current.id(*scope.strip("/").split("/"))
    else:
        where = place.current.id("workspaces", scope)
    made = ours.get("creation_context") or {}
    base = f"{where.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments"
    return {
        "createdBy": made.get("created_by"),
        "createdOn": made.get("created_at"),
        "id": f"{base}/{ours['id']}",
        "name": ours["id"],
        "principalId": ours["principal"],
        "principalName": ours["principal"],
        "principalType": _TYPES.get(str(ours["principal_kind"]), "User"),
        "resourceGroup": place.current.group,
        "roleDefinitionName": ours["role"],
        "scope": where,
        "type": "Microsoft.Authorization/roleAssignments",
    }
