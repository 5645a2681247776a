"""What upstream says when its database refuses something: callers hear what it was about, and
neither the statement nor the values in it."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from lazur.server.asgi import Message, Send

_SQL = re.compile(
    r"(?:Error:\s*)?(?:\(raised as a result of|\[SQL:|\[parameters:"
    r"|\((?:sqlite3|psycopg2?|pymysql|MySQLdb|sqlalchemy)(?:\.\w+)*\.\w+\)"
    r"|\(Background on this error at: https://sqlalche\.me)"
)
"""Where SQLAlchemy's own words begin; all that follows is its."""
_NOTHING_LEFT = "The database refused this."


class Masked:
    """Sends on what it is given; an error only once it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_error(message):
            self._start = message
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._tell(self._start, mask(bytes(self._body)))
        else:
            await self._send(message)

    async def _tell(self, start: Message, body: bytes) -> None:
        kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        headers = [*kept, (b"content-length", b"%d" % len(body))]
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def mask(body: bytes) -> bytes:
    """The same, where it tells nothing of the database."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return body
    if not isinstance(told, dict):
        return body
    said = cast("dict[str, Any]", told)
    changed = {
        key: text[: found.start()].rstrip() or _NOTHING_LEFT
        for key, text in said.items()
        if isinstance(text, str) and (found := _SQL.search(text)) is not None
    }
    return json.dumps({**said, **changed}).encode() if changed else body


def _is_error(start: Message) -> bool:
    headers = {name.lower(): value for name, value in start["headers"]}
    plain = b"content-encoding" not in headers
    return start["status"] >= 400 and plain and b"json" in headers.get(b"content-type", b"")
