"""`az configure`: defaults, kept where Azure's command line keeps them."""

from __future__ import annotations

from typing import Any

from knack.util import CLIError

from lazur.cli.arguments import option
from lazur.cli.az import settings

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"configure": ("configure", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "configure": {
        "defaults_": option(
            "--defaults",
            "-d",
            help="Space-separated: key=value; an empty value removes it.",
            nargs="+",
        ),
        "list_defaults": option(
            "--list-defaults", "-l", help="Show the defaults.", action="store_true"
        ),
        "scope": option("--scope", help="global, or nothing.", choices=["global", "local"]),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "configure": {
        "short-summary": "Set and show defaults: group, workspace, location.",
        "examples": [
            {
                "name": "As Azure's scripts do",
                "text": "az configure --defaults group=azureml workspace=main location=eastus",
            },
            {"name": "Show them", "text": "az configure --list-defaults -o table"},
        ],
    }
}


def configure(
    defaults_: list[str] | None = None, list_defaults: bool = False, scope: str = "global"
) -> Any:
    if scope == "local":
        raise CLIError(settings.NOT_OF_A_FOLDER)
    if defaults_:
        settings.change(settings.DEFAULTS, dict(map(_pair, defaults_)))
        return None
    if not list_defaults:
        raise CLIError("Say what to set: az configure --defaults workspace=NAME. Or: -l")
    return settings.listed(settings.DEFAULTS)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CLIError("usage error: --defaults STRING=STRING STRING=STRING ...")
    return name, value.strip("'\"")
