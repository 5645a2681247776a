"""A server between a client and ours, which shows every request to somebody before it goes on.

It answers one request at a time, so that what happens between two of them is one person's doing.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO, cast
from urllib.parse import urlsplit

_PATIENCE = 120.0
_LOOKED_AT = 1 << 20
_HOPS = frozenset({"connection", "transfer-encoding", "content-length", "host", "keep-alive"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Asked:
    """`target` as the client spelled it."""

    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def text(self) -> bytes:
        """All that was sent, files to a megabyte."""
        told = (f"{name}: {value}".encode("latin-1") for name, value in self.headers)
        return b"\n".join([self.target.encode("latin-1"), *told, self.body[:_LOOKED_AT]])


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Headers
    body: bytes

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        return next((v for n, v in self.headers if n.lower() == "content-type"), "")

    @property
    def text(self) -> bytes:
        told = (f"{name}: {value}".encode("latin-1") for name, value in self.headers)
        return b"\n".join([*told, self.body[:_LOOKED_AT]])


def send(url: str, asked: Asked) -> Answered:
    """To a server, on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)
    with contextlib.closing(connection):
        connection.putrequest(asked.method, asked.target, skip_accept_encoding=True)
        for name, value in asked.headers:
            connection.putheader(name, value)
        if asked.body or asked.method not in {"GET", "HEAD", "DELETE"}:
            connection.putheader("Content-Length", str(len(asked.body)))
        connection.endheaders(asked.body or None)
        got = connection.getresponse()
        return Answered(got.status, tuple(got.getheaders()), got.read())


@contextmanager
def relay(answer: Callable[[Asked], Answered]) -> Iterator[str]:
    """The address of a server that answers so."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Not at all."""

        def _answer(self) -> None:
            body = b"".join(_content(self.headers, cast("BinaryIO", self.rfile)))
            asked = Asked(self.command, self.path, _kept(self.headers.items()), body)
            with lock:
                got = answer(asked)
            self.send_response_only(got.status)
            length = next((v for n, v in got.headers if n.lower() == "content-length"), None)
            for name, value in _kept(got.headers):
                self.send_header(name, value)
            if self.command != "HEAD":
                length = str(len(got.body))
            if length is not None and got.status not in {204, 304}:
                self.send_header("Content-Length", length)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(got.body)

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler._answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="relay")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _content(headers: Message, file: BinaryIO) -> Iterator[bytes]:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        yield file.read(int(headers.get("content-length") or 0))
        return
    while size := int(file.readline().partition(b";")[0], 16):
        yield file.read(size)
        file.readline()
    file.readline()


def _kept(headers: object) -> Headers:
    pairs = cast("list[tuple[str, str]]", headers)
    return tuple((name, value) for name, value in pairs if name.lower() not in _HOPS)
