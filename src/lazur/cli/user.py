"""`lazur user …`"""

from __future__ import annotations

import getpass
import sys
from urllib.parse import quote

from lazur.cli import principals, session, terminal
from lazur.cli.arguments import name, option

COMMANDS = {
    **principals.commands("user"),
    "user set-password": ("set_password", {}),
}
ARGUMENTS = {
    **principals.arguments("user"),
    "user set-password": {
        "name": name("user", required=True),
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
    "short-summary": "Give somebody a password, or take it away.",
    "long-summary": (
        "It is asked for, or read from stdin: never an argument, which others on this machine "
        "can see. Every browser of theirs is signed out. The server's settings must say "
        "password_sign_in = true."
    ),
    "examples": [
        {"name": "A first one", "text": "lazur user set-password -n bea"},
        {"name": "None any more", "text": "lazur user set-password -n bea --remove"},
    ],
}

create = principals.create_of("user")
list_ = principals.list_of("user")
show = principals.show_of("user")
update = principals.update_of("user")
delete = principals.delete_of("user")


def set_password(name: str, remove: bool = False) -> None:  # the name of an option, not ours
    password = None if remove else _asked(name)
    path = f"/api/v1/users/{quote(name, safe='')}/password"
    session.client().http.request("PUT", path, json={"password": password})
    terminal.note(f"{name} has {'no password any more' if remove else 'a new password'}.")


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    while True:
        password = getpass.getpass(f"New password of {name}: ")
        if password == getpass.getpass("Again: "):
            return password
        terminal.note("These were not the same. Again:")
