"""`lazur registry …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session, specs
from lazur.cli.arguments import DESCRIPTION, FILE, MAX_RESULTS, NO_WAIT, SET, TAGS, name, option
from lazur.cli.tables import when


def _row(registry: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Name=registry["name"],
        Created=when((registry.get("creation_context") or {}).get("created_at")),
        Description=registry.get("description") or "",
    )


def _rows(registries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(registry) for registry in registries]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "registry create": ("create", {"table_transformer": _row}),
    "registry list": ("list_", {"table_transformer": _rows}),
    "registry show": ("show", {"table_transformer": _row}),
    "registry update": ("update", {"table_transformer": _row}),
    "registry delete": (
        "delete",
        {"confirmation": "Delete this registry? What it holds is out of reach for everybody."},
    ),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "registry": {
        "name": name("registry"),
        "display_name": option("--display-name", help="Name that people see."),
        "description": DESCRIPTION,
        "tags": TAGS,
        "sets": SET,
        "no_wait": NO_WAIT,
    },
    "registry create": {
        "file": FILE,
        "location": option("--location", "-l", help="Kept, without effect."),
    },
    "registry list": {"max_results": MAX_RESULTS},
}
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


def create(
    name: str | None = None,
    file: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    tags: Any = None,
    location: str | None = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    flags = {"name": name, "display_name": display_name, "description": description}
    flags |= {"tags": specs.pairs(tags), "location": location}
    spec = dict(specs.source(file, sets, flags).spec)
    spec.pop("$schema", None)
    return session.client().registries.create(str(spec.pop("name", "")), **spec).to_dict()


def list_(max_results: int | None = None) -> Any:
    return [r.to_dict() for r in session.client().registries.list(max_results=max_results)]


def show(name: str) -> Any:
    return session.client().registries.get(name).to_dict()


def update(
    name: str,
    display_name: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    registries = session.client().registries
    current = registries.get(name).to_dict() if sets else {}
    given = {"display_name": display_name, "description": description}
    changed = specs.changes(sets, current, **given, tags=specs.pairs(tags))
    return registries.update(name, **changed).to_dict()


def delete(name: str) -> None:
    session.client().registries.delete(name)
