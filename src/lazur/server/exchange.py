"""One request and its answer, as they pass through the gate."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from anyio.to_thread import run_sync

from lazur.server import refusal
from lazur.server.asgi import App, Message, Receive, Scope, Send
from lazur.server.headers import secured
from lazur.server.logs import masked
from lazur.server.refusal import Refused
from lazur.server.topics import Closed

RECHECK = 3.0
"""Seconds after which the identity of an open stream or upload is asked again; with the cache's
second, an end within five."""
BODY_RATE = 1024
"""Bytes a second that a client must send at least, once its first seconds are over."""
_REFUSED = frozenset({401, 403})
Note = Callable[[Any, str, str, int, Any], None]
"""What notes a refusal: to whom, from where, of which request, with which status, and why."""
QUIET = frozenset({"/healthz"})

access = logging.getLogger("lazur.access")
log = logging.getLogger("lazur.gate")


class Exchange:
    def __init__(
        self, scope: Scope, receive: Receive, send: Send, body_seconds: float, note: Note
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._began = time.perf_counter()
        self._refusals = note
        self._who = "-"
        self._status = 0
        self._body = _Body(receive, body_seconds)
        self._held: list[Message] = []
        self._dropped = False
        self._complete = False
        self._stream: Stream | None = None
        self._recheck: Callable[[], Awaitable[bool]] | None = None
        self._streams: set[Stream] = set()

    def identified(self, principal: Any, recheck: Callable[[], Awaitable[bool]]) -> None:
        self._who = str(getattr(principal, "name", principal))
        self._recheck = recheck
        self._body.recheck = recheck

    async def refuse(self, refused: Refused) -> None:
        if self._scope["type"] == "websocket":
            await self._receive()
            await self._send({"type": "websocket.close", "code": 1008})
            self._status = refused.status
        else:
            await self._answer(refused)
        self._log()

    async def run(self, app: App, streams: set[Stream]) -> None:
        """Let the application answer. Nothing that fails behind gets past this."""
        self._streams = streams
        try:
            if self._scope["type"] == "websocket":
                self._become_stream()
                await app(self._scope, self._receive, self._send)
            else:
                has_body, self._body.limit = self._scope["lazur.body"]
                await app(self._scope, self._body.take if has_body else self._receive, self._pass)
                await self._release()
        except asyncio.CancelledError:
            if self._stream is None or self._stream.ended is None:
                raise
            self._stream.task.uncancel()
            log.info("%s %s ended: %s", self._who, self._path(), self._stream.ended)
        except Exception as error:  # noqa: BLE001 - the last place where it can become an answer
            await self._report(error)
        finally:
            if self._stream:
                self._stream.close()
            self._log()

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._head(message)
            return
        if self._dropped:
            return
        if self._held and not message.get("more_body"):
            self._held.append(message)
            return
        await self._release()
        if message.get("more_body"):
            if self._stream is None:
                self._become_stream()
        else:
            self._complete = True
        await self._send(message)

    async def _head(self, message: Message) -> None:
        """A refused body replaces what the application made of the failed read. A 500 is held
        back: when an exception follows, which frameworks raise only after they have answered, the
        answer must carry its incident number."""
        if self._body.refused:
            self._dropped = True
            await self._answer(self._body.refused)
        elif message["status"] == 500:
            self._held.append(message)
        else:
            headers = message.get("headers", ())
            await self._start(message["status"], headers)
            if not any(name.lower() == b"content-length" for name, _ in headers):
                self._become_stream()  # it may be silent for hours before its first byte

    async def _release(self) -> None:
        if held := self._held:
            self._held = []
            await self._start(held[0]["status"], held[0].get("headers", ()))
            for message in held[1:]:
                await self._send(message)

    async def _start(self, status: int, headers: Any) -> None:
        """A refusal is noted before it is told."""
        if status in _REFUSED or self._scope.get("lazur.denial") is not None:
            await self._note(status)
        self._status = status
        headers = secured(self._scope["path"], headers, self._scope.get("lazur.csp"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _note(self, status: int) -> None:
        scope = self._scope
        request = f"{self._verb()} {self._path()}"
        who, denial = scope.get("lazur.principal"), scope.get("lazur.denial")
        await run_sync(self._refusals, who, scope["lazur.source"], request, status, denial)

    async def _answer(self, refused: Refused) -> None:
        body = refused.body(self._scope["path"])
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *refused.headers,
        ]
        await self._start(refused.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def _report(self, error: Exception) -> None:
        self._held = []
        if self._body.gone or isinstance(error, Closed):
            return
        if isinstance(error, Refused):
            if not self._status:
                await self._answer(error)
            return
        incident = uuid.uuid4().hex[:12]
        log.error(
            "incident %s: %s %s %s",
            incident,
            self._who,
            self._verb(),
            self._path(),
            exc_info=error,
        )
        if not self._status and self._scope["type"] == "http":
            await self._answer(refusal.failed(incident))

    def _become_stream(self) -> None:
        self._stream = Stream(self._streams, self._recheck)

    def _verb(self) -> str:
        return str(self._scope.get("method", "WEBSOCKET"))

    def _path(self) -> str:
        """As it was sent, without the query; it stays on one line whatever it holds."""
        text = (self._scope.get("raw_path") or self._scope["path"].encode()).decode("latin-1")
        return text if len(text) < 500 else masked(text)[:500] + "…"

    def _log(self) -> None:
        if self._scope["path"] in QUIET and self._status < 400:
            return
        milliseconds = (time.perf_counter() - self._began) * 1000
        access.info(
            "%s %s %s %d %.1fms", self._who, self._verb(), self._path(), self._status, milliseconds
        )


class _Body:
    """The request's body with a limit on its size and on how slowly it may come, from who may
    still send it."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._taken = 0
        self._waited = 0.0
        self._whole = False
        self.limit: int | None = 0
        self.refused: Refused | None = None
        self.gone = False
        self.recheck: Callable[[], Awaitable[bool]] | None = None
        self._checked = time.monotonic()

    async def take(self) -> Message:
        if self._whole:
            return await self._receive()
        if self.refused:
            raise self.refused
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds + self._taken / BODY_RATE - self._waited):
                message = await self._receive()
        except TimeoutError:
            self.refused = refusal.too_slow()
            raise self.refused from None
        self._waited += time.monotonic() - began
        self._count(message)
        await self._check()
        return message

    async def _check(self) -> None:
        """An upload may take hours: who sends it may have lost the right to."""
        if self.recheck is None or time.monotonic() - self._checked < RECHECK:
            return
        if not await self.recheck():
            self.refused = refusal.ended()
            raise self.refused
        self._checked = time.monotonic()

    def _count(self, message: Message) -> None:
        if message["type"] != "http.request":
            self.gone = True
            return
        self._taken += len(message.get("body", b""))
        self._whole = not message.get("more_body")
        if self.limit is not None and self._taken > self.limit:
            self.refused = refusal.too_large(self.limit)
            raise self.refused


class Stream:
    """An answer that goes on: ended when its identity is no longer known, or when the server
    stops.

    The client sees an unfinished answer, so it does not take what it has for the whole.
    """

    def __init__(
        self, streams: set[Stream], recheck: Callable[[], Awaitable[bool]] | None
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # ASGI applications run in tasks
        self.task = task
        self.ended: str | None = None
        self._streams = streams
        self._recheck = recheck
        self._loop = asyncio.get_running_loop()
        self._checking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        streams.add(self)
        self._later()

    def end(self, why: str) -> None:
        if self.ended is None:
            self.ended = why
            self.task.cancel()

    def close(self) -> None:
        self._streams.discard(self)
        if self._timer:
            self._timer.cancel()
        if self._checking:
            self._checking.cancel()

    def _later(self) -> None:
        if self._recheck:
            self._timer = self._loop.call_later(RECHECK, self._start_check, self._recheck)

    def _start_check(self, recheck: Callable[[], Awaitable[bool]]) -> None:
        self._checking = self._loop.create_task(self._check(recheck))

    async def _check(self, recheck: Callable[[], Awaitable[bool]]) -> None:
        try:
            valid = await recheck()
        except Exception:
            log.exception("a stream's sign-in could not be checked; it is ended")
            valid = False
        if valid:
            self._later()
        else:
            self.end("its sign-in or a role is no longer valid")
