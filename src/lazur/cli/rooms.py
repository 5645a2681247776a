"""What workspaces and registries have in common on the command line. `room` is the client's
attribute."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from knack.log import get_logger

from lazur.cli import session, specs
from lazur.cli.arguments import DESCRIPTION, FILE, MAX_RESULTS, NO_WAIT, SET, TAGS, name, option
from lazur.cli.tables import when
from lazur.errors import Invalid

log = get_logger(__name__)

_NOTES = {"display_name", "description", "tags"}
Commands = dict[str, tuple[str, dict[str, Any]]]
Arguments = dict[str, dict[str, dict[str, Any]]]


def commands(noun: str, confirmation: str) -> Commands:
    return {
        f"{noun} create": ("create", {"table_transformer": _row}),
        f"{noun} list": ("list_", {"table_transformer": _rows}),
        f"{noun} show": ("show", {"table_transformer": _row}),
        f"{noun} update": ("update", {"table_transformer": _row}),
        f"{noun} delete": ("delete", {"confirmation": confirmation}),
    }


def arguments(noun: str) -> Arguments:
    location = option("--location", "-l", help="Accepted for Azure's scripts, without effect.")
    return {
        noun: {
            "name": name(noun),
            "display_name": option("--display-name", help="Name that people see."),
            "description": DESCRIPTION,
            "tags": TAGS,
            "sets": SET,
            "no_wait": NO_WAIT,
        },
        f"{noun} create": {
            "file": FILE,
            "location": location,
            "managed_network": option(
                "--managed-network", "-m", help="Accepted for Azure's scripts, without effect."
            ),
        },
        f"{noun} update": {"file": FILE},
        f"{noun} list": {"max_results": MAX_RESULTS},
    }


def create_of(room: str) -> Callable[..., Any]:
    def create(
        name: str | None = None,
        file: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        tags: Any = None,
        location: str | None = None,
        managed_network: str | None = None,
        sets: Any = None,
        no_wait: bool = False,
    ) -> Any:
        network = {"isolation_mode": managed_network} if managed_network else None
        flags = {"name": name, "display_name": display_name, "description": description}
        flags |= {"tags": specs.pairs(tags), "location": location, "managed_network": network}
        found = specs.source(file, sets, flags)
        if not found.spec.get("name"):
            found.spec["name"] = _name_in_use(room)
        made = _room(room).submit(found)
        specs.warn(made)
        return {field: value for field, value in made.items() if field != "warnings"}

    return create


def _name_in_use(room: str) -> str:
    """Scripts set Azure's default first, and then make the workspace that it names."""
    chosen = session.current.workspace if room == "workspaces" else None
    if chosen is None:
        noun = "workspace" if room == "workspaces" else "registry"
        raise Invalid(f"The {noun} has no name.", hint="Give it one: -n NAME")
    return chosen


def list_of(room: str) -> Callable[..., Any]:
    def list_(max_results: int | None = None) -> Any:
        return [found.to_dict() for found in _room(room).list(max_results=max_results)]

    return list_


def update_of(room: str) -> Callable[..., Any]:
    def update(
        name: str,
        file: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        tags: Any = None,
        sets: Any = None,
        no_wait: bool = False,
    ) -> Any:
        flags = {
            **_changeable(file),
            **_given(display_name=display_name, description=description, tags=specs.pairs(tags)),
        }
        if file and not flags and not sets:
            return _room(room).get(name).to_dict()
        current = _room(room).get(name).to_dict() if sets else {}
        return _room(room).update(name, **specs.changes(sets, current, **flags)).to_dict()

    return update


def _changeable(file: str | None) -> dict[str, Any]:
    """What of a file can be changed; the rest was said of when it was made."""
    found = specs.source(file).spec if file else {}
    for field in found.keys() - _NOTES - {"name", "$schema"}:
        log.warning("`%s` is not changed: names, descriptions and tags are.", field)
    return {field: value for field, value in found.items() if field in _NOTES}


def _given(**flags: Any) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}


def _room(room: str) -> Any:
    return getattr(session.client(), room)


def _row(found: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Name=found["name"],
        Created=when((found.get("creation_context") or {}).get("created_at")),
        Description=found.get("description") or "",
    )


def _rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(one) for one in found]
