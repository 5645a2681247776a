"""`lazur server …`: the one of this machine's home folder."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from knack.util import CLIError

from lazur.cli import terminal
from lazur.cli.arguments import option
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "server run": ("run", {}),
    "server start": ("start", {}),
    "server stop": ("stop", {}),
    "server status": ("status", {}),
    "server token": ("token", {}),
}
_HOST = option("--host", help="Address to listen on. Default: 127.0.0.1, this machine only.")
_PORT = option("--port", help="Port to listen on.", type=int)
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "server": {
        "host": _HOST,
        "port": _PORT,
        "tls": option(
            "--tls", help="Serve https, with a certificate made at first use.", action="store_true"
        ),
    }
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
        "examples": [{"name": "Start", "text": "lazur server start"}],
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
}

_STOPPING = 15.0


def run(host: str | None = None, port: int | None = None, tls: bool = False) -> None:
    arguments = ["--home", str(home.make(home.find()))]
    arguments += ["--host", host] if host else []
    arguments += ["--port", str(port)] if port else []
    arguments += ["--tls"] if tls else []
    _check_installed()
    os.execv(  # noqa: S606 - no shell is what is wanted
        sys.executable, [sys.executable, "-P", "-m", "lazur.server.daemon", *arguments]
    )


def start() -> Any:
    from lazur.sdk import local  # noqa: PLC0415 - help must not wait for what talks to servers

    local.ensure(home.find())
    return status()


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


def _check_installed() -> None:
    from lazur.sdk import local  # noqa: PLC0415 - as above

    local.check_installed()
