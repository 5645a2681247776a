"""The server's own requests: checked addresses, checked redirects, verified TLS (S52, S55)."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lazur.egress import PUBLIC, Rule
from lazur.errors import BackendError, Forbidden, Invalid
from lazur.outbound import Client
from tests.unit.test_egress import PRIVATE

LOCAL = Rule.of(["localhost", "127.0.0.1"])
Seen = list[tuple[str, str, dict[str, str]]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, seen: Seen, routes: dict[str, str], stop: threading.Event, *args) -> None:
        self.seen, self.routes, self.stop = seen, routes, stop
        super().__init__(*args)

    def do_GET(self) -> None:
        self.seen.append(
            (self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        )
        if self.path in self.routes:
            self.answer(302, b"", self.routes[self.path])
        elif self.path == "/drip":
            self.drip()
        else:
            self.answer(200, b"x" * int(self.path.removeprefix("/") or 2))

    do_POST = do_GET

    def answer(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while not self.stop.wait(0.02):
            try:
                self.wfile.write(b".")
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Quiet."""


@contextmanager
def serving(routes: dict[str, str] | None = None, tls: ssl.SSLContext | None = None):
    seen: Seen = []
    stop = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, seen, routes or {}, stop))
    server.daemon_threads = False
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[tuple[int, Seen]]:
    with serving() as made:
        yield made


def answering(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(addresses)


def no_connection(to: tuple[str, int], seconds: float) -> socket.socket:
    raise AssertionError(f"connected to {to}")


class TestAddresses:
    @pytest.mark.parametrize("address", PRIVATE)
    def test_a_name_with_a_private_address_is_refused(self, address: str) -> None:
        client = Client(resolve=answering(address), connect=no_connection)
        with pytest.raises(Forbidden, match="egress_allow"):
            client.fetch("http://example.org/")

    def test_one_private_address_among_public_ones_is_enough(self) -> None:
        client = Client(resolve=answering("93.184.216.34", "10.0.0.1"), connect=no_connection)
        with pytest.raises(Forbidden):
            client.fetch("http://example.org/")

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "017700000001", "127.1", "[::1]"],
    )
    def test_whatever_the_system_takes_for_this_machine_is_refused(
        self, site: tuple[int, Seen], host: str
    ) -> None:
        with pytest.raises((Forbidden, BackendError)):
            Client().fetch(f"http://{host}:{site[0]}/")
        assert site[1] == []

    def test_a_name_that_changes_is_resolved_once(self, site: tuple[int, Seen]) -> None:
        """Public when it is looked at, private from then on."""
        answers = iter([["93.184.216.34"], ["127.0.0.1"]])
        tried: list[tuple[str, int]] = []

        def connect(to: tuple[str, int], seconds: float) -> socket.socket:
            tried.append(to)
            raise ConnectionRefusedError

        client = Client(resolve=lambda host, port: next(answers), connect=connect)
        with pytest.raises(BackendError):
            client.fetch(f"http://rebinding.example:{site[0]}/")
        assert tried == [("93.184.216.34", site[0])]
        assert site[1] == []

    def test_a_name_that_nobody_knows_is_called_so(self) -> None:
        def unknown(host: str, port: int) -> list[str]:
            raise socket.gaierror(-2, "Name or service not known")

        with pytest.raises(BackendError) as caught:
            Client(resolve=unknown, connect=no_connection).fetch("https://example.org/iris.csv")
        assert str(caught.value).startswith(
            "https://example.org/iris.csv cannot be reached: no machine of that name is known here"
            " (Name or service not known)."
        )

    def test_the_next_address_is_tried_when_one_does_not_answer(
        self, site: tuple[int, Seen]
    ) -> None:
        client = Client(Rule.of(["127.0.0.0/8"]), resolve=answering("127.0.0.9", "127.0.0.1"))
        assert client.fetch(f"http://two.example:{site[0]}/").body == b"xx"
        assert site[1][0][2]["host"] == f"two.example:{site[0]}"

    @pytest.mark.parametrize(
        "url",
        [
            "gopher://localhost/",
            "file:///etc/passwd",
            "ftp://localhost/",
            "//localhost/",
            "localhost",
            "http:///x",
            "http://localhost:x/",
            "http://localhost:0/",
            "http://user:secret@localhost/",
            "http://localhost/a b",
            "http://localhost/\r\nX: y",
            "http://ex\u0430mple.org/",
        ],
    )
    def test_other_schemes_and_odd_urls_are_no_urls(self, url: str) -> None:
        with pytest.raises(Invalid) as caught:
            Client(LOCAL, connect=no_connection).fetch(url)
        assert "secret" not in str(caught.value)


class TestRedirects:
    @pytest.mark.parametrize(
        "target", ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "//[fd00::1]/"]
    )
    def test_they_are_checked_like_the_first_address(self, target: str) -> None:
        def connect(to: tuple[str, int], seconds: float) -> socket.socket:
            return no_connection(to, 0) if to[0] != "127.0.0.1" else _connect(to, seconds)

        with serving({"/away": target}) as (port, _), pytest.raises(Forbidden):
            Client(LOCAL, connect=connect).fetch(f"http://localhost:{port}/away")

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://localhost/"])
    def test_they_lead_to_no_other_scheme(self, target: str) -> None:
        with serving({"/away": target}) as (port, _), pytest.raises(Invalid):
            Client(LOCAL).fetch(f"http://localhost:{port}/away")

    def test_another_origin_gets_no_credentials(self) -> None:
        with serving() as (other, seen):
            target = f"http://127.0.0.1:{other}/"
            with serving({"/away": target, "/here": "/"}) as (port, first):
                headers = {"Authorization": "Bearer x", "X-Vault-Token": "y", "Range": "bytes=0-"}
                for path in ("away", "here"):
                    Client(LOCAL).fetch(f"http://localhost:{port}/{path}", headers=headers)
            assert {"authorization", "x-vault-token"} & set(seen[0][2]) == set()
            assert seen[0][2]["range"] == "bytes=0-"
            assert first[-1][2]["authorization"] == "Bearer x"

    def test_they_end(self) -> None:
        with serving({"/a": "/b", "/b": "/a"}) as (port, seen):
            with pytest.raises(BackendError, match="more than 3 times"):
                Client(LOCAL, redirects=3).fetch(f"http://localhost:{port}/a")
            assert len(seen) == 4

    def test_a_body_is_sent_nowhere_else(self) -> None:
        with serving({"/a": "/b"}) as (port, seen):
            got = Client(LOCAL).fetch(f"http://localhost:{port}/a", "POST", body=b"secret")
        assert (got.status, len(seen)) == (302, 1)


class TestLimits:
    def test_an_answer_that_is_too_long_is_refused(self, site: tuple[int, Seen]) -> None:
        assert len(Client(LOCAL).fetch(f"http://localhost:{site[0]}/100", limit=100).body) == 100
        with pytest.raises(BackendError, match="more than 99 bytes"):
            Client(LOCAL).fetch(f"http://localhost:{site[0]}/100", limit=99)

    def test_dripping_bytes_gains_no_time(self, site: tuple[int, Seen]) -> None:
        with pytest.raises(BackendError, match=r"longer than 0\.3 seconds"):
            Client(LOCAL, seconds=0.3).fetch(f"http://localhost:{site[0]}/drip")

    def test_silence_ends_a_stream(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with pytest.raises(BackendError, match="did not answer"):
                Client(LOCAL, seconds=0.2).open(f"http://localhost:{port}/")

    def test_a_body_that_breaks_off_is_an_error(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=_break_off, args=(server,))
            thread.start()
            with pytest.raises(BackendError):
                Client(LOCAL).fetch(f"http://localhost:{server.getsockname()[1]}/")
            thread.join()

    def test_messages_have_no_query(self) -> None:
        client = Client(resolve=answering("127.0.0.1"), connect=no_connection)
        with pytest.raises(Forbidden) as caught:
            client.fetch("https://example.org/blob?sig=canary")
        assert "canary" not in str(caught.value)


class TestTls:
    def test_a_certificate_of_a_trusted_authority_will_do(self, tmp_path: Path) -> None:
        with serving(tls=_server(tmp_path)) as (port, _):
            assert _trusting(tmp_path).fetch(f"https://localhost:{port}/").status == 200

    @pytest.mark.parametrize(
        "name, days", [("other.example", 1), ("localhost", -1)], ids=["name", "expired"]
    )
    def test_another_name_and_an_old_one_will_not(
        self, tmp_path: Path, name: str, days: int
    ) -> None:
        with serving(tls=_server(tmp_path, name, days)) as (port, seen):
            with pytest.raises(BackendError, match="not to be trusted"):
                _trusting(tmp_path).fetch(f"https://localhost:{port}/")
            assert seen == []

    def test_nor_does_a_self_signed_one(self, tmp_path: Path) -> None:
        with serving(tls=_server(tmp_path)) as (port, seen):
            with pytest.raises(BackendError, match="not to be trusted"):
                Client(LOCAL).fetch(f"https://localhost:{port}/")
            assert seen == []

    def test_nobody_can_ask_for_less(self) -> None:
        lax = ssl.create_default_context()
        lax.check_hostname = False
        with pytest.raises(ValueError, match="verified"):
            Client(PUBLIC, trust=lax)

    def test_https_does_not_redirect_to_http(self, tmp_path: Path) -> None:
        with (
            serving() as (plain, seen),
            serving({"/a": f"http://localhost:{plain}/"}, _server(tmp_path)) as (port, _),
        ):
            with pytest.raises(BackendError, match="from https to http"):
                _trusting(tmp_path).fetch(f"https://localhost:{port}/a")
            assert seen == []


def _connect(to: tuple[str, int], seconds: float) -> socket.socket:
    return socket.create_connection(to, seconds)


def _break_off(server: socket.socket) -> None:
    with server.accept()[0] as made:
        made.recv(4096)
        made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.")


def _trusting(folder: Path) -> Client:
    return Client(LOCAL, trust=ssl.create_default_context(cafile=str(folder / "chain.pem")))


def _server(folder: Path, name: str = "localhost", days: int = 1) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=5))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context
