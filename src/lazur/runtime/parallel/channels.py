"""JSON lines over a socket: how the coordinator, the nodes and the workers talk."""

from __future__ import annotations

import json
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 1 << 18


class Channel:
    """`read` never waits where the socket does not block; `closed` once the other side is
    gone."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.closed = False
        self._rest = b""

    def send(self, *messages: dict[str, Any]) -> None:
        lines = [json.dumps(message, separators=(",", ":")) for message in messages]
        try:
            self.socket.settimeout(60.0)
            self.socket.sendall(("\n".join(lines) + "\n").encode())
        except OSError:
            self.closed = True

    def read(self) -> list[dict[str, Any]]:
        """Waits for something to come, and gives all that is there."""
        try:
            self.socket.settimeout(None)
            data = self.socket.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return [json.loads(line) for line in lines]

    def drain(self) -> list[dict[str, Any]]:
        """Everything until the other side's end: it is dead already."""
        found: list[dict[str, Any]] = []
        while not self.closed:
            found += self.read()
        return found

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()
