"""HTTP to one server: connections kept alive, retries that do nothing twice, errors as the server
raised them.

It stands on `http.client`: importing a larger client takes longer than a whole `lazur job show`
may. No proxy is asked and no redirect followed, so that a token only ever reaches the server it
was given for.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)
from typing import Any
from urllib.parse import urlencode, urlsplit

import lazur
from lazur.errors import Invalid, LazurError, ServerUnreachable, from_dict

Body = bytes | Callable[[], Iterable[bytes]]
"""A callable is asked again for a retry, so it must give the same bytes each time."""

LOST = (ConnectionError, TimeoutError, HTTPException, ssl.SSLEOFError)
"""What a server that goes away, or has just gone, looks like from here."""

_UNKNOWN = frozenset({404, 405, 422, 501})
"""What a server says of routes and fields that came after it, among other things."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Address:
    url: str
    token: str | None = None
    ca: str | None = None
    """PEM file of a certificate authority that is trusted besides the system's."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class Stream:
    """A response that is read while it arrives."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = _lower(response)

    def chunks(self, limit: int = 1 << 16) -> Iterator[bytes]:
        """Bytes as they come. Raises one of LOST when the server went away before the end."""
        while chunk := self._response.read1(limit):
            yield chunk
        if self._response.length:
            raise IncompleteRead(b"", self._response.length)
        # Read whole: without this the connection would not count as free for the next request.
        self._response.close()

    def lines(self) -> Iterator[bytes]:
        """Lines without their end; a last one without an end is incomplete, and left out."""
        rest = b""
        for chunk in self.chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole

    def read(self) -> bytes:
        return b"".join(self.chunks())


class Http:
    """`patience` is how long a server that cannot be reached is waited for. `recover` is asked for
    its address each time before that is tried again: a client that keeps its own server starts it
    there."""

    def __init__(
        self,
        address: Address,
        *,
        timeout: float = 120.0,
        patience: float = 5.0,
        recover: Callable[[], Address] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle: list[HTTPConnection] = []
        self._lock = threading.Lock()
        self.address = checked(address)
        self._timeout = timeout
        self._patience = patience
        self._recover = recover
        self._sleep = sleep
        self._clock = clock
        self._tls: ssl.SSLContext | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send, retrying as needed; raises the server's own error for a status of 400 and above.

        A POST carries an idempotency key that is the same for each try, so the server does the
        thing once.
        """
        # The key is made here: a try after an answer that broke off needs the same one.
        sending, payload = _prepare(method, json, body, headers)
        deadline = None
        wait = 0.05
        while True:
            try:
                with self.stream(
                    method, path, query=query, body=payload, headers=sending, timeout=timeout
                ) as stream:
                    return Response(stream.status, stream.headers, stream.read())
            except LOST as error:
                deadline = deadline or self._clock() + self._patience
                if self._clock() + wait > deadline:
                    raise self._unreachable(error) from error
                self._sleep(wait)
                self._find_again()
                wait = min(wait * 2, 1.0)

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[Stream]:
        """As `request`, for a response that is long or lasts."""
        sending, payload = _prepare(method, json, body, headers)
        target = path + (f"?{urlencode(_said(query), doseq=True)}" if query else "")
        connection, response = self._send(method, target, payload, sending, timeout)
        try:
            if response.status >= 300:
                raise _error(response)
            yield Stream(response)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, response)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        """Few programs close their client."""
        self.close()

    def _send(
        self,
        method: str,
        target: str,
        body: Body | None,
        headers: dict[str, str],
        timeout: float | None,
    ) -> tuple[HTTPConnection, HTTPResponse]:
        deadline = self._clock() + self._patience
        wait = 0.05
        while True:
            connection, fresh = self._take(timeout or self._timeout)
            try:
                response = self._attempt(connection, method, target, body, headers)
            except LOST as error:
                connection.close()
                if not fresh:
                    continue
                if self._clock() + wait > deadline:
                    raise self._unreachable(error) from error
                self._sleep(wait)
                self._find_again()
            except OSError as error:
                connection.close()
                raise self._unreachable(error) from error
            else:
                if response.status not in {429, 503} or self._clock() + wait > deadline:
                    return connection, response
                asked = response.getheader("Retry-After", "")
                connection.close()
                self._sleep(min(float(asked), 5.0) if asked.isdigit() else wait)
            wait = min(wait * 2, 1.0)

    def _attempt(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        body: Body | None,
        headers: dict[str, str],
    ) -> HTTPResponse:
        payload = body() if callable(body) else body
        sending = dict(headers)
        if self.address.token:
            sending["Authorization"] = f"Bearer {self.address.token}"
        try:
            connection.request(method, target, payload, sending, encode_chunked=callable(body))
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a body answers before it has read it all: the answer says why.
            if connection.sock is None or not callable(body):
                raise
        return connection.getresponse()

    def _take(self, timeout: float) -> tuple[HTTPConnection, bool]:
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is None:
            return self._connection(timeout), True
        if kept.sock is not None:
            kept.sock.settimeout(timeout)
        return kept, False

    def _connection(self, timeout: float) -> HTTPConnection:
        parts = urlsplit(self.address.url)
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        if self._tls is None:
            self._tls = ssl.create_default_context()
            if self.address.ca:
                self._tls.load_verify_locations(self.address.ca)
        return HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout, context=self._tls
        )

    def _give_back(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        if response.isclosed() and not response.will_close:
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()

    def _find_again(self) -> None:
        if self._recover is not None:
            self.address = checked(self._recover())
            self._tls = None

    def _unreachable(self, error: Exception) -> LazurError:
        url = self.address.url
        if isinstance(error, ssl.SSLCertVerificationError):
            return ServerUnreachable(
                f"The certificate of {url} is not trusted: {error.verify_message}.",
                hint=(
                    "Put the certificate of its authority into LAZUR_HOME/tls/ca.pem, if you "
                    "trust it."
                ),
            )
        return ServerUnreachable(
            f"No server answers at {url}: {error or type(error).__name__}.",
            hint=(
                "Is it running? `lazur server status` tells; LAZUR_SERVER and `lazur login` "
                "choose another."
            ),
        )


def checked(address: Address) -> Address:
    """The address without a trailing slash. Refuses one that would send the token in clear over a
    network."""
    parts = urlsplit(address.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise Invalid(
            f"{address.url!r} is not the address of a server.",
            hint="Write it as https://host:port or, on this machine, http://127.0.0.1:port.",
        )
    clear = parts.scheme == "http" and parts.hostname not in _LOOPBACK
    if clear and address.token and os.environ.get("LAZUR_INSECURE") != "1":
        raise Invalid(
            f"Sending a token to {address.url} without encryption lets anyone on the way read it.",
            hint="Use https, or set LAZUR_INSECURE=1 if the network is trusted.",
        )
    return Address(address.url.rstrip("/"), address.token, address.ca)


def _prepare(
    method: str, value: Any, body: Body | None, headers: Mapping[str, str] | None
) -> tuple[dict[str, str], Body | None]:
    sending = {
        "Accept": "application/json",
        "User-Agent": f"lazur/{lazur.__version__}",
        **(headers or {}),
    }
    if value is not None:
        body = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        sending.setdefault("Content-Type", "application/json")
    elif body is not None:
        sending.setdefault("Content-Type", "application/octet-stream")
    if method == "POST":
        sending.setdefault("Idempotency-Key", os.urandom(16).hex())
    return sending, body


def _said(query: Mapping[str, Any] | None) -> dict[str, Any]:
    texts = {True: "true", False: "false"}
    return {
        key: texts[value] if isinstance(value, bool) else value
        for key, value in (query or {}).items()
        if value is not None
    }


def _lower(response: HTTPResponse) -> dict[str, str]:
    return {key.lower(): value for key, value in response.getheaders()}


def _error(response: HTTPResponse) -> LazurError:
    text = response.read(1 << 20)
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        error = from_dict(body, response.status)
    else:
        said = text[:200].decode(errors="replace").strip() or response.reason
        told = {"message": f"The server answered {response.status}: {said}"}
        error = from_dict(told, response.status)
    theirs = response.getheader("Lazur-Version", "")
    if response.status in _UNKNOWN and _is_older(theirs, lazur.__version__):
        older = (
            f"The server is Lazur {theirs}, this client {lazur.__version__}: it may be too old."
        )
        error.hint = f"{error.hint} {older}" if error.hint else older
    return error


def _is_older(theirs: str, ours: str) -> bool:
    """By the first two numbers; what is no version is as new as we are."""
    found = [re.match(r"(\d{1,6})\.(\d{1,6})", version) for version in (theirs, ours)]
    numbers = [tuple(map(int, each.groups())) for each in found if each]
    return len(numbers) == 2 and numbers[0] < numbers[1]
