"""Drives the gate as a server would: plain ASGI, so that a test controls every byte."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lazur.server.asgi import App, Message, Receive, Scope, Send
from lazur.server.gate import Gate
from lazur.server.settings import Settings

HOST = "localhost:8765"
TOKEN = "good-token"
SESSION = "good-session"


@dataclasses.dataclass(frozen=True)
class Person:
    name: str


@dataclasses.dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    body: bytes = b""
    complete: bool = False

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


class Secrets:
    """What the real look-up is to the gate; counts how often it is asked."""

    def __init__(self) -> None:
        self.known = {("bearer", TOKEN): Person("ann"), ("session", SESSION): Person("bob")}
        self.asked = 0

    def __call__(self, kind: str, secret: str) -> Person | None:
        self.asked += 1
        return self.known.get((kind, secret))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and tells who asked for what."""
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    who = scope["lazur.principal"]
    body = json.dumps({"who": who and who.name, "path": scope["path"], "size": size}).encode()
    await answer(send, body)


async def answer(
    send: Send, body: bytes, kind: bytes = b"application/json", status: int = 200
) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def gate(app: App = echo, secrets: Secrets | None = None, **settings: Any) -> Gate:
    return Gate(app, secrets or Secrets(), Settings(home=Path("/nowhere"), **settings))


def bearer(token: str = TOKEN) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


def cookie(secret: str = SESSION, name: str = "lazur-session-8765") -> tuple[str, str]:
    return ("cookie", f"other=1; {name}={secret}")


def call(made: Gate, method: str, target: str, *headers: tuple[str, str], **how: Any) -> Answer:
    return asyncio.run(exchange(made, method, target, *headers, **how))


async def exchange(
    made: Gate,
    method: str,
    target: str,
    *headers: tuple[str, str],
    host: str | None = HOST,
    body: Sequence[bytes] = (),
    pause: float = 0.0,
    scheme: str = "http",
    seen: Callable[[Message], Awaitable[None]] | None = None,
) -> Answer:
    made_scope = scope(method, target, headers, host, scheme)
    parts = list(body)
    if parts and not any(name in {"content-length", "transfer-encoding"} for name, _ in headers):
        made_scope["headers"].append((b"transfer-encoding", b"chunked"))
    got = Answer()

    async def receive() -> Message:
        if parts:
            await asyncio.sleep(pause)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}
        if not got.complete and not body:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            got.body += message.get("body", b"")
            got.complete = not message.get("more_body")
        if seen:
            await seen(message)

    await made(made_scope, receive, send)
    return got


def scope(
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    host: str | None = HOST,
    scheme: str = "http",
) -> Scope:
    raw_path, _, query = target.partition("?")
    pairs = [(k.encode(), v.encode("latin-1")) for k, v in headers]
    if host is not None:
        pairs.insert(0, (b"host", host.encode()))
    return {
        "type": "http",
        "method": method,
        "scheme": scheme,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode(),
        "headers": pairs,
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8765),
    }
