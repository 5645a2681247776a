"""`lazur me`: who the server takes us for."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session
from lazur.sdk.places import words


def _rows(me: dict[str, Any]) -> list[dict[str, Any]]:
    """A line for each role; who has none is there as well."""
    limit = me["only"]
    only = f"{limit['role']}, {limit['where']}" if limit else ""
    return [
        OrderedDict(Name=me["name"], Kind=me["kind"], Role=role["role"], Where=role["where"])
        | ({"Token good for": only} if only else {})
        for role in me["roles"] or [{"role": "", "where": ""}]
    ]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"me": ("me", {"table_transformer": _rows})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {}
HELP: dict[str, dict[str, Any]] = {
    "me": {
        "short-summary": "Show who you are on the server, and what you may do where.",
        "examples": [{"name": "Show", "text": "lazur me -o table"}],
    }
}


def me() -> Any:
    client = session.client()
    found = client.me().to_dict()
    return {
        **found,
        "roles": [_placed(role) for role in found.get("roles") or []],
        "only": _placed(found["only"]) if found.get("only") else None,
        "server": client.url,
        "workspace_in_use": client.workspace_name,
    }


def _placed(role: dict[str, Any]) -> dict[str, Any]:
    place = "/"
    for kind, field in (("workspaces", "workspace"), ("registries", "registry")):
        if role.get(field):
            place = f"/{kind}/{role[field]}"
    return {**role, "where": words(place)}
