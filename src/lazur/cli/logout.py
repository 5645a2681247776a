"""`lazur logout`: the token of a server elsewhere ends, there and here."""

from __future__ import annotations

from typing import Any

from lazur.cli import session, terminal
from lazur.cli.login import remote
from lazur.errors import Invalid, LazurError, Unauthenticated
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"logout": ("logout", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {}
HELP: dict[str, dict[str, Any]] = {
    "logout": {
        "short-summary": "Sign out of a server elsewhere.",
        "long-summary": "The token that `lazur login` kept for it ends, and is deleted here.",
        "examples": [{"name": "Of the server in use", "text": "lazur logout"}],
    }
}


def logout() -> None:
    # Help must not wait for what talks to servers.
    from lazur.sdk.client import connect  # noqa: PLC0415

    folder = home.find()
    url = session.current.url or remote(folder)
    kept = home.token_for(folder, url) if url else None
    if url is None or kept is None:
        raise Invalid(
            "Nobody is signed in to a server elsewhere.",
            hint="The server of this machine needs no sign-in.",
        )
    try:
        connect(url, kept).http.request("DELETE", "/api/v1/me/tokens/current")
    except Unauthenticated:
        terminal.note("The token had ended already.")
    except LazurError as error:
        terminal.note(f"The server was not told, so the token stays good there: {error.message}")
    home.save_token(folder, url, None)
    terminal.note(f"Signed out of {url}.")
