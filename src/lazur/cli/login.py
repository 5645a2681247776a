"""`lazur login`: which server, and who we are there."""

from __future__ import annotations

import getpass
import sys
import webbrowser
from typing import Any

from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"login": ("login", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "login": {
        "token": option(
            "--token", help="Token; `-` reads it from stdin. Asked for when it is not given."
        ),
        "web": option(
            "--web", help="Sign in the browser, without typing anything.", action="store_true"
        ),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "login": {
        "short-summary": "Choose a server and sign in to it.",
        "long-summary": (
            "With --server, that one is used from now on, and its token kept. The server of "
            "this machine needs no "
            "sign-in: its token lies in LAZUR_HOME."
        ),
        "examples": [
            {
                "name": "Use a server elsewhere",
                "text": "lazur login --server https://ml.example.org:8765",
            },
            {
                "name": "In a script",
                "text": 'printf %s "$TOKEN" | lazur login --server URL --token -',
            },
            {"name": "Back to this machine's own", "text": "lazur login --server local"},
            {"name": "Sign in the browser", "text": "lazur login --web"},
        ],
    }
}


def login(token: str | None = None, web: bool = False) -> Any:
    # Help must not wait for what talks to servers.
    from lazur.sdk.client import connect  # noqa: PLC0415

    folder, url = home.find(), session.current.url
    if url == "local":
        _choose(None)
        url = None
    elif url is not None:
        token = _secret(url, token)
        who = connect(url, token).me()
        home.save_token(folder, url, token)
        _choose(url)
        terminal.note(f"Signed in to {url} as {who.name}.")
    client = connect(url)
    if web:
        address = client.sign_in_url(client.url + "/")
        if not webbrowser.open(address):
            terminal.note(f"Open this once, soon: {address}")
    return client.me().to_dict()


_STDIN = "-"


def _secret(url: str, token: str | None) -> str:
    if token == _STDIN or (token is None and not sys.stdin.isatty()):
        return sys.stdin.readline().strip()
    return token or getpass.getpass(f"Token for {url}: ")


def _choose(url: str | None) -> None:
    sections = home.defaults(home.find())
    section = sections.setdefault("defaults", {})
    section.pop("server", None)
    if url:
        section["server"] = url
    home.save_defaults(home.find(), sections)
