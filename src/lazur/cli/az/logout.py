"""`az logout`: as `lazur logout`, where somebody has signed in."""

from __future__ import annotations

from typing import Any

from lazur.cli import logout as ours
from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.cli.login import remote
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"logout": ("logout", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "logout": {"_username": option("--username", help="Accepted for Azure's scripts.")}
}
HELP: dict[str, dict[str, Any]] = {
    "logout": {
        "short-summary": "Sign out of the server in use. This machine's own needs no sign-in.",
        "examples": [{"name": "At the end of a script", "text": "az logout"}],
    }
}


def logout() -> None:
    if session.current.url or remote(home.find()):
        ours.logout()
    else:
        terminal.note("This machine's own server needs no sign-in: nobody was signed out.")
