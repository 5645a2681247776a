"""`lazur workspace …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session, specs
from lazur.cli.arguments import DESCRIPTION, FILE, MAX_RESULTS, NO_WAIT, SET, TAGS, name, option
from lazur.cli.tables import when


def _row(workspace: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Name=workspace["name"],
        Created=when((workspace.get("creation_context") or {}).get("created_at")),
        Description=workspace.get("description") or "",
    )


def _rows(workspaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(workspace) for workspace in workspaces]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "workspace create": ("create", {"table_transformer": _row}),
    "workspace list": ("list_", {"table_transformer": _rows}),
    "workspace show": ("show", {"table_transformer": _row}),
    "workspace update": ("update", {"table_transformer": _row}),
    "workspace delete": (
        "delete",
        {"confirmation": "Delete this workspace? What it holds is kept, but out of reach."},
    ),
}
_FIELDS = {
    "display_name": option("--display-name", help="Name that people see."),
    "description": DESCRIPTION,
    "tags": TAGS,
    "sets": SET,
    "no_wait": NO_WAIT,
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "workspace": {"name": name("workspace"), **_FIELDS},
    "workspace create": {
        "file": FILE,
        "location": option("--location", "-l", help="Accepted for Azure's scripts, and ignored."),
    },
    "workspace list": {"max_results": MAX_RESULTS},
    "workspace delete": {
        "all_resources": option(
            "--all-resources", help="Accepted for Azure's scripts.", action="store_true"
        )
    },
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
    flags = {
        "name": name,
        "display_name": display_name,
        "description": description,
        "tags": specs.pairs(tags),
    }
    spec = specs.source(file, sets, flags).spec
    return session.client().workspaces.create(spec.pop("name", None), **spec).to_dict()


def list_(max_results: int | None = None) -> Any:
    return [w.to_dict() for w in session.client().workspaces.list(max_results=max_results)]


def show(name: str | None = None) -> Any:
    client = session.client()
    return client.workspaces.get(name or client.workspace_name).to_dict()


def update(
    name: str,
    display_name: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    workspaces = session.client().workspaces
    flags = {"display_name": display_name, "description": description, "tags": specs.pairs(tags)}
    current = workspaces.get(name).to_dict() if sets else {}
    return workspaces.update(name, **specs.changes(sets, current, **flags)).to_dict()


def delete(name: str, all_resources: bool = False, no_wait: bool = False) -> None:
    session.client().workspaces.delete(name)
