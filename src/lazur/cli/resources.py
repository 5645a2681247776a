"""What datastores and connections have in common on the command line."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from lazur.cli import session, specs
from lazur.cli.arguments import DESCRIPTION, FILE, MAX_RESULTS, NO_WAIT, SET, TAGS, name, option

Commands = dict[str, tuple[str, dict[str, Any]]]
Arguments = dict[str, dict[str, dict[str, Any]]]
_SKIP = option("--skip-validation", help="Accepted for Azure's scripts.", action="store_true")


def commands(noun: str) -> Commands:
    return {
        f"{noun} create": ("create", {"table_transformer": row}),
        f"{noun} list": ("list_", {"table_transformer": rows}),
        f"{noun} show": ("show", {"table_transformer": row}),
        f"{noun} update": ("update", {"table_transformer": row}),
        f"{noun} delete": (
            "delete",
            {"confirmation": f"Delete this {noun}, with its credentials? Its data stays."},
        ),
        f"{noun} list-secrets": ("list_secrets", {}),
    }


def arguments(noun: str) -> Arguments:
    return {
        noun: {
            "name": name(noun),
            "description": DESCRIPTION,
            "tags": TAGS,
            "sets": SET,
            "no_wait": NO_WAIT,
        },
        f"{noun} create": {
            "file": FILE,
            "name": name(noun, required=False),
            "skip_validation": _SKIP,
        },
        f"{noun} list": {"max_results": MAX_RESULTS},
    }


def texts(noun: str, plural: str) -> dict[str, dict[str, Any]]:
    return {
        f"{noun} create": {
            "short-summary": f"Make a {noun}, or replace it.",
            "long-summary": "Its credentials are sealed; `show` tells no more than their kind.",
            "examples": [
                {"name": "From YAML", "text": f"lazur {noun} create -f {noun}.yml"},
            ],
        },
        f"{noun} list": {
            "short-summary": f"List {plural}.",
            "examples": [{"name": "All", "text": f"lazur {noun} list -o table"}],
        },
        f"{noun} show": {
            "short-summary": f"Show a {noun}, without its secrets.",
            "examples": [{"name": "Show", "text": f"lazur {noun} show -n NAME"}],
        },
        f"{noun} update": {
            "short-summary": f"Change a {noun}.",
            "long-summary": "Where it leads changes together with its credentials only.",
            "examples": [{"name": "Tag", "text": f"lazur {noun} update -n NAME --set tags.a=b"}],
        },
        f"{noun} delete": {
            "short-summary": f"Delete a {noun}.",
            "examples": [{"name": "Delete", "text": f"lazur {noun} delete -n NAME --yes"}],
        },
        f"{noun} list-secrets": {
            "short-summary": "Show its credentials, for who may see secrets.",
            "examples": [{"name": "Show", "text": f"lazur {noun} list-secrets -n NAME"}],
        },
    }


def create_of(room: str) -> Callable[..., Any]:
    """`room` is the client's attribute."""

    def create(
        file: str,
        name: str | None = None,
        description: str | None = None,
        tags: Any = None,
        sets: Any = None,
        skip_validation: bool = False,
        no_wait: bool = False,
    ) -> Any:
        flags = {"name": name, "description": description, "tags": specs.pairs(tags)}
        made = getattr(session.client(), room).submit(specs.source(file, sets, flags))
        return _told(made)

    return create


def show_of(room: str) -> Callable[..., Any]:
    def show(name: str) -> Any:
        return getattr(session.client(), room).get(name).to_dict()

    return show


def update_of(room: str) -> Callable[..., Any]:
    def update(
        name: str,
        description: str | None = None,
        tags: Any = None,
        sets: Any = None,
        no_wait: bool = False,
    ) -> Any:
        found = getattr(session.client(), room)
        current = found.get(name).to_dict() if sets else {}
        current.pop("credentials", None)  # their kind alone is none
        flags = {"description": description, "tags": specs.pairs(tags)}
        return _told(found.change(name, specs.changes(sets, current, **flags)))

    return update


def delete_of(room: str) -> Callable[..., Any]:
    def delete(name: str, no_wait: bool = False) -> None:
        getattr(session.client(), room).delete(name)

    return delete


def list_secrets_of(room: str) -> Callable[..., Any]:
    def list_secrets(name: str) -> Any:
        return getattr(session.client(), room).list_secrets(name)

    return list_secrets


def row(resource: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Name=resource["name"] + (" (default)" if resource.get("is_default") else ""),
        Type=resource["type"],
        Credentials=resource["credentials"]["type"],
        Description=resource.get("description") or "",
    )


def rows(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row(resource) for resource in resources]


def _told(made: dict[str, Any]) -> dict[str, Any]:
    specs.warn(made)
    return {name: value for name, value in made.items() if name != "warnings"}
