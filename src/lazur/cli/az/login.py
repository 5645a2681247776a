"""`az login`: as `lazur login`, where there is somewhere to sign in to."""

from __future__ import annotations

import os
from typing import Any

from lazur.cli import login as ours
from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.cli.az import account
from lazur.errors import Unauthenticated
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"login": ("login", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "login": {
        "service_principal": option(
            "--service-principal", help="Sign in as a service.", action="store_true"
        ),
        "username": option("--username", "-u", help="The service's name."),
        "password": option("--password", "-p", help="The service's secret; `-` reads it."),
        "tenant": option("--tenant", "-t", help="Accepted for Azure's scripts."),
        "identity": option(
            "--identity", "-i", help="Be who this machine is already.", action="store_true"
        ),
        "device": option(
            "--use-device-code", help="Show a code for a browser elsewhere.", action="store_true"
        ),
        "empty": option(
            "--allow-no-subscriptions", help="Accepted for Azure's scripts.", action="store_true"
        ),
        "scope": option("--scope", help="Accepted for Azure's scripts.", nargs="+"),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "login": {
        "short-summary": "Sign in to the server in use, and say who one is there.",
        "long-summary": "Which server that is: `lazur login --server`, or LAZUR_SERVER. This"
        " machine's own needs no sign-in.",
        "examples": [
            {"name": "In a browser", "text": "az login"},
            {
                "name": "As a service",
                "text": 'printf %s "$SECRET" | az login --service-principal -u nightly -p - -t x',
            },
            {"name": "In a job", "text": "az login --identity"},
        ],
    }
}


def login(
    service_principal: bool = False,
    username: str | None = None,
    password: str | None = None,
    tenant: str | None = None,
    identity: bool = False,
    device: bool = False,
    empty: bool = False,
    scope: list[str] | None = None,
) -> Any:
    remote = session.current.url or os.environ.get("LAZUR_SERVER") or ours.remote(home.find())
    if remote is None:
        if service_principal or username:
            terminal.note(
                "This machine's own server needs no sign-in: the name and secret were not used,"
                " and you act as its owner. For another: lazur login --server URL",
                "yellow",
            )
    elif service_principal or device or not (identity or _is_signed_in()):
        session.change(url=remote)
        ours.login(
            device=device,
            service_principal=service_principal,
            username=username,
            password=password,
        )
    return [account.described(None)]


def _is_signed_in() -> bool:
    try:
        session.client().me()
    except Unauthenticated:
        return False
    return True
