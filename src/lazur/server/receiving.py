"""A request's body on its way in: whole, where it is small; or piece by piece to where it belongs,
so that no more than two pieces of it are held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.server.asgi import Receive
from lazur.server.topics import Closed

_PIECE = 1 << 20
"""Bytes worth a change of threads."""


async def whole(receive: Receive) -> bytes:
    """All of it: the gate has limited its size. Raises Closed for what broke off."""
    parts: list[bytes] = []
    more = True
    while more:
        part, more = await _part(receive)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def in_pieces(receive: Receive, write: Callable[[list[bytes]], None]) -> None:
    """`write` is called in a thread, with one piece while the next one comes in. Nothing is
    written any more when this returns, or raises: Closed for a body that broke off."""
    piece, more = await _piece(receive)
    writing = asyncio.create_task(run_sync(write, piece))
    try:
        while more:
            piece, more = await _piece(receive)
            await writing
            writing = asyncio.create_task(run_sync(write, piece))
    finally:
        with CancelScope(shield=True):
            await asyncio.wait([writing])
    await writing


async def _piece(receive: Receive) -> tuple[list[bytes], bool]:
    parts: list[bytes] = []
    size = 0
    while size < _PIECE:
        part, more = await _part(receive)
        parts.append(part)
        size += len(part)
        if not more:
            return parts, False
    return parts, True


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """And whether more of it comes."""
    message = await receive()
    if message["type"] != "http.request":
        raise Closed
    return message.get("body", b""), bool(message.get("more_body"))
