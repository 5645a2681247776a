"""A request's body on its way to a disk: no more than two pieces of it are held."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.errors import Invalid, TooLarge
from lazur.server.arm.calls import Call
from lazur.server.topics import Closed

_PIECE = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


async def receive(call: Call, write: Callable[[list[bytes]], None]) -> int:
    """How much has come. Raises Invalid where it is not what its sender hashed."""
    hasher = hashlib.md5(usedforsecurity=False) if "content-md5" in call.headers else None
    size, more = 0, True
    writing: asyncio.Task[None] | None = None

    def put(parts: list[bytes]) -> None:
        for part in parts:
            if hasher is not None:
                hasher.update(part)
        write(parts)

    try:
        while more:
            parts, more = await _piece(call)
            size += sum(map(len, parts))
            if writing is not None:
                await writing
            writing = asyncio.create_task(run_sync(put, parts))
    finally:
        if writing is not None:
            with CancelScope(shield=True):
                await asyncio.wait([writing])
    if writing is not None:
        await writing
    if hasher is not None and call.headers["content-md5"] != _text(hasher.digest()):
        raise Invalid("The bytes that came are not those of Content-MD5.", hint="Send them again.")
    return size


async def text(call: Call, most: int) -> str:
    """A small body."""
    held = bytearray()

    def keep(parts: list[bytes]) -> None:
        for part in parts:
            held.extend(part)
        if len(held) > most:
            raise TooLarge(f"The body is larger than {most:,} bytes.")

    await receive(call, keep)
    return held.decode("utf-8", "replace")


def length(call: Call) -> int:
    """0 where the sender does not say."""
    given = call.headers.get("content-length", "")
    return int(given) if given.isdigit() and len(given) < 19 else 0


@contextmanager
def room() -> Generator[None]:
    """A full disk is said as such: as any other failure, clients would send it all again."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise TooLarge(
            "The server's disk has no room for this. Nothing of it was kept.",
            hint="Free some, then send it again.",
        ) from error


async def _piece(call: Call) -> tuple[list[bytes], bool]:
    parts: list[bytes] = []
    size = 0
    while size < _PIECE:
        message = await call.receive()
        if message["type"] != "http.request":
            raise Closed
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return parts, False
    return parts, True


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
