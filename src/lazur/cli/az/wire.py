"""Azure's own addresses on our server: where they are, who vouches for them, tokens for them."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

from lazur.cli import session
from lazur.errors import NotFound, ServerUnreachable, Unauthenticated, Unsupported, from_dict
from lazur.sdk.http import LOST, Address, checked

Body = bytes | BinaryIO | None
AZURES = ("management.azure.com", "management.core.windows.net")
"""Hosts that scripts name in the place of this server."""
_TIMEOUT = 120.0


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, got: HTTPResponse) -> Answer:
        fields = {name.lower(): value for name, value in got.getheaders()}
        return cls(got.status, got.reason, fields, got.read())

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Wire:
    url: str
    authority: str | None
    """A certificate, as text."""
    tenant: str
    secret: str | None
    """A token of ours."""

    def token(self, resource: str | None = None) -> dict[str, Any]:
        """A token in Azure's form, for an hour; for the server itself unless said otherwise."""
        if not self.secret:
            raise Unauthenticated("Nobody is signed in.", hint="Sign in: lazur login")
        query = {"api-version": "2017-09-01", "resource": resource or self.url}
        answer = self.send("GET", f"/msi/token?{urlencode(query)}", {"secret": self.secret})
        if answer.status != 200:
            raise from_dict(_error(answer), answer.status)
        return answer.json()

    def send(self, method: str, target: str, headers: dict[str, str], body: Body = None) -> Answer:
        with self.open(method, target, headers, body) as got:
            return Answer.of(got)

    @contextmanager
    def open(
        self, method: str, target: str, headers: dict[str, str], body: Body = None
    ) -> Iterator[HTTPResponse]:
        """One request, to this server alone; no redirect is followed."""
        connection = self._connection()
        try:
            with self._told():
                got = _asked(connection, method, target, headers, body)
            yield got
        except LOST as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A certificate that is not trusted, or a name that is not known, is no answer either."""
        try:
            yield
        except OSError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> ServerUnreachable:
        return ServerUnreachable(
            f"No server answers at {self.url}: {error or type(error).__name__}.",
            hint="Is it running? `lazur server status` tells.",
        )

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return HTTPConnection(host, parts.port, timeout=_TIMEOUT)
        trusted = ssl.create_default_context()
        if self.authority:
            trusted.load_verify_locations(cadata=self.authority)
        return HTTPSConnection(host, parts.port, timeout=_TIMEOUT, context=trusted)


def _asked(
    connection: HTTPConnection, method: str, target: str, headers: dict[str, str], body: Body
) -> HTTPResponse:
    try:
        connection.request(method, target, body, headers)
    except (BrokenPipeError, ConnectionResetError):
        # A server that refuses a body answers before it has read it all: the answer says why.
        if connection.sock is None:
            raise
    return connection.getresponse()


def audience(named: str | None) -> str | None:
    """Whom a token is for: None is this server, also by the names that Azure has for it."""
    plain = (named or "").removesuffix("/.default").rstrip("/")
    return None if not plain or urlsplit(plain).hostname in AZURES else plain


def find() -> Wire:
    http = session.client().http
    try:
        told = http.request("POST", "/api/v1/me/azure", json={}).json()
    except (NotFound, Unsupported) as error:
        raise Unsupported(
            "This server does not answer at Azure's addresses.",
            hint="`az ml …` needs none of them. See: lazur version",
        ) from error
    secret = http.address.token
    url = checked(Address(told["url"], secret)).url  # never in clear over a network
    return Wire(url, told["authority"], told["tenant"], secret)


def _error(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return body
    return {"error": {"message": f"The server answered {answer.status} {answer.reason}."}}
