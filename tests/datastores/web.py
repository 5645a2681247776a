"""A web server with files that counts who asks for what, wants a token where it has one, and can
stop in the middle of an answer."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Web:
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    token: str = ""
    url: str = ""
    reads: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Path and range of each GET."""
    stop_at: int | None = None
    """Bytes after which an answer waits for `go_on`."""
    stopped: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, web))
    web.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield web
    finally:
        web.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, web: Web, *args: Any) -> None:
        self.web = web
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self.web.reads.append((self.path, self.headers.get("Range", "")))
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        data = self.web.files.get(self.path)
        if self.web.token and self.headers.get("Authorization") != f"Bearer {self.web.token}":
            self._empty(403)
        elif data is None:
            self._empty(404)
        else:
            self._send(data, body=body)

    def _send(self, data: bytes, *, body: bool) -> None:
        begin = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        if not body:
            return
        part = data[begin:]
        if self.web.stop_at is not None and not self.web.go_on.is_set():
            self.wfile.write(part[: self.web.stop_at])
            self.wfile.flush()
            self.web.stopped.set()
            self.web.go_on.wait(60)
            part = part[self.web.stop_at :]
        self.wfile.write(part)

    def _empty(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Quiet."""
