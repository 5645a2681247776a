"""One file of the web, by its address: what `path: https://…` of a job's input names.

Settings: `url`. No credentials, and no type that a datastore may have. Its only path is the file's
name. It is asked once: the answer that says which version there is is the one that is read, since
not every server knows HEAD. One that does not say how long it is, is read to its end first.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import quote, unquote, urlsplit

from lazur.datastores._remote import changed
from lazur.egress import PUBLIC, Rule
from lazur.engine import paths
from lazur.engine.contracts import Datastore, Stored
from lazur.errors import BackendError, NotFound, Unavailable
from lazur.outbound import Client, Stream, shown

_SAFE = "%/:=&?~#+!$,;'@()*[]"
_LONGEST_NAME = 200
_CHUNK = 1 << 20
_SPARE = 1 << 28
"""Bytes that stay free on the disk."""


class WebFile(Datastore):
    def __init__(
        self,
        settings: dict[str, Any],
        credentials: dict[str, Any] | None = None,
        *,
        rule: Rule = PUBLIC,
        ambient: bool = False,
    ) -> None:
        super().__init__(settings, credentials, rule=rule, ambient=ambient)
        self._url = quote(str(settings["url"]), safe=_SAFE)
        self._name = _name(self._url)
        self._client = Client(rule)
        self._answer: BinaryIO | None = None
        """Of `info`, and not begun."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        if not prefix:
            yield self.info(self._name)

    def info(self, path: str) -> Stored:
        if path != self._name:
            raise NotFound(f"There is no {paths.shown(path)} at {shown(self._url)}.")
        stream = self._asked(0)
        length = stream.headers.get("content-length", "")
        size, body = (int(length), _buffered(stream)) if length.isdigit() else _whole(stream)
        self._put_aside(body)
        return Stored(path, size, _version(stream))

    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        aside, self._answer = self._answer, None
        if aside is not None and offset == 0:
            return aside
        stream = self._asked(offset)
        if version and _version(stream) != version:
            stream.close()
            raise changed(path)
        file = _buffered(stream)
        if stream.status != 206:
            _skip(file, offset)
        return file

    def check(self) -> None:
        self._asked(0).close()

    def _put_aside(self, body: BinaryIO) -> None:
        if self._answer is not None:
            self._answer.close()
        self._answer = body

    def _asked(self, offset: int) -> Stream:
        headers = {"User-Agent": "lazur", **({"Range": f"bytes={offset}-"} if offset else {})}
        try:
            stream = self._client.open(self._url, "GET", headers)
        except BackendError as error:
            raise Unavailable(error.message, hint=error.hint) from error
        begins = f"bytes {offset}-"
        if stream.status == 200 or (
            offset
            and stream.status == 206
            and stream.headers.get("content-range", "").startswith(begins)
        ):
            return stream
        stream.close()
        if stream.status in (404, 410):
            raise NotFound(f"There is no {shown(self._url)}: it answered {stream.status}.")
        if stream.status == 429 or stream.status >= 500:
            raise Unavailable(f"{shown(self._url)} answered {stream.status}.")
        hint = "It is asked without credentials: make a datastore of type http that has them."
        raise BackendError(
            f"{shown(self._url)} answered {stream.status}.",
            hint=hint if stream.status in (401, 403) else None,
        )


def _name(url: str) -> str:
    """The last part of the address, if it can be a file's name. Never what the server calls it."""
    last = unquote(urlsplit(url).path.rpartition("/")[2])
    found = "".join(c for c in last if c.isprintable() and c not in "/\\")[:_LONGEST_NAME]
    while len(found.encode()) > _LONGEST_NAME:
        found = found[:-1]
    return found if found.strip(". ") and paths.fault(found) is None else "data"


class _Body(io.RawIOBase):
    """What breaks off may be tried again."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._stream.readinto(buffer)
        except BackendError as error:
            raise Unavailable(error.message, hint=error.hint) from error

    def close(self) -> None:
        self._stream.close()
        super().close()


def _buffered(stream: Stream) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Body(stream), _CHUNK))


def _version(answer: Stream) -> str:
    return answer.headers.get("etag") or answer.headers.get("last-modified") or ""


def _whole(stream: Stream) -> tuple[int, BinaryIO]:
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - who reads it closes it
    with _buffered(stream) as body:
        while data := body.read(_CHUNK):
            if shutil.disk_usage(tempfile.gettempdir()).free - len(data) < _SPARE:
                raise BackendError(
                    f"{shown(stream.url)} does not say how long it is, and this node's disk for "
                    f"temporary files was full after {file.tell()} bytes.",
                    hint="Make room there, or take the data from a server that says it.",
                )
            file.write(data)
    size = file.tell()
    file.seek(0)
    return size, file


def _skip(file: BinaryIO, count: int) -> None:
    while count > 0 and (read := len(file.read(min(count, _CHUNK)))):
        count -= read
