"""`az extension …`: `ml` is always there, and nothing else can be installed."""

from __future__ import annotations

import re
from typing import Any

from knack.util import CLIError

from lazur.cli import terminal
from lazur.cli.arguments import YES, option
from lazur.cli.az.version import ML

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "extension add": ("add", {}),
    "extension update": ("update", {}),
    "extension remove": ("remove", {}),
    "extension show": ("show", {}),
    "extension list": ("list_", {}),
}
_NAME = option("--name", "-n", help="Name of the extension.")
_SOURCE = option("--source", "-s", help="A wheel: its name says which extension it is.")
_FLAGS: dict[str, dict[str, Any]] = {
    "yes": YES,
    "upgrade": option("--upgrade", help="Accepted for Azure's scripts.", action="store_true"),
    "preview": option(
        "--allow-preview", help="Accepted for Azure's scripts.", nargs="?", const="true"
    ),
    "version": option("--version", help="Accepted for Azure's scripts."),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "extension": {"name": _NAME},
    "extension add": {"source": _SOURCE, **_FLAGS},
    "extension update": _FLAGS,
}
HELP: dict[str, dict[str, Any]] = {
    "extension add": {
        "short-summary": "Nothing to do: `ml` is there.",
        "examples": [{"name": "As scripts do", "text": "az extension add -n ml -y"}],
    },
    "extension update": {
        "short-summary": "Nothing to do: `ml` goes with Lazur.",
        "examples": [{"name": "As scripts do", "text": "az extension update -n ml"}],
    },
    "extension remove": {
        "short-summary": "Nothing to do: `ml` stays.",
        "examples": [{"name": "As scripts do", "text": "az extension remove -n ml"}],
    },
    "extension show": {
        "short-summary": "Show the extension `ml`.",
        "examples": [{"name": "Its version", "text": "az extension show -n ml --query version"}],
    },
    "extension list": {
        "short-summary": "List what is there: `ml`.",
        "examples": [{"name": "Names", "text": "az extension list --query [].name -o tsv"}],
    },
}
_HERE = {"experimental": False, "extensionType": "whl", "name": "ml", "preview": False}
_WHEEL = re.compile(r"(?:.*/)?(?P<name>[A-Za-z0-9_.]+?)-[^/]+\.whl(?:\?.*)?")


def add(
    name: str | None = None,
    source: str | None = None,
    yes: bool = False,
    upgrade: bool = False,
    preview: str | None = None,
    version: str | None = None,
) -> None:
    wheel = _WHEEL.fullmatch(source or "")
    name = name or (wheel["name"].replace("_", "-") if wheel else source)
    if name != "ml":
        raise CLIError(f"No extension {name!r} can be installed into Lazur's az. It has: ml.")
    terminal.note("Extension 'ml' is there: it is part of Lazur.")


def update(
    name: str,
    yes: bool = False,
    upgrade: bool = False,
    preview: str | None = None,
    version: str | None = None,
) -> None:
    _check(name)
    terminal.note("Extension 'ml' is as new as Lazur.")


def remove(name: str) -> None:
    _check(name)
    terminal.note("Extension 'ml' stays: it is part of Lazur.")


def show(name: str) -> Any:
    _check(name)
    return {**_HERE, "version": ML}


def list_() -> Any:
    return [{**_HERE, "version": ML}]


def _check(name: str) -> None:
    if name != "ml":
        raise CLIError(f"The extension {name} is not installed.")
