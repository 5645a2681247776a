"""`lazur registry …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import rooms, session

COMMANDS = rooms.commands(
    "registry", "Delete this registry? What it holds is out of reach for everybody."
)
ARGUMENTS = rooms.arguments("registry")
HELP: dict[str, dict[str, Any]] = {
    "registry create": {
        "short-summary": "Create a registry, for assets that several workspaces use.",
        "examples": [
            {"name": "Create", "text": "lazur registry create -n shared"},
            {
                "name": "Put a model into it",
                "text": "lazur model share -n iris -v 3 --registry-name shared",
            },
        ],
    },
    "registry list": {
        "short-summary": "List the registries that you may read.",
        "examples": [{"name": "List", "text": "lazur registry list -o table"}],
    },
    "registry show": {
        "short-summary": "Show a registry.",
        "examples": [{"name": "Show", "text": "lazur registry show -n shared"}],
    },
    "registry update": {
        "short-summary": "Change what a registry says of itself.",
        "examples": [
            {"name": "Tag", "text": "lazur registry update -n shared --set tags.team=vision"}
        ],
    },
    "registry delete": {
        "short-summary": "Delete a registry. Its name stays taken.",
        "examples": [{"name": "Delete", "text": "lazur registry delete -n shared --yes"}],
    },
}

create = rooms.create_of("registries")
list_ = rooms.list_of("registries")
update = rooms.update_of("registries")


def show(name: str) -> Any:
    return session.client().registries.get(name).to_dict()


def delete(name: str) -> None:
    session.client().registries.delete(name)
