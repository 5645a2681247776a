"""`lazur login`: which server, and who we are there."""

from __future__ import annotations

import getpass
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.errors import Invalid
from lazur.sdk import home

if TYPE_CHECKING:
    from lazur.sdk.http import Http

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"login": ("login", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "login": {
        "token": option("--token", help="A token; `-` reads it from stdin."),
        "web": option(
            "--web", help="Sign in the browser, without typing anything.", action="store_true"
        ),
        "device": option(
            "--device",
            "--use-device-code",
            help="Show a code to type into a browser on any machine.",
            action="store_true",
        ),
        "service_principal": option(
            "--service-principal", help="Sign in as a service, for an hour.", action="store_true"
        ),
        "username": option("--username", "-u", help="The service's name."),
        "password": option(
            "--password",
            "-p",
            help="The service's secret; `-` reads it from stdin, where nobody else sees it.",
        ),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "login": {
        "short-summary": "Choose a server and sign in to it.",
        "long-summary": (
            "With --server, that one is used from now on, and its token kept. You sign in with "
            "the browser of this machine, or with one elsewhere where there is none. The server "
            "of this machine needs no sign-in: its token lies in LAZUR_HOME."
        ),
        "examples": [
            {
                "name": "Use a server elsewhere",
                "text": "lazur login --server https://ml.example.org:8765",
            },
            {
                "name": "From a machine without a browser",
                "text": "lazur login --server https://ml.example.org:8765 --device",
            },
            {
                "name": "As a service",
                "text": 'printf %s "$SECRET" | '
                "lazur login --server URL --service-principal -u nightly -p -",
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
_STDIN = "-"


def login(
    token: str | None = None,
    web: bool = False,
    device: bool = False,
    service_principal: bool = False,
    username: str | None = None,
    password: str | None = None,
) -> Any:
    # Help must not wait for what talks to servers.
    from lazur.sdk.client import connect  # noqa: PLC0415

    folder, url = home.find(), session.current.url
    if url == "local":
        _choose(None)
        url = None
    else:
        url = url or (None if web else remote(folder))
    if url is not None:
        secret = _signed_in(
            folder, url, token, device, _service(service_principal, username), password
        )
        who = connect(url, secret).me()
        home.save_token(folder, url, secret)
        _choose(url)
        terminal.note(f"Signed in to {url} as {who.name}.")
    elif token or device or service_principal:
        raise Invalid(
            "The server of this machine needs no sign-in.",
            hint="Say which one is meant: --server https://…",
        )
    client = connect(url)
    if web:
        address = client.sign_in_url(client.url + "/")
        if not webbrowser.open(address):
            terminal.note(f"Open this once, soon: {address}")
    return client.me().to_dict()


def remote(folder: Path) -> str | None:
    """The server that was chosen before, where it is not this machine's own."""
    chosen = home.defaults(folder).get("defaults", {}).get("server")
    return str(chosen) if chosen else None


def _service(wanted: bool, name: str | None) -> str | None:
    if not wanted:
        return None
    return name or input("Name of the service: ")


def _signed_in(
    folder: Path,
    url: str,
    token: str | None,
    device: bool,
    service: str | None,
    password: str | None,
) -> str:
    """The token, by the way that was asked for, else by the best that there is here."""
    from lazur.sdk import signing_in  # noqa: PLC0415 - as above
    from lazur.sdk.client import unsigned  # noqa: PLC0415 - as above

    if token is not None:
        return _line() if token == _STDIN else token
    http = unsigned(folder, url)
    try:
        if service is not None:
            return _as_service(http, service, password)
        if device:
            return signing_in.by_code(http, terminal.note).token
        if not sys.stdin.isatty():
            return _line()
        if signing_in.has_browser():
            return signing_in.by_browser(http, terminal.note).token
        return signing_in.by_code(http, terminal.note).token
    finally:
        http.close()


def _as_service(http: Http, name: str, secret: str | None) -> str:
    if secret == _STDIN or (secret is None and not sys.stdin.isatty()):
        secret = _line()
    secret = secret or getpass.getpass(f"Secret of {name}: ")
    body = {"client_id": name, "client_secret": secret}
    return http.request("POST", "/api/v1/service-tokens", json=body).json()["access_token"]


def _line() -> str:
    return sys.stdin.readline().strip()


def _choose(url: str | None) -> None:
    sections = home.defaults(home.find())
    section = sections.setdefault("defaults", {})
    section.pop("server", None)
    if url:
        section["server"] = url
    home.save_defaults(home.find(), sections)
