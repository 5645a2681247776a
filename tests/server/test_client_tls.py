"""Our own client over TLS: what it trusts, and what it refuses (S55)."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lazur.errors import ServerUnreachable
from lazur.sdk.http import Address, Http
from lazur.server import tls
from tests.server.test_tls import NOW, settings


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet: refused handshakes are what the tests are about."""


class Listener(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """As above."""


@contextmanager
def listening(pair: tuple[str, str]) -> Generator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    with Listener(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def ask(port: int, ca: Path) -> int:
    http = Http(Address(f"https://127.0.0.1:{port}", "token", str(ca)), patience=0)
    try:
        return http.request("GET", "/").status
    finally:
        http.close()


class TestClient:
    def test_trusts_the_authority_of_the_home(self, tmp_path: Path) -> None:
        pair = tls.certificate(settings(tmp_path / "h"))
        with listening(pair) as port:
            assert ask(port, tmp_path / "h/tls/ca.pem") == 200

    @pytest.mark.parametrize("fault", ["expired", "foreign"])
    def test_refuses_every_other_certificate(self, tmp_path: Path, fault: str) -> None:
        tls.certificate(settings(tmp_path / "h"))
        if fault == "expired":
            pair = tls.certificate(settings(tmp_path / "o"), NOW - dt.timedelta(days=400))
            ca = tmp_path / "o/tls/ca.pem"
        else:
            pair = tls.certificate(settings(tmp_path / "o"))
            ca = tmp_path / "h/tls/ca.pem"
        with listening(pair) as port, pytest.raises(ServerUnreachable, match="is not trusted"):
            ask(port, ca)
