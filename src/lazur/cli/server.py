"""`lazur server …`: the one of this machine's home folder."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from inspect import Parameter, Signature
from typing import Any

from knack.util import CLIError

from lazur.cli import terminal
from lazur.cli.arguments import option
from lazur.sdk import home
from lazur.server.settings import described

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "server run": ("run", {}),
    "server start": ("start", {}),
    "server stop": ("stop", {}),
    "server status": ("status", {}),
    "server token": ("token", {}),
    "server rotate-key": ("rotate_key", {}),
}


def _setting(name: str, default: Any, text: str) -> dict[str, Any]:
    said = f"{text} Default: {default!r}." if default or default == 0 else text
    flag = "--" + name.replace("_", "-")
    if isinstance(default, bool):
        return option(flag, help=text, action="store_true", default=None)
    kind = type(default) if isinstance(default, int | float) else str
    return option(flag, help=said, type=kind, metavar=name.upper())


_SETTINGS = {name: _setting(name, default, text) for name, default, text in described()}
# What only moves jobs along has no address, and a start waits for one.
_STARTING = {name: given for name, given in _SETTINGS.items() if name != "role"}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "server run": _SETTINGS,
    "server start": _STARTING,
}
HELP: dict[str, dict[str, Any]] = {
    "server run": {
        "short-summary": "Run the server in the foreground; `lazur server` alone does the same.",
        "examples": [
            {"name": "Run", "text": "lazur server"},
            {"name": "For other machines, encrypted", "text": "lazur server --host 0.0.0.0 --tls"},
        ],
    },
    "server start": {
        "short-summary": "Start the server in the background, if it does not run.",
        "long-summary": "Settings given here hold until it stops; config.toml keeps them.",
        "examples": [
            {"name": "Start", "text": "lazur server start"},
            {"name": "On another port", "text": "lazur server start --port 9000"},
        ],
    },
    "server stop": {
        "short-summary": "Stop the server. Jobs that run go on; the next server finds them.",
        "examples": [{"name": "Stop", "text": "lazur server stop"}],
    },
    "server status": {
        "short-summary": "Show whether the server runs, and where.",
        "examples": [{"name": "Its address", "text": "lazur server status --query url -o tsv"}],
    },
    "server token": {
        "short-summary": "Print the owner's token. Whoever has it may do everything.",
        "examples": [{"name": "For another machine", "text": "lazur server token"}],
    },
    "server rotate-key": {
        "short-summary": "Make a new root key in the home, which wraps all secrets from now on.",
        "long-summary": "Servers that run take it up within minutes, while secrets are read. The "
        "old one stays beside it; remove it when no backup of the database needs it any more.",
        "examples": [{"name": "Rotate", "text": "lazur server rotate-key"}],
    },
}

_STOPPING = 15.0


def run(**settings: Any) -> None:
    arguments = ["--home", str(home.make(home.find())), *_flags(settings)]
    _check_installed()
    os.execv(  # noqa: S606 - no shell is what is wanted
        sys.executable, [sys.executable, "-P", "-m", "lazur.server.daemon", *arguments]
    )


def start(**settings: Any) -> Any:
    from lazur.sdk import local  # noqa: PLC0415 - help must not wait for what talks to servers

    folder, flags = home.find(), _flags(settings)
    found = local.running(folder)
    if flags and found is not None:
        raise CLIError(
            f"A server runs already at {found.url} (process {found.pid}), and reads its settings "
            "when it starts only. Stop it first: lazur server stop"
        )
    local.ensure(folder, flags)
    return status()


def _flags(settings: dict[str, Any]) -> list[str]:
    return [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in settings.items()
        if value is not None
    ]


def _takes(names: Iterable[str]) -> Signature:
    return Signature([Parameter(n, Parameter.KEYWORD_ONLY, default=None) for n in names])


# Knack offers the options that it finds in a signature.
setattr(run, "__signature__", _takes(_SETTINGS))  # noqa: B010 - functions declare no attributes
setattr(start, "__signature__", _takes(_STARTING))  # noqa: B010 - as above


def stop() -> None:
    from lazur.sdk import local  # noqa: PLC0415 - as above

    folder = home.find()
    found = local.running(folder)
    if found is None:
        terminal.note("No server runs.")
        return
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOPPING
    while local.running(folder) is not None:
        if time.monotonic() > deadline:
            raise CLIError(
                f"The server (process {found.pid}) does not stop. Its log: "
                f"{folder}/logs/server.log"
            )
        time.sleep(0.05)
    terminal.note("The server has stopped. Jobs that were running go on.")


def status() -> Any:
    from lazur.sdk import local  # noqa: PLC0415 - as above

    folder = home.find()
    found = local.running(folder)
    if found is None:
        return {"status": "stopped", "home": str(folder)}
    return {
        "status": "running",
        "url": found.url,
        "pid": found.pid,
        "started": found.started,
        "version": found.version,
        "home": str(folder),
        "log": str(folder / "logs" / "server.log"),
    }


def token() -> None:
    try:
        print((home.find() / "token").read_text("utf-8").strip())
    except FileNotFoundError:
        raise CLIError(
            "There is no token yet: it is made when the server starts first (lazur server start)."
        ) from None


def rotate_key() -> Any:
    """In files, which servers look at each time: none has to run, and none has to be told."""
    # Only this command needs a vault.
    from lazur.engine.contracts import Rotates  # noqa: PLC0415
    from lazur.server.settings import load  # noqa: PLC0415
    from lazur.services.base import keyrings  # noqa: PLC0415
    from lazur.services.base.home import Home  # noqa: PLC0415

    folder = home.find()
    vault = keyrings.of(Home(folder), load(folder).vault).current
    if not isinstance(vault, Rotates):
        raise CLIError(
            f"The root key is not in the home: the setting `vault` is {load(folder).vault!r}. "
            "Rotate it where it is kept; servers take it up by themselves."
        )
    return {"key_id": vault.rotate()}


def _check_installed() -> None:
    from lazur.sdk import local  # noqa: PLC0415 - as above

    local.check_installed()
