"""Ports that servers of tests can be killed on and come back to.

Below those that systems give out by themselves: nobody else gets one while its server is away. The
usual port would do for one server at a time, and tests run beside each other.
"""

from __future__ import annotations

import random
import socket
from functools import cache
from pathlib import Path

_FIRST, _LAST = 10_000, 32_000
_TRIES = 100


def unused_port() -> int:
    """On loopback; nobody held it a moment ago, and nobody gets it by chance."""
    chance = random.SystemRandom()
    for _ in range(_TRIES):
        port = chance.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


@cache
def port_of(home: Path) -> int:
    """The same for a home as long as this process lives."""
    return unused_port()
