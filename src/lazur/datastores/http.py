"""Files below a URL, to be read: `path` of the URI goes behind `endpoint`.

Settings: `endpoint`. Credentials: `token` (bearer), or `username` and `password`. There are no
lists: HTTP has none.
"""

from __future__ import annotations

import base64
import email.utils
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlsplit

from lazur.datastores._remote import changed
from lazur.datastores._settings import needed, secret
from lazur.egress import PUBLIC, Rule
from lazur.engine import paths
from lazur.engine.contracts import Datastore, Stored
from lazur.errors import BackendError, Invalid, NotFound, Unavailable, Unsupported
from lazur.outbound import Client, Stream, shown

_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")


class Http(Datastore):
    def __init__(
        self,
        settings: dict[str, Any],
        credentials: dict[str, Any] | None = None,
        *,
        rule: Rule = PUBLIC,
        ambient: bool = False,
    ) -> None:
        super().__init__(settings, credentials, rule=rule, ambient=ambient)
        self._base = _base(str(settings.get("endpoint") or ""))
        self._headers = _authorization(self.credentials, self._base)
        self._client = Client(rule)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        raise Unsupported(
            "A web server has no lists of its files.",
            hint="Name the file, or use data of type mltable, which names many.",
        )

    def info(self, path: str) -> Stored:
        paths.check(path)
        with self._asked(path, "HEAD", {}) as answer:
            return _stored(path, answer, int(answer.headers.get("content-length") or 0))

    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        """A server that knows no ranges is read from the start, up to the offset."""
        paths.check(path)
        stream = self._asked(path, "GET", {"Range": f"bytes={offset}-"} if offset else {})
        if version and _version(stream) != version:
            stream.close()
            raise changed(path)
        if stream.status == 416:
            stream.close()
            return io.BytesIO()
        file = io.BufferedReader(stream, 1 << 20)
        _skip(file, offset - _begins(stream, path))
        return cast("BinaryIO", file)

    def check(self) -> None:
        with self._client.open(self._base, "HEAD", self._headers) as answer:
            if answer.status in (401, 403) or answer.status >= 500:
                raise BackendError(f"{self._base} answered {answer.status}.")

    def _asked(self, path: str, method: str, more: dict[str, str]) -> Stream:
        url = f"{self._base}/{quote(path)}"
        stream = self._client.open(url, method, {**self._headers, **more})
        if stream.status in (200, 206, 416):
            return stream
        stream.close()
        if stream.status in (404, 410):
            raise NotFound(f"There is no {shown(url)}.")
        if stream.status == 429 or stream.status >= 500:
            raise Unavailable(f"{shown(url)} answered {stream.status}.", retry_after=5)
        hint = "Look at its credentials." if stream.status in (401, 403) else None
        raise BackendError(f"{shown(url)} answered {stream.status}.", hint=hint)


def _base(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
    ):
        raise Invalid(f"{shown(endpoint)} cannot be the endpoint: a URL of http or https can.")
    if "@" in parts.netloc:
        raise Invalid("A user or password does not belong in the endpoint: see credentials.")
    return endpoint.rstrip("/")


def _authorization(credentials: dict[str, Any], base: str) -> dict[str, str]:
    if not any(secret(credentials, field) for field in ("token", "username", "password")):
        return {}
    if base.startswith("http://") and urlsplit(base).hostname not in ("localhost", "127.0.0.1"):
        raise Invalid("Credentials are not sent over http: give an endpoint of https.")
    if token := secret(credentials, "token"):
        return {"Authorization": f"Bearer {token}"}
    both = ":".join(needed(credentials, "username", "password"))
    return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}


def _stored(path: str, answer: Stream, size: int) -> Stored:
    text = answer.headers.get("last-modified")
    modified = email.utils.parsedate_to_datetime(text).timestamp() if text else 0.0
    return Stored(path, size, _version(answer), modified)


def _version(answer: Stream) -> str:
    """A weak tag and a time in seconds do not tell every change, but all that a server says."""
    return answer.headers.get("etag") or answer.headers.get("last-modified") or ""


def _begins(stream: Stream, path: str) -> int:
    if stream.status != 206:
        return 0
    found = _RANGE.fullmatch(stream.headers.get("content-range", ""))
    if not found:
        stream.close()
        raise BackendError(f"{paths.shown(path)} came as a part that does not say which.")
    return int(found[1])


def _skip(file: io.BufferedReader[Stream], count: int) -> None:
    while count > 0 and (read := len(file.read(min(count, 1 << 20)))):
        count -= read
