"""Passes requests on to a child (children.py) and its answers back, streamed both ways.

The client library is imported when a child is first needed: a server starts without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lazur.errors import BackendError, MissingExtra
from lazur.server.asgi import Message, Receive, Scope, Send
from lazur.server.children import Child, Running
from lazur.server.topics import Closed

Headers = Sequence[tuple[bytes, bytes]]
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding upgrade".split()
)
TO_US = frozenset(
    b"host authorization cookie origin referer content-length x-lazur-csrf forwarded "
    b"x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-prefix".split()
)
"""What a client says to us and to nobody behind: who it is, and where it comes from."""
_OURS = frozenset(b"server date set-cookie access-control-allow-origin".split())
"""What only we say to a client."""
_MOURNING = 2.0
"""Seconds in which a child that broke off is seen to be dead, or is alive."""

log = logging.getLogger("lazur.server")


@dataclass
class Outgoing:
    """A request as the child is to see it. `headers` are sent without those that are about one
    connection. A `body` of None is streamed from the client."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes | None = b""
    repeatable: bool = False
    """It changes nothing, so it may be sent again when the child died under it."""
    answered: Callable[[int, list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]] = field(
        default=lambda _status, headers: headers
    )
    """Sees the answer's head, and may change its headers."""


def outgoing(scope: Scope, target: str, body: bytes | None, *, repeatable: bool) -> Outgoing:
    """The client's request, without what it says to us alone. What its `Connection` names goes
    here, before anything of ours is added: it shall not name that."""
    dropped = TO_US | HOP_BY_HOP | _named(scope["headers"])
    headers = [pair for pair in scope["headers"] if pair[0] not in dropped]
    if body is None:
        headers += [pair for pair in scope["headers"] if pair[0] == b"content-length"]
    return Outgoing(scope["method"], target, headers, body, repeatable)


class Proxy:
    """Belongs to one event loop."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._client: tuple[Running, Any] | None = None

    async def forward(self, request: Outgoing, receive: Receive, send: Send) -> None:
        """Raises Unavailable where the child cannot be reached and BackendError where it broke
        off, both before anything was answered; Closed after that."""
        client = _Client(receive, request.body)
        try:
            await self._attempt(request, client, send)
        except _Broken as broken:
            if not (broken.unsent or (request.repeatable and request.body is not None)):
                raise _lost(self.child.recipe.name) from broken
            try:
                await self._attempt(request, client, send)
            except _Broken as again:
                raise _lost(self.child.recipe.name) from again

    async def fetch(self, request: Outgoing) -> tuple[int, bytes]:
        """The whole answer, for our own use."""
        async with self.child.use() as running:
            try:
                async with self._send(running, request, request.body) as answer:
                    return answer.status, await answer.read()
            except _library().ClientError as error:
                raise _lost(self.child.recipe.name) from error

    async def close(self) -> None:
        if self._client:
            client, self._client = self._client[1], None
            await client.close()

    async def _attempt(self, request: Outgoing, client: _Client, send: Send) -> None:
        async with self.child.use() as running:
            try:
                await self._pass(running, request, client, send)
            except _Broken:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(running.over.wait(), _MOURNING)
                raise

    async def _pass(
        self, running: Running, request: Outgoing, client: _Client, send: Send
    ) -> None:
        library = _library()
        started = False
        try:
            async with client.present(), self._send(running, request, client.body()) as answer:
                headers = request.answered(answer.status, _kept(answer.raw_headers))
                head = {"type": "http.response.start", "status": answer.status, "headers": headers}
                await send(head)
                started = True
                await _pass_body(answer, send)
        except (library.ClientError, ConnectionError) as error:
            if client.failure:
                raise client.failure from None
            if started:
                log.warning("%s broke off an answer: %s", self.child.recipe.name, error)
                raise Closed from error
            unsent = isinstance(error, library.ClientConnectorError)
            raise _Broken(unsent and client.untouched) from error
        except _Left:
            return

    def _send(self, running: Running, request: Outgoing, body: Any) -> Any:
        return self._session(running).request(
            request.method,
            _url(request.target),
            headers=_headers(request.headers),
            data=body,
            allow_redirects=False,
        )

    def _session(self, running: Running) -> Any:
        """One for each life of the child: its connections are kept and used again."""
        if self._client is None or self._client[0] is not running:
            if self._client:
                _forget(self._client[1])
            self._client = (running, _connect(running))
        return self._client[1]


class _Broken(Exception):
    """The child was not there, or went away before it answered."""

    def __init__(self, unsent: bool) -> None:
        super().__init__()
        self.unsent = unsent


class _Left(Exception):
    """The client went away."""


class _Client:
    """The client's side of an exchange: its body, and whether it is still there."""

    def __init__(self, receive: Receive, body: bytes | None) -> None:
        self._receive = receive
        self._given = body
        self._sent = asyncio.Event()
        self._left = False
        self.untouched = True
        self.failure: BaseException | None = None
        if body is not None:
            self._sent.set()

    def body(self) -> bytes | AsyncGenerator[bytes] | None:
        return self._stream() if self._given is None else self._given or None

    async def _stream(self) -> AsyncGenerator[bytes]:
        while not self._sent.is_set():
            self.untouched = False
            message = await self._take()
            if message["type"] != "http.request":
                self._left = True
                self.failure = Closed()
                raise self.failure
            if not message.get("more_body"):
                self._sent.set()
            if part := message.get("body"):
                yield part

    async def _take(self) -> Message:
        """The library wraps what is raised here; what the gate refuses must come out as it was."""
        try:
            return await self._receive()
        except Exception as error:
            self.failure = error
            raise

    @contextlib.asynccontextmanager
    async def present(self) -> AsyncGenerator[None]:
        """Raises _Left out of what stands inside, when the client goes away meanwhile."""
        try:
            async with asyncio.timeout(None) as limit:
                watching = asyncio.create_task(self._watch(limit))
                try:
                    yield
                finally:
                    watching.cancel()
        except TimeoutError:
            if self._left:
                raise _Left from None
            raise

    async def _watch(self, limit: asyncio.Timeout) -> None:
        await self._sent.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        limit.reschedule(asyncio.get_running_loop().time())


async def _pass_body(answer: Any, send: Send) -> None:
    """The last part says that it is the last, where the length tells: an answer in one part is no
    stream to those above."""
    left = int(answer.headers.get("content-length", -1))
    async for part in answer.content.iter_any():
        left -= len(part)
        await send({"type": "http.response.body", "body": part, "more_body": left != 0})
        if left == 0:
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _kept(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What the child said to the client, in ASGI's lower case."""
    lower = [(name.lower(), value) for name, value in headers]
    dropped = HOP_BY_HOP | _OURS | _named(lower)
    return [pair for pair in lower if pair[0] not in dropped]


def _headers(headers: Headers) -> Any:
    dropped = HOP_BY_HOP | _named(headers)
    made = importlib.import_module("multidict").CIMultiDict()
    for name, value in headers:
        if name not in dropped:
            made.add(name.decode("latin-1"), value.decode("latin-1"))
    return made


def _named(headers: Headers) -> set[bytes]:
    """Headers that `Connection` declares to be about this connection only."""
    given = b",".join(value for name, value in headers if name == b"connection")
    return {part.strip().lower() for part in given.split(b",")}


def _url(target: str) -> Any:
    return importlib.import_module("yarl").URL("http://localhost" + target, encoded=True)


def _connect(running: Running) -> Any:
    library = _library()
    return library.ClientSession(
        connector=library.UnixConnector(path=str(running.socket), limit=0),
        timeout=library.ClientTimeout(total=None, sock_connect=10),
        cookie_jar=library.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_line_size=1 << 20,
        max_field_size=1 << 20,
    )


def _forget(client: Any) -> None:
    """The child of these connections is dead."""
    asyncio.get_running_loop().create_task(client.close())


@cache
def _library() -> Any:
    try:
        return importlib.import_module("aiohttp")
    except ImportError as error:
        raise MissingExtra("aiohttp is needed to reach child servers.", extra="server") from error


def _lost(name: str) -> BackendError:
    return BackendError(
        f"{name} broke off while it answered.",
        hint="Whether the change was made is not known: look, then try again. The server's "
        f"logs/{name}.log says more.",
    )
