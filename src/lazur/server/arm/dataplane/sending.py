"""A blob on its way to a client: all of it, or the one range that was asked for."""

from __future__ import annotations

import asyncio
import re
from typing import BinaryIO, NamedTuple

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.errors import LazurError
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.topics import Closed
from lazur.services.azure.boxes import Blob, Container

_PIECE = 1 << 20
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")
_DISPOSITION = {"Content-Disposition": "attachment"}
"""What somebody put there is saved, and never shown as a page of ours."""


async def send_head(call: Call, found: Blob, headers: dict[str, str]) -> None:
    await _start(call, 200, headers | {"Content-Length": str(found.size)})
    await call.send({"type": "http.response.body", "body": b""})


async def send_blob(
    call: Call, container: Container, found: Blob, headers: dict[str, str]
) -> Reply | None:
    """A reply where the range does not fit."""
    file, size = await run_sync(container.open, found.path)
    try:
        span = _span(call, size)
        if span is None:
            return _past_the_end(size)
        await _send(call, file, span, size, headers | _DISPOSITION)
    finally:
        with CancelScope(shield=True):
            await run_sync(file.close)
    return None


class _Span(NamedTuple):
    start: int
    end: int
    partial: bool


def _span(call: Call, size: int) -> _Span | None:
    """None: there is nothing in it."""
    asked = call.headers.get("x-ms-range") or call.headers.get("range") or ""
    found = _RANGE.fullmatch(asked.strip())
    if found is None:
        return _Span(0, size, partial=False)
    start = int(found[1])
    end = min(size, int(found[2]) + 1 if found[2] else size)
    return _Span(start, end, partial=True) if start < end else None


def _past_the_end(size: int) -> Reply:
    code = "InvalidRange"
    body = f"<Error><Code>{code}</Code><Message>There is nothing in this range.</Message></Error>"
    headers = {"x-ms-error-code": code, "Content-Range": f"bytes */{size}"}
    return Reply(body.encode(), 416, headers, "application/xml")


async def _send(
    call: Call, file: BinaryIO, span: _Span, size: int, headers: dict[str, str]
) -> None:
    told = {**headers, "Content-Length": str(span.end - span.start)}
    if span.partial:
        told["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
    await run_sync(file.seek, span.start)
    await _start(call, 206 if span.partial else 200, told)
    left = span.end - span.start
    if not left:
        await call.send({"type": "http.response.body", "body": b""})
        return
    reading = _read(file, left)
    try:
        while left:
            piece = await reading
            left -= len(piece)
            if left:
                reading = _read(file, left)
            await call.send({"type": "http.response.body", "body": piece, "more_body": left > 0})
    except LazurError as error:
        raise Closed from error  # the answer has begun
    finally:
        with CancelScope(shield=True):
            await asyncio.wait([reading])


def _read(file: BinaryIO, most: int) -> asyncio.Task[bytes]:
    """The next piece is read while one is sent."""

    def read() -> bytes:
        piece = file.read(min(_PIECE, most))
        if not piece:
            raise Closed  # it became shorter: the client must not take this for the whole
        return piece

    return asyncio.create_task(run_sync(read))


async def _start(call: Call, status: int, headers: dict[str, str]) -> None:
    told = [(name.lower().encode(), text.encode("latin-1")) for name, text in headers.items()]
    await call.send({"type": "http.response.start", "status": status, "headers": told})
