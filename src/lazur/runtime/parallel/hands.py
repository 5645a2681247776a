"""The coordinator's side of workers and nodes: who is there, what each was given."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import time
from collections import deque

from lazur.runtime.parallel.channels import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.parallel.paths import Paths
    from lazur.runtime.parallel.team import Team

_PATIENCE = 10.0


class Hand:
    """A worker."""

    def __init__(self, name: str, node: int, channel: Channel, log: str) -> None:
        self.name = name
        self.node = node
        self.channel = channel
        self.log = log
        self.held: deque[int] = deque()
        """What it was given and has not answered yet; the first is what it is at."""
        self.ready = False
        self.trouble = ""
        """Why it gave up, in its own words."""


class Here:
    """The coordinator's own node."""

    def __init__(self, team: Team) -> None:
        self.number = team.node
        self._team = team

    def start(self, place: int) -> Hand:
        ours, theirs = socket.socketpair()
        name = self._team.name(place)
        self._team.start(name, place, theirs)
        theirs.close()
        return Hand(name, self.number, Channel(ours), self._team.log_of(place))

    def look(self) -> list[dict[str, Any]]:
        return self._team.look()

    def end(self) -> None:
        self._team.end()


class There:
    """Another node, behind its control channel."""

    def __init__(self, number: int, control: Channel) -> None:
        self.number = number
        self.control = control

    def start(self, place: int) -> None:
        self.control.send({"start": place})

    def end(self) -> None:
        self.control.send({"over": 1})
        self.control.close()


class Door:
    """Where other nodes and their workers come in. Who comes must know the key that lies in the
    attempt's folder."""

    def __init__(self, paths: Paths) -> None:
        host = os.environ.get("MASTER_ADDR") or "127.0.0.1"
        self.socket = socket.socket()  # create_server is newer than Python 3.7
        self.socket.bind((host, 0))
        self.socket.listen()
        self._key = secrets.token_hex(16)
        found = {"host": host, "port": self.socket.getsockname()[1], "key": self._key}
        draft = paths.rendezvous + ".draft"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(found, file)
        os.replace(draft, paths.rendezvous)

    def fileno(self) -> int:
        return self.socket.fileno()

    def let_in(self) -> tuple[dict[str, Any], Channel] | None:
        sock, _ = self.socket.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = _first_line(sock)
        try:
            hello: dict[str, Any] = json.loads(line)
            if hmac.compare_digest(str(hello["key"]), self._key):
                return hello, Channel(sock)
        except (ValueError, KeyError, TypeError):
            pass  # a stranger
        sock.close()
        return None


def _first_line(sock: socket.socket) -> bytes:
    """Byte by byte, so that what comes after it stays for the channel."""
    line = b""
    until = time.monotonic() + _PATIENCE
    try:
        while not line.endswith(b"\n") and len(line) < 4096 and time.monotonic() < until:
            sock.settimeout(_PATIENCE)
            part = sock.recv(1)
            if not part:
                break
            line += part
    except OSError:
        return b""
    return line
