"""The home's own server: found when it runs, started when it does not.

However many clients find it missing at once, one server starts: they queue at a lock and look
again.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.util import find_spec
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlsplit

from lazur.errors import MissingExtra, ServerUnreachable
from lazur.sdk.home import find, make
from lazur.sdk.http import Address

PATIENCE = 20.0
_POLL = 0.02
_CLIENTS_OWN = frozenset({"LAZUR_SERVER", "LAZUR_TOKEN", "LAZUR_WORKSPACE"})
_NEEDED = ("fastapi", "sqlalchemy", "uvicorn")


@dataclass(frozen=True)
class Running:
    url: str
    pid: int
    started: str
    version: str


def running(home: Path) -> Running | None:
    """What runs for that home, by its own word. A file left by a server that was killed is not
    believed: somebody else may listen on its port by now, and must not be sent the token."""
    try:
        said = json.loads((home / "server.json").read_bytes())
        found = Running(
            said["url"], int(said["pid"]), str(said.get("started")), str(said.get("version"))
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if _lives(found.pid) else None


def address(home: Path) -> Address | None:
    """Where the running server is, with the owner's token; None when none runs."""
    server = running(home)
    if server is None:
        return None
    try:
        token = (home / "token").read_text("utf-8").strip()
    except FileNotFoundError:
        token = None
    ca = home / "tls" / "ca.pem"
    return Address(server.url, token, str(ca) if ca.exists() else None)


def ensure(home: str | os.PathLike[str] | None = None, flags: Sequence[str] = ()) -> Address:
    """The address of the home's server, which answers; started first when there is none, with
    those flags."""
    folder = make(find(home))
    found = address(folder)
    if found is not None and _answers(found):
        return found
    with _one_at_a_time(folder):
        found = address(folder)
        if found is None or not _answers(found):
            found = _start(folder, flags)
    return found


def _start(home: Path, flags: Sequence[str]) -> Address:
    check_installed()
    log = home / "logs" / "server.out"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    mark = log.stat().st_size if log.exists() else 0
    process = _spawn(home, log, flags)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        # One that somebody else has started a moment ago is as good as ours, which then ends by
        # itself.
        found = address(home)
        if found is not None and _answers(found):
            return found
        if process.poll() not in {None, 3}:
            raise ServerUnreachable(
                (
                    "The server ended while it started (exit code "
                    f"{process.returncode}).{_said(log, mark)}"
                ),
                hint=f"Its output is in {log}. Seen in the foreground: lazur server",
            )
        time.sleep(_POLL)
    raise ServerUnreachable(
        f"The server did not become ready within {PATIENCE:.0f} seconds.{_said(log, mark)}",
        hint="It goes on starting: after an upgrade its database is migrated, which takes a minute"
        f" for a million jobs. `lazur server status` tells; its output is in {log}.",
    )


def _spawn(home: Path, log: Path, flags: Sequence[str]) -> subprocess.Popen[bytes]:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # -P: a folder with a `lazur` or `ssl.py` of its own is no place to import from.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lazur.server.daemon", "--home", str(home), *flags],
            cwd=home,
            env={name: value for name, value in os.environ.items() if name not in _CLIENTS_OWN},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    # Someone must take note of its end, should this process live longer.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def check_installed() -> None:
    for name in _NEEDED:
        if find_spec(name) is None:
            raise MissingExtra(
                f"Starting a server needs {name}, which is not installed.",
                extra="server",
                hint="Install it with: pip install 'lazur[server]'. For a server elsewhere:"
                " lazur login --server URL",
            )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False
    return True


def _answers(found: Address) -> bool:
    parts = urlsplit(found.url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = create_default_context(cafile=found.ca)
        connection: HTTPConnection = HTTPSConnection(host, parts.port, timeout=2, context=context)
    else:
        connection = HTTPConnection(host, parts.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    run = home / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    with (run / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _said(log: Path, mark: int) -> str:
    with log.open("rb") as file:
        file.seek(mark)
        lines = file.read().decode(errors="replace").splitlines()
    return "\nIts last lines:\n" + "\n".join(f"  {line}" for line in lines[-12:]) if lines else ""
