"""`lazur configure`: defaults, so that they need not be typed."""

from __future__ import annotations

from typing import Any

from knack.util import CLIError

from lazur.cli.arguments import option
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"configure": ("configure", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "configure": {
        "defaults_": option(
            "--defaults",
            "-d",
            help="Space-separated: key=value; an empty value removes it.",
            nargs="*",
        ),
        "list_defaults": option(
            "--list-defaults", "-l", help="Show the defaults.", action="store_true"
        ),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "configure": {
        "short-summary": "Set and show defaults.",
        "long-summary": (
            "workspace, server and output have an effect; group and location are kept for "
            "Azure's scripts."
        ),
        "examples": [
            {"name": "Use a workspace", "text": "lazur configure --defaults workspace=research"},
            {
                "name": "Print tables unless told otherwise",
                "text": "lazur configure --defaults output=table",
            },
            {"name": "Show them", "text": "lazur configure -l -o table"},
            {"name": "Forget one", "text": "lazur configure --defaults workspace=''"},
        ],
    }
}

_KNOWN = ("group", "location", "output", "server", "workspace")
_SECTION = {"output": "core"}


def configure(defaults_: list[str] | None = None, list_defaults: bool = False) -> Any:
    folder = home.find()
    if defaults_:
        _change(defaults_)
    if list_defaults or not defaults_:
        source = str(folder / "defaults.toml")
        return [
            {"name": name, "source": source, "value": value}
            for section in home.defaults(folder).values()
            for name, value in section.items()
        ]
    return None


def _change(assignments: list[str]) -> None:
    folder = home.find()
    sections = home.defaults(folder)
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in _KNOWN:
            raise CLIError(
                f"{assignment!r} sets no default. There are: {', '.join(_KNOWN)}; write "
                "workspace=NAME."
            )
        section = sections.setdefault(_SECTION.get(name, "defaults"), {})
        section.pop(name, None)
        if value:
            section[name] = value
    home.save_defaults(folder, sections)
