"""The ASGI types that the edge speaks, and the plainest answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


async def answer(
    send: Send,
    status: int,
    body: bytes = b"",
    *headers: tuple[bytes, bytes],
    kind: bytes = b"application/json",
) -> None:
    """`kind` is the media type; empty where there is none to name."""
    head = [(b"content-length", b"%d" % len(body)), *headers]
    if kind:
        head.append((b"content-type", kind))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
