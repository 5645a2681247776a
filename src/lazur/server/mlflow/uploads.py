"""A request's body on its way into an artifact."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Generator
from contextlib import contextmanager

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.errors import TooLarge
from lazur.server.asgi import Receive
from lazur.server.topics import Closed
from lazur.services.tracking.artifacts import Artifacts, Draft

_BLOCK = 1 << 20
"""Bytes worth a change of threads."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


async def receive(files: Artifacts, path: str, receive: Receive) -> None:
    """Visible at `path` when it is whole and synced; a client that goes away leaves nothing."""
    with _room():
        draft = await run_sync(files.draft)
        try:
            await _take(draft, receive)
            await run_sync(draft.publish, path)
        finally:
            with CancelScope(shield=True):
                await run_sync(draft.discard)


def put(files: Artifacts, path: str, content: bytes) -> None:
    with _room():
        draft = files.draft()
        try:
            draft.write([content])
            draft.publish(path)
        finally:
            draft.discard()


async def _take(draft: Draft, receive: Receive) -> None:
    """One block is written while the next one comes in, so no more than two are held."""
    writing: asyncio.Task[None] | None = None
    try:
        more = True
        while more:
            block, more = await _block(receive)
            if writing is not None:
                await writing
            writing = asyncio.create_task(run_sync(draft.write, block))
    finally:
        if writing is not None:
            with CancelScope(shield=True):
                await asyncio.wait([writing])
    if writing is not None:
        await writing


async def _block(receive: Receive) -> tuple[list[bytes], bool]:
    parts: list[bytes] = []
    size = 0
    while size < _BLOCK:
        message = await receive()
        if message["type"] != "http.request":
            raise Closed
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return parts, False
    return parts, True


@contextmanager
def _room() -> Generator[None]:
    """A full disk is said as such: as any other failure, clients would send it all again."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise TooLarge(
            "The server's disk has no room for this artifact. Nothing of it was kept.",
            hint="Free some (`lazur run purge` removes deleted runs), then log it again.",
        ) from error
