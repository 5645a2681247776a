"""The server's own few requests to addresses that people chose: a vault, a datastore over HTTP.

A name is resolved once, all its addresses are judged by the rule, and the connection goes to one
of those, not to the name. Redirects go through the same. TLS is always verified; there is no way
to ask for less. No proxy, cookie, netrc or variable of the environment has a say.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from urllib.parse import SplitResult, urljoin, urlsplit

from lazur.egress import PUBLIC, Refused, Rule
from lazur.errors import BackendError, Forbidden, Invalid

Resolve = Callable[[str, int], list[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHARED = frozenset({"accept", "range", "user-agent"})
"""Headers that another origin may see when the first one sends us there."""


def resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes


class Stream(io.RawIOBase):
    """An answer whose body is read as it comes. Close it, or use it as a context."""

    def __init__(self, connection: http.client.HTTPConnection, url: str) -> None:
        super().__init__()
        self._connection = connection
        self._response = connection.getresponse()
        self.url = url
        self.status = self._response.status
        self.headers = {name.lower(): value for name, value in self._response.getheaders()}

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _as_our_error(self.url):
            count = self._response.readinto(buffer)
            if not count and self._response.length:
                raise http.client.IncompleteRead(b"", self._response.length)
            return count

    def close(self) -> None:
        if not self.closed:
            self._response.close()
            self._connection.close()
        super().close()


@dataclass(frozen=True)
class Client:
    """`seconds` bound each silence of the other side, and for `fetch` the whole of it."""

    rule: Rule = PUBLIC
    seconds: float = 30.0
    redirects: int = 5
    trust: ssl.SSLContext | None = None
    """Certificates to trust; the system's when there is none given."""
    resolve: Resolve = resolved
    connect: Connect = socket.create_connection

    def __post_init__(self) -> None:
        if self.trust and not (self.trust.verify_mode is _REQUIRED and self.trust.check_hostname):
            raise ValueError("Certificates are verified, whoever asks.")

    def fetch(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = 1 << 20,
    ) -> Answer:
        """The whole answer, whatever its status. Raises as `open`, and BackendError when it is
        longer than `limit` or takes longer than the client's seconds."""
        with _Deadline(self.seconds) as deadline, _as_our_error(url):
            stream = self._opened(url, method, headers or {}, body, deadline)
            with stream:
                found = io.BufferedReader(stream).read(limit + 1)
            if deadline.is_over:  # a body without a length would look whole
                raise TimeoutError(f"it took longer than {self.seconds:g} seconds")
            if len(found) > limit:
                raise BackendError(f"{shown(url)} sent more than {limit} bytes.")
            return Answer(stream.status, stream.headers, found)

    def open(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Stream:
        """The answer as it comes, whatever its status. Raises Invalid for what is no URL of http
        or https, Forbidden for an address that the rule does not permit, and BackendError when
        nobody answers, or not in time, or with a certificate that is not to be trusted."""
        with _as_our_error(url):
            return self._opened(url, method, headers or {}, body, None)

    def _opened(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: _Deadline | None,
    ) -> Stream:
        origin = at = _split(url)
        for _ in range(self.redirects + 1):
            given = headers if _origin(at) == _origin(origin) else _shared(headers)
            stream = self._asked(at, method, given, body, deadline)
            target = stream.headers.get("location")
            if stream.status not in _REDIRECTS or not target or method not in {"GET", "HEAD"}:
                return stream
            stream.close()
            at = _redirected(at, target)
        raise BackendError(f"{shown(url)} redirects more than {self.redirects} times.")

    def _asked(
        self,
        to: SplitResult,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: _Deadline | None,
    ) -> Stream:
        connection = _connection(to, self.seconds)
        try:
            plain = self._connected(str(to.hostname), _port(to))
            connection.sock = plain
            if deadline:
                deadline.holds_for(plain)
            if to.scheme == "https":
                connection.sock = self._context().wrap_socket(plain, server_hostname=to.hostname)
            target = (to.path or "/") + (f"?{to.query}" if to.query else "")
            connection.request(method, target, body, {"Accept-Encoding": "identity", **headers})
            return Stream(connection, to.geturl())
        except BaseException:
            connection.close()
            raise

    def _connected(self, host: str, port: int) -> socket.socket:
        """All addresses are judged, also those that would not be tried."""
        addresses = self.resolve(host, port)
        for address in addresses:
            self.rule.check(address, port)
        failed: OSError = OSError(f"{host} has no address")
        for address in addresses:
            try:
                return self.connect((address, port), self.seconds)
            except OSError as error:
                failed = error
        raise failed

    def _context(self) -> ssl.SSLContext:
        return self.trust or _system_trust()


def shown(url: str) -> str:
    """A URL for a message: its query may be a signature, its user a password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    text = f"{parts.scheme}://{host}{parts.path}"
    return text if text.isprintable() and len(text) <= 200 else ascii(text)[1:160] + "…"


_REQUIRED = ssl.CERT_REQUIRED


@cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("That is not a URL: its host or port cannot be read.") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise Invalid(f"{shown(url)} is not a URL of http or https with a host.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid(f"{shown(url)} has a character that must be escaped in a URL.")
    if "@" in parts.netloc:
        raise Invalid(f"{shown(url)} has a user or password in it; give them as credentials.")
    return parts._replace(fragment="")


def _redirected(at: SplitResult, target: str) -> SplitResult:
    found = _split(urljoin(at.geturl(), target))
    if at.scheme == "https" and found.scheme != "https":
        raise BackendError(f"{shown(at.geturl())} redirects from https to http.")
    return found


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, _port(parts)


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _shared(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in _SHARED}


def _connection(to: SplitResult, seconds: float) -> http.client.HTTPConnection:
    """Of the base class also for https: the socket is ours, and checked."""
    made = http.client.HTTPConnection(str(to.hostname), _port(to), timeout=seconds)
    made.default_port = _PORTS[to.scheme]
    made.auto_open = 0
    return made


class _Deadline:
    """Ends the connection when its time is over, however slowly somebody drips bytes."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._let_go()

    def holds_for(self, connected: socket.socket) -> None:
        """A copy, since TLS takes the socket itself over."""
        self._let_go()
        self._socket = connected.dup()
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        if self._socket:
            with contextlib.suppress(OSError):  # it was closed just now
                self._socket.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None


@contextmanager
def _as_our_error(url: str) -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise Forbidden(
            f"{shown(url)} leads to an address that this server may not connect to: {error}"
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise BackendError(
            f"The certificate of {shown(url)} is not to be trusted: {error.verify_message}.",
            hint="Have it signed by an authority that this machine trusts, for that name.",
        ) from error
    except socket.gaierror as error:
        raise BackendError(
            f"{shown(url)} cannot be reached: no machine of that name is known here"
            f" ({error.strerror or error}).",
            hint="See that the name is right, and that the server's machine has a network in which"
            " it is known. Without one, use a copy that is here.",
        ) from error
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise BackendError(
            f"{shown(url)} did not answer as it should: {error or type(error).__name__}.",
            hint="See that it runs and can be reached from the server's machine.",
        ) from error
