"""A load generator of its own process: `python bench/_load.py` reads what to send as JSON from its
input and prints what came of it. One thread over plain sockets, so that it costs the servers
little; it imports nothing of ours.

Each connection sends a request, waits for the answer, and sends the next. `@N` in a body is the
request's number, so that no two are alike; `@POINTS` is as many metrics as `points` says, numbered
on.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_POINT = '{"key": "loss", "value": %d.5, "timestamp": %d, "step": %d}'
_PATIENCE = 120.0


@dataclass
class Load:
    host: str
    port: int
    head: str
    """Request line and headers, without `Content-Length`."""
    body: str
    connections: int = 1
    seconds: float = 0.0
    """How long; or else `count` requests."""
    count: int = 0
    points: int = 0
    first: int = 0
    """The first request's number."""
    sent: int = 0

    def next(self) -> bytes:
        number = self.first + self.sent
        self.sent += 1
        body = self.body.replace("@N", str(number))
        if self.points:
            low = number * self.points
            points = (_POINT % (n, n, n) for n in range(low, low + self.points))
            body = body.replace("@POINTS", ", ".join(points))
        raw = body.encode()
        length = f"Content-Length: {len(raw)}\r\n" if raw else ""
        return f"{self.head}{length}\r\n".encode() + raw


@dataclass
class Report:
    count: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list[float])
    failures: int = 0
    failure: str = ""
    bytes: int = 0


def run(load: Load) -> Report:
    report = Report()
    selector = selectors.DefaultSelector()
    lines = [_Line(load) for _ in range(load.connections)]
    began = time.perf_counter()
    for line in lines:
        line.send(load.next())
        selector.register(line.socket, selectors.EVENT_READ, line)
    open_lines = len(lines)
    while open_lines:
        ready = selector.select(_PATIENCE)
        if not ready:
            raise TimeoutError("no answer came")
        for key, _ in ready:
            line: _Line = key.data
            if not line.receive():
                continue
            _note(report, line)
            now = time.perf_counter()
            if now - began < load.seconds or load.sent < load.count:
                line.send(load.next())
            else:
                selector.unregister(line.socket)
                line.socket.close()
                open_lines -= 1
    report.seconds = time.perf_counter() - began
    return report


def _note(report: Report, line: _Line) -> None:
    if line.status == 200:
        report.count += 1
        report.latencies.append(time.perf_counter() - line.began)
        report.bytes += line.length
    else:
        report.failures += 1
        report.failure = report.failure or line.shown


class _Line:
    """A connection that is kept."""

    def __init__(self, load: Load) -> None:
        self.socket = socket.create_connection((load.host, load.port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.status = 0
        self.length = 0
        self.shown = ""
        self._head = b""
        self._left = -1

    def send(self, request: bytes) -> None:
        self._head, self._left = b"", -1
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Whether the answer is whole."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError(f"the server closed: {self._head[:200]!r}")
        if self._left < 0:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return False
            self._understand(head)
            data = body
        if self.status != 200:
            self.shown += data[:500].decode("utf-8", "replace")
        self._left -= len(data)
        return self._left <= 0

    def _understand(self, head: bytes) -> None:
        first, *rest = head.decode("latin-1").lower().split("\r\n")
        self.status = int(first.split()[1])
        fields = dict(line.split(": ", 1) for line in rest if ": " in line)
        if "content-length" not in fields:
            raise ValueError(f"an answer without a length: {first}")
        self.length = self._left = int(fields["content-length"])
        if self.status != 200:
            self.shown = f"{first}: "


def main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    print(json.dumps(vars(run(Load(**asked)))))


if __name__ == "__main__":
    main()
