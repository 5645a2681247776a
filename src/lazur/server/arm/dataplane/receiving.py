"""A blob's bytes on their way in, and what their sender says of them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from lazur.errors import Invalid, TooLarge
from lazur.server import receiving
from lazur.server.arm.calls import Call


async def receive(call: Call, write: Callable[[list[bytes]], None]) -> None:
    """Raises Invalid where it is not what its sender hashed."""
    hasher = hashlib.md5(usedforsecurity=False) if "content-md5" in call.headers else None

    def put(parts: list[bytes]) -> None:
        if hasher is not None:
            for part in parts:
                hasher.update(part)
        write(parts)

    await receiving.in_pieces(call.receive, put)
    if hasher is not None and call.headers["content-md5"] != _text(hasher.digest()):
        raise Invalid("The bytes that came are not those of Content-MD5.", hint="Send them again.")


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
    return int(given) if given.isdecimal() and len(given) < 19 else 0


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
