from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from lazur.datastores.http import Http
from lazur.egress import PUBLIC, Rule
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Forbidden, Invalid, Unsupported
from lazur.testing.datastores import ReadableContract
from tests.datastores.recorder import recording

HERE = Rule.of(["127.0.0.1"])


class Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, files: dict[str, bytes], ranges: bool, *args: Any) -> None:
        self.files, self.ranges = files, ranges
        super().__init__(*args)

    def do_GET(self) -> None:
        path = unquote(self.path)
        data = self.files.get(path.removeprefix("/base/"))
        if data is None:
            self.answer(200 if path == "/base" else 404, b"")
            return
        tag = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:8]}"'}
        offset = int(self.headers.get("Range", "bytes=0-")[6:-1]) if self.ranges else 0
        if offset and offset >= len(data):
            self.answer(416, b"", tag)
        elif offset:
            part = {"Content-Range": f"bytes {offset}-{len(data) - 1}/{len(data)}"}
            self.answer(206, data[offset:], {**tag, **part})
        else:
            self.answer(200, data, tag)

    do_HEAD = do_GET

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Quiet."""


class TestContract(ReadableContract):
    @pytest.fixture(params=[True, False], ids=["ranges", "no ranges"])
    def store(self, request: pytest.FixtureRequest) -> Iterator[Datastore]:
        self.files: dict[str, bytes] = {}
        handler = partial(Files, self.files, request.param)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] - readers may leave
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Http({"endpoint": f"http://127.0.0.1:{server.server_address[1]}/base"}, rule=HERE)
        server.shutdown()
        thread.join()
        server.server_close()

    def fill(self, store: Any, files: dict[str, bytes]) -> None:
        self.files.update(files)


class TestHttp:
    @pytest.mark.parametrize(
        "endpoint",
        [
            "",
            "file:///etc",
            "ftp://x/",
            "http://u:canary@127.0.0.1/",
            "http://x/?q=canary",
            "http:",
        ],
    )
    def test_its_endpoint_is_a_url(self, endpoint: str) -> None:
        with pytest.raises(Invalid) as caught:
            Http({"endpoint": endpoint})
        assert "canary" not in str(caught.value)

    def test_private_addresses_are_refused(self) -> None:
        with recording() as (url, seen):
            with pytest.raises(Forbidden):
                Http({"endpoint": url}, rule=PUBLIC).info("a")
            assert seen == []

    def test_credentials_travel_in_headers(self) -> None:
        with recording() as (url, seen):
            for credentials in (
                {"token": Secret("t")},
                {"username": "u", "password": Secret("p")},
                {},
            ):
                with pytest.raises(BackendError, match="403"):
                    Http({"endpoint": url}, credentials, rule=HERE).info("a")
        assert [headers.get("authorization") for headers in seen] == [
            "Bearer t",
            "Basic dTpw",
            None,
        ]

    def test_credentials_do_not_travel_in_the_clear(self) -> None:
        with pytest.raises(Invalid, match="not sent over http"):
            Http({"endpoint": "http://example.org"}, {"token": "t"})

    def test_it_has_no_lists(self) -> None:
        with pytest.raises(Unsupported):
            Http({"endpoint": "https://example.org"}).list()
