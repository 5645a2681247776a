"""A server that answers as Azure Files does to the requests that its client makes of us. There is
no emulator of it; the paths, headers and codes are those of its documentation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Share:
    def __init__(self) -> None:
        self.files: dict[str, tuple[bytearray, int]] = {}
        self.folders = {""}
        self.lock = threading.Lock()
        self.count = 0

    def touch(self, path: str, data: bytearray) -> None:
        self.count += 1
        self.files[path] = (data, self.count)


@contextmanager
def serving(share: Share) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, share))
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - readers may leave
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, share: Share, *args: Any) -> None:
        self.share = share
        super().__init__(*args)

    def do_PUT(self) -> None:
        path, query = self.asked()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.share.lock:
            if query.get("restype") == "directory":
                self.make_folder(path)
            elif query.get("comp") == "range":
                self.write(path, body)
            elif query.get("comp") == "rename":
                self.rename(path)
            elif path.rpartition("/")[0] not in self.share.folders:
                self.answer(404, code="ParentNotFound")
            else:
                self.share.touch(path, bytearray(int(self.headers["x-ms-content-length"])))
                self.answer(201)

    def do_GET(self) -> None:
        path, query = self.asked()
        with self.share.lock:
            if query.get("comp") == "list":
                self.list(path)
            elif path not in self.share.files:
                self.answer(404, code="ResourceNotFound")
            else:
                self.read(path)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        path, _ = self.asked()
        with self.share.lock:
            there = self.share.files.pop(path, None)
        self.answer(202) if there else self.answer(404, code="ResourceNotFound")

    def asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return unquote(parts.path).removeprefix("/share").strip("/"), query

    def make_folder(self, path: str) -> None:
        if path in self.share.folders:
            self.answer(409, code="ResourceAlreadyExists")
        elif path.rpartition("/")[0] not in self.share.folders:
            self.answer(404, code="ParentNotFound")
        else:
            self.share.folders.add(path)
            self.answer(201)

    def write(self, path: str, body: bytes) -> None:
        start, _, end = self.headers["x-ms-range"].removeprefix("bytes=").partition("-")
        data, _ = self.share.files[path]
        assert len(body) == int(end) - int(start) + 1 <= 4 << 20
        data[int(start) : int(end) + 1] = body
        self.share.touch(path, data)
        self.answer(201)

    def rename(self, path: str) -> None:
        source = unquote(urlsplit(self.headers["x-ms-file-rename-source"]).path)
        assert self.headers["x-ms-file-rename-replace-if-exists"] == "true"
        data, _ = self.share.files.pop(source.removeprefix("/share/"))
        self.share.touch(path, data)
        self.answer(200)

    def read(self, path: str) -> None:
        data, count = self.share.files[path]
        headers = {"ETag": f'"0x{count:X}"', "x-ms-type": "File"}
        ranged = self.headers.get("x-ms-range") or self.headers.get("Range")
        if not ranged:
            self.answer(200, bytes(data), headers)
            return
        start, _, end = ranged.removeprefix("bytes=").partition("-")
        part = bytes(data[int(start) : int(end or len(data)) + 1])
        headers["Content-Range"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(data)}"
        self.answer(206, part, headers)

    def list(self, folder: str) -> None:
        if folder not in self.share.folders:
            self.answer(404, code="ResourceNotFound")
            return
        inside = lambda path: path and path.rpartition("/")[0] == folder  # noqa: E731
        text = "".join(
            f"<Directory><Name>{escape(path.rpartition('/')[2])}</Name><Properties /></Directory>"
            for path in sorted(filter(inside, self.share.folders))
        ) + "".join(
            f"<File><Name>{escape(path.rpartition('/')[2])}</Name>"
            f"<Properties><Content-Length>{len(data)}</Content-Length></Properties></File>"
            for path, (data, _) in sorted(self.share.files.items())
            if inside(path)
        )
        body = f'<?xml version="1.0"?><EnumerationResults><Entries>{text}</Entries><NextMarker />'
        self.answer(200, f"{body}</EnumerationResults>".encode(), {"Content-Type": "text/xml"})

    def answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, code: str = ""
    ) -> None:
        self.send_response(status)
        told = {"x-ms-error-code": code} if code else {}
        always = {"Content-Length": str(len(body)), "Last-Modified": formatdate(usegmt=True)}
        always |= {"x-ms-request-id": "1", "x-ms-version": "2024-05-04", "ETag": '"0x0"'}
        for name, value in {**always, **told, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Quiet."""
