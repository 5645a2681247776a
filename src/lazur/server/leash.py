"""The child's end of the pipe to the server: its settings come through it, and when it closes the
child goes, with all that it has started. See children.py for the other end."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

GRACE = 1.0
"""Seconds that running requests get to finish when the server has gone or wants the child gone."""


def take() -> dict[str, Any]:
    """What the server says on the first line. From now on the child lives as long as the pipe.

    What it holds (a password in a database's URL) stands in no argument and no file.
    """
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    settings = json.loads(_line(pipe))
    threading.Thread(target=_watch, args=(pipe,), name="leash", daemon=True).start()
    return settings


def listen(path: str) -> socket.socket:
    """Bound, not yet listening: the server sees by a refused connection that it is not ready."""
    os.umask(0o077)
    Path(path).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(path)
    return made


def leave(code: int = 0) -> None:
    """End this process and every one that it started."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.getpgid(0) == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        time.sleep(0.1)
        os.killpg(0, signal.SIGKILL)
    os._exit(code)


def _line(pipe: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(pipe, 65536)
        if not part:
            os._exit(0)
        line += part
    return line


def _watch(pipe: int) -> None:
    while os.read(pipe, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    leave()
