"""`lazur azure …`: this machine as Azure's tools find it."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

from lazur.cli import azure_env, azure_moving, launcher, session, terminal
from lazur.cli.arguments import option
from lazur.cli.azure_env import config, env  # noqa: F401 - knack looks for them here
from lazur.cli.azure_moving import export, import_  # noqa: F401 - likewise
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "azure shim": ("shim", {}),
    **azure_env.COMMANDS,
    **azure_moving.COMMANDS,
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    **azure_env.ARGUMENTS,
    **azure_moving.ARGUMENTS,
    "azure shim": {
        "folder": option(
            "--dir", "-d", help="Folder to put it into. Default: bin in LAZUR_HOME.", metavar="DIR"
        ),
        "remove": option("--remove", help="Take it away again.", action="store_true"),
    },
}
HELP: dict[str, dict[str, Any]] = {
    **azure_env.HELP,
    **azure_moving.HELP,
    "azure shim": {
        "short-summary": "Put an `az` into a folder that answers Azure's scripts with Lazur.",
        "long-summary": (
            "It takes `az ml …` and what scripts call beside it. What it prints puts it before"
            " every other `az` of this shell. An `az` that is not Lazur's is never touched."
        ),
        "examples": [
            {"name": "For this shell", "text": 'eval "$(lazur azure shim)"'},
            {"name": "Into a folder of your own", "text": "lazur azure shim --dir ./tools"},
            {"name": "Take it away", "text": "lazur azure shim --remove"},
        ],
    },
}


def shim(folder: str | None = None, remove: bool = False) -> Any:
    place = Path(folder).expanduser().absolute() if folder else home.find() / "bin"
    if remove:
        terminal.note(_removed(place))
        return None
    made = launcher.write(place)
    if session.current.is_read_by_machine:
        return {"path": str(made), "folder": str(place)}
    print(f'export PATH={shlex.quote(str(place))}:"$PATH"')
    terminal.note(f"{made} is Lazur's az.{_other(place)}")
    return None


def _removed(place: Path) -> str:
    if launcher.remove(place):
        return f"Lazur's az is gone from {place}."
    return f"There is no az in {place}."


def _other(place: Path) -> str:
    """A shell finds the first one."""
    found = shutil.which("az")
    if found is None or Path(found).parent == place:
        return ""
    return f" In this shell, {found} comes first until the line above is run."
