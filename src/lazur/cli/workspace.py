"""`lazur workspace …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import rooms, session
from lazur.cli.arguments import option

COMMANDS = rooms.commands(
    "workspace", "Delete this workspace? What it holds is kept, but out of reach."
)
ARGUMENTS = rooms.arguments("workspace")
ARGUMENTS["workspace delete"] = {
    "all_resources": option(
        "--all-resources", help="Accepted for Azure's scripts.", action="store_true"
    )
}
HELP: dict[str, dict[str, Any]] = {
    "workspace create": {
        "short-summary": "Create a workspace.",
        "examples": [
            {"name": "Create", "text": "lazur workspace create -n research"},
            {
                "name": "And use it from now on",
                "text": "lazur configure --defaults workspace=research",
            },
        ],
    },
    "workspace list": {
        "short-summary": "List workspaces.",
        "examples": [{"name": "Names", "text": "lazur workspace list --query '[].name' -o tsv"}],
    },
    "workspace show": {
        "short-summary": "Show a workspace; without a name, the one in use.",
        "examples": [{"name": "Show", "text": "lazur workspace show -n research"}],
    },
    "workspace update": {
        "short-summary": "Change what a workspace says of itself.",
        "examples": [
            {"name": "Tag", "text": "lazur workspace update -n research --set tags.team=vision"}
        ],
    },
    "workspace delete": {
        "short-summary": "Delete a workspace.",
        "examples": [{"name": "Delete", "text": "lazur workspace delete -n research --yes"}],
    },
}

create = rooms.create_of("workspaces")
list_ = rooms.list_of("workspaces")
update = rooms.update_of("workspaces")


def show(name: str | None = None) -> Any:
    client = session.client()
    return client.workspaces.get(name or client.workspace_name).to_dict()


def delete(name: str, all_resources: bool = False, no_wait: bool = False) -> None:
    session.client().workspaces.delete(name)
