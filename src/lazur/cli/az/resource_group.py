"""`az group …`: Lazur has no resource groups, so any name is one, and nothing is made or lost."""

from __future__ import annotations

from typing import Any

from lazur.cli import session, terminal
from lazur.cli.arguments import TAGS, option
from lazur.cli.az import place, settings
from lazur.cli.specs import pairs

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "group show": ("show", {}),
    "group create": ("create", {}),
    "group exists": ("exists", {}),
    "group list": ("list_", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "group": {"name": option("--name", "-n", help="Name of the group; --resource-group, too.")},
    "group create": {
        "location": option("--location", "-l", help="Named back, without effect."),
        "tags": TAGS,
        "managed_by": option("--managed-by", help="Accepted for Azure's scripts."),
    },
    "group list": {"tag": option("--tag", help="Accepted for Azure's scripts.")},
}
HELP: dict[str, dict[str, Any]] = {
    "group show": {
        "short-summary": "Show a resource group, of any name.",
        "examples": [{"name": "Its id", "text": "az group show -n azureml --query id -o tsv"}],
    },
    "group create": {
        "short-summary": "Nothing to do: any name is taken.",
        "examples": [{"name": "As scripts do", "text": "az group create -n azureml -l eastus"}],
    },
    "group exists": {
        "short-summary": "Whether there is a resource group: always.",
        "examples": [{"name": "Ask", "text": "az group exists -n azureml"}],
    },
    "group list": {
        "short-summary": "List the resource group in use.",
        "examples": [{"name": "Names", "text": "az group list --query [].name -o tsv"}],
    },
}


def show(name: str | None = None) -> Any:
    return _group(name)


def create(
    name: str | None = None,
    location: str | None = None,
    tags: Any = None,
    managed_by: str | None = None,
) -> Any:
    if not session.current.only_errors:
        terminal.note("Lazur has no resource groups: nothing was made, and any name is taken.")
    return {**_group(name, location), "tags": pairs(tags)}


def exists(name: str | None = None) -> bool:
    return True


def list_(tag: str | None = None) -> Any:
    return [_group(None)]


def _group(name: str | None, location: str | None = None) -> dict[str, Any]:
    name = name or place.current.group
    return {
        "id": place.Place(place.current.subscription, name).group_id,
        "location": location or settings.get(settings.DEFAULTS, "location") or "local",
        "managedBy": None,
        "name": name,
        "properties": {"provisioningState": "Succeeded"},
        "tags": None,
        "type": "Microsoft.Resources/resourceGroups",
    }
