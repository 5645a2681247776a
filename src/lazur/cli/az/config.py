"""`az config …`: the settings of Azure's command line, by section and name. Those that only it
knows are kept for it, and change nothing here."""

from __future__ import annotations

from typing import Any

from knack.util import CLIError

from lazur.cli.arguments import option
from lazur.cli.az import settings

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "config set": ("set_", {}),
    "config get": ("get", {}),
    "config unset": ("unset", {}),
}
_LOCAL = option("--local", help="Refused: settings of a folder are not read.", action="store_true")
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "config": {"local": _LOCAL},
    "config set": {
        "pairs": {
            "options_list": [],
            "nargs": "+",
            "metavar": "SECTION.NAME=VALUE",
            "help": "Space-separated: section.name=value.",
        }
    },
    "config get": {
        "key": {
            "options_list": [],
            "nargs": "?",
            "metavar": "SECTION.NAME",
            "help": "A setting, or a section. Default: all.",
        }
    },
    "config unset": {
        "keys": {
            "options_list": [],
            "nargs": "+",
            "metavar": "SECTION.NAME",
            "help": "Settings to remove.",
        }
    },
}
HELP: dict[str, dict[str, Any]] = {
    "config set": {
        "short-summary": "Change settings.",
        "examples": [
            {
                "name": "The workspace in use",
                "text": "az config set defaults.group=azureml defaults.workspace=main",
            }
        ],
    },
    "config get": {
        "short-summary": "Show settings.",
        "examples": [{"name": "One", "text": "az config get defaults.workspace"}],
    },
    "config unset": {
        "short-summary": "Remove settings.",
        "examples": [{"name": "One", "text": "az config unset defaults.workspace"}],
    },
}


def set_(pairs: list[str], local: bool = False) -> None:
    _check(local)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise CLIError(f"{pair!r} is not of the form section.name=value.")
        section, name = _parts(key)
        settings.change(section, {name: value})


def get(key: str | None = None, local: bool = False) -> Any:
    _check(local)
    if key is None:
        return {section: settings.listed(section) for section in settings.sections()}
    if "." not in key:
        return settings.listed(key)
    section, name = _parts(key)
    for found in settings.listed(section):
        if found["name"] == name:
            return found
    raise CLIError(f"Configuration '{key}' is not set.")


def unset(keys: list[str], local: bool = False) -> None:
    _check(local)
    for key in keys:
        section, name = _parts(key)
        settings.change(section, {name: None})


def _parts(key: str) -> tuple[str, str]:
    section, _, name = key.partition(".")
    if not (section and name):
        raise CLIError(f"{key!r} is not of the form section.name.")
    return section, name.lower()


def _check(local: bool) -> None:
    if local:
        raise CLIError(settings.NOT_OF_A_FOLDER)
