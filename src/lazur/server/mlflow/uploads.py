"""A request's body on its way into an artifact."""

from __future__ import annotations

from anyio import CancelScope
from anyio.to_thread import run_sync

from lazur.server import receiving, room
from lazur.server.asgi import Receive
from lazur.services.tracking.artifacts import Artifacts


async def receive(files: Artifacts, path: str, receive: Receive) -> None:
    """Visible at `path` when it is whole and synced; a client that goes away leaves nothing."""
    with room.said():
        draft = await run_sync(files.draft)
        try:
            await receiving.in_pieces(receive, draft.write)
            await run_sync(draft.publish, path)
        finally:
            with CancelScope(shield=True):
                await run_sync(draft.discard)


def put(files: Artifacts, path: str, content: bytes) -> None:
    with room.said():
        draft = files.draft()
        try:
            draft.write([content])
            draft.publish(path)
        finally:
            draft.discard()
