"""A real HTTP server in a thread, which answers as a test scripts it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lazur.sdk.http import Address


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int
    """The client's: the same for requests on one connection."""


@dataclass
class Stage:
    url: str
    script: list[Callable[[Handler], None]] = field(default_factory=list)
    """One per request, in order; the last one stays."""
    seen: list[Seen] = field(default_factory=list)

    @property
    def address(self) -> Address:
        return Address(self.url, "secret")

    def plays(self, *answers: Callable[[Handler], None]) -> None:
        self.script = list(answers)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stage: Stage

    def handle_one_request(self) -> None:
        self.close_connection = True
        super().handle_one_request()

    def do_GET(self) -> None:
        self._play()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Silent."""

    def _play(self) -> None:
        headers = {key.lower(): value for key, value in self.headers.items()}
        answer = self.stage.script[0]
        if len(self.stage.script) > 1:
            self.stage.script.pop(0)
        reads = getattr(answer, "reads_body", True)
        body = self._body(headers) if reads else b""
        path, port = self.path, self.client_address[1]
        self.stage.seen.append(Seen(self.command, path, headers, body, port))
        answer(self)

    def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return self.rfile.read(int(headers["content-length"]))
        whole = b""
        while headers.get("transfer-encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            whole += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                break
        return whole


def says(status: int, value: Any = None, **headers: str) -> Callable[[Handler], None]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


@pytest.fixture
def stage() -> Iterator[Stage]:
    class OwnHandler(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), OwnHandler)
    OwnHandler.stage = Stage(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield OwnHandler.stage
    server.shutdown()
    thread.join()
    server.server_close()
