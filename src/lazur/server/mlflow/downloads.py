"""An artifact on its way to a client: always to be saved, never to be run in our origin."""

from __future__ import annotations

import asyncio
import os
import re
import unicodedata
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import quote

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.server.asgi import Headers, Scope, Send
from lazur.server.topics import Closed
from lazur.services.tracking.artifacts import File, media_type

_BLOCK = 1 << 20
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


async def send(file: File, name: str, scope: Scope, send: Send) -> None:
    """The whole of it, or the one range that was asked for. Closes the file."""
    try:
        asked = dict(scope["headers"])
        headers = _headers(file, name)
        if asked.get(b"if-none-match") == _tag(file):
            await _answer(send, 304, headers)
        elif (span := _span(asked, file)) is None:
            await _answer(send, 416, [(b"content-range", b"bytes */%d" % file.size)])
        else:
            await _send_span(file, headers, span, scope, send)
    finally:
        os.close(file.descriptor)


async def _send_span(file: File, headers: Headers, span: _Span, scope: Scope, send: Send) -> None:
    start, end = span.start, span.end
    headers.append((b"content-length", b"%d" % (end - start)))
    status = 206 if span.partial else 200
    if span.partial:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, file.size)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if scope["method"] == "HEAD" or start == end:
        await send({"type": "http.response.body", "body": b""})
    else:
        await _stream(file.descriptor, start, end, send)


async def _stream(descriptor: int, start: int, end: int, send: Send) -> None:
    """The next block is read while one is sent."""
    reading = _read(descriptor, start, end)
    try:
        while start < end:
            block = await reading
            if not block:
                raise Closed  # it became shorter: the client must not take this for the whole
            start += len(block)
            if start < end:
                reading = _read(descriptor, start, end)
            await send({"type": "http.response.body", "body": block, "more_body": start < end})
    finally:
        with CancelScope(shield=True):
            await asyncio.wait([reading])


def _read(descriptor: int, start: int, end: int) -> asyncio.Task[bytes]:
    return asyncio.create_task(run_sync(os.pread, descriptor, min(_BLOCK, end - start), start))


async def _answer(send: Send, status: int, headers: Headers) -> None:
    length = [] if status == 304 else [(b"content-length", b"0")]
    head: dict[str, Any] = {"status": status, "headers": [*headers, *length]}
    await send({"type": "http.response.start", **head})
    await send({"type": "http.response.body", "body": b""})


def _headers(file: File, name: str) -> Headers:
    return [
        (b"content-type", media_type(name).encode()),
        (b"content-disposition", _disposition(name).encode()),
        (b"accept-ranges", b"bytes"),
        (b"etag", _tag(file)),
        (b"last-modified", formatdate(file.modified, usegmt=True).encode()),
    ]


def _tag(file: File) -> bytes:
    return f'"{file.tag}"'.encode()


class _Span(NamedTuple):
    start: int
    end: int
    partial: bool


def _span(asked: dict[bytes, bytes], file: File) -> _Span | None:
    """None: there is nothing in the range. What is no single range is not understood, and so the
    whole is sent."""
    whole = _Span(0, file.size, partial=False)
    found = _RANGE.fullmatch(asked.get(b"range", b"").decode("latin-1").strip())
    if found is None or asked.get(b"if-range", _tag(file)) != _tag(file):
        return whole
    if found[3]:
        start, end = max(0, file.size - int(found[3])), file.size
    else:
        start, end = int(found[1]), min(file.size, int(found[2] or file.size) + 1)
        if found[2] and int(found[2]) < start:
            return whole
    return _Span(start, end, partial=True) if start < end else None


def _disposition(name: str) -> str:
    """As upstream words it."""
    plain = name
    more = ""
    if not name.isascii():
        plain = (
            unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "download"
        )
        more = f"; filename*=UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"
    if not _TOKEN.fullmatch(plain):
        plain = '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"attachment; filename={plain}{more}"
