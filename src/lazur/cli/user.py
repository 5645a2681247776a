"""`lazur user …`"""

from __future__ import annotations

import getpass
import sys
from urllib.parse import quote

from knack.util import CLIError

from lazur.cli import principals, session, terminal
from lazur.cli.arguments import option

COMMANDS = {
    **principals.commands("user"),
    "user set-password": ("set_password", {}),
}
ARGUMENTS = {
    **principals.arguments("user"),
    "user set-password": {
        "name": option("--name", "-n", help="Name of the user. Without it: your own password."),
        "remove": option(
            "--remove", help="They sign in some other way from now on.", action="store_true"
        ),
    },
}
HELP = principals.texts(
    "user",
    "bea",
    [
        {
            "name": "A colleague, whom the team's provider knows by this address",
            "text": "lazur user create -n bea --email bea@example.org",
        },
        {
            "name": "And what they may do",
            "text": "lazur role assignment create --assignee bea --role Contributor",
        },
    ],
)

HELP["user set-password"] = {
    "short-summary": "Change your own password, or give somebody one.",
    "long-summary": (
        "It is asked for, or read from stdin: never an argument, which others on this machine "
        "can see. Your own takes the present one first. Every browser of that person is signed "
        "out. The server's settings must say password_sign_in = true."
    ),
    "examples": [
        {"name": "Your own", "text": "lazur user set-password"},
        {"name": "A first one", "text": "lazur user set-password -n bea"},
        {"name": "None any more", "text": "lazur user set-password -n bea --remove"},
    ],
}

create = principals.create_of("user")
list_ = principals.list_of("user")
show = principals.show_of("user")
update = principals.update_of("user")
delete = principals.delete_of("user")


def set_password(name: str | None = None, remove: bool = False) -> None:
    if name is None:
        if remove:
            raise CLIError("Whose? Say --name NAME.")
        _set_own()
        return
    password = None if remove else _asked(name)
    path = f"/api/v1/users/{quote(name, safe='')}/password"
    session.client().http.request("PUT", path, json={"password": password})
    terminal.note(f"{name} has {'no password any more' if remove else 'a new password'}.")


def _set_own() -> None:
    """Of stdin, the present one is the first line and the new one the second."""
    client = session.client()
    name = str(client.me().to_dict()["name"])
    current = _read() if not sys.stdin.isatty() else getpass.getpass("Present password: ")
    body = {"current": current, "new": _asked(name)}
    client.http.request("PUT", "/api/v1/me/password", json=body)
    terminal.note(f"{name} has a new password. Browsers that were signed in no longer are.")


def _read() -> str:
    return sys.stdin.readline().rstrip("\n")


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        return _read()
    while True:
        password = getpass.getpass(f"New password of {name}: ")
        if password == getpass.getpass("Again: "):
            return password
        terminal.note("These were not the same. Again:")
