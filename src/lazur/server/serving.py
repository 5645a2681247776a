"""uvicorn with what it lacks: limits on a request's head, streams that end at shutdown, and a
prompt exit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Protocol, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lazur.server.asgi import Receive, Scope, Send
from lazur.server.secure import STATE, Secure
from lazur.server.settings import Settings

GRACE = 1
"""Seconds that running requests get to finish when the server stops."""
HOOKS = 1.0
"""Seconds that the application gets to stop its loops."""

BACKLOG = 2048
CORK = 16 << 10
"""Bytes that are worth their own system call."""

log = logging.getLogger("lazur.server")


class Edge(Protocol):
    """The gate, as seen from below."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def stop(self) -> None:
        """End all open streams."""
        ...


class Server(uvicorn.Server):
    """Serves `edge` on `sockets` until SIGTERM or SIGINT; `ready` is called when requests are
    answered."""

    def __init__(
        self,
        config: uvicorn.Config,
        edge: Edge,
        ready: Callable[[], None],
        settings: Settings,
    ) -> None:
        super().__init__(config)
        self.edge = edge
        self.settings = settings
        self.ready = ready
        self._wake = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        secure = Secure(self.settings, self.listen)
        self.lifespan.state[STATE] = secure
        await super().startup(sockets)
        await secure.resume()
        await self.on_tick(0)
        self.ready()

    async def listen(self, sock: socket.socket, certificate: tuple[str, str]) -> None:
        """Another way in, by HTTPS, while the server runs."""
        made = config(self.edge, self.settings, certificate)
        made.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            partial(
                made.http_protocol_class,
                config=made,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            ),
            sock=sock,
            ssl=made.ssl,
            backlog=BACKLOG,
        )
        self.servers.append(server)

    async def main_loop(self) -> None:
        """One tick a second for the Date header, not ten; a signal wakes it at once."""
        while not self.should_exit:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 1.0)
            await self.on_tick(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.edge.stop()
        hooks = self.lifespan.shutdown
        self.lifespan.shutdown = lambda: _bounded(hooks(), HOOKS)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """uvicorn raises the signal again at the end, which would kill the process before it has
        tidied up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        log.info("stopping on %s", signal.Signals(number).name)
        self.force_exit = self.should_exit and number == signal.SIGINT
        self.should_exit = True
        self._wake.set()


def config(edge: Edge, settings: Settings, certificate: tuple[str, str] | None) -> uvicorn.Config:
    """Nothing of a proxy's headers is believed, and nothing is told about the software."""
    made = uvicorn.Config(
        edge,
        http=_protocol(settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(settings.idle_seconds),
        timeout_graceful_shutdown=GRACE,
    )
    if certificate:
        made.ssl_certfile, made.ssl_keyfile = certificate
    return made


def _protocol(settings: Settings) -> type[asyncio.Protocol]:
    return type("LimitedProtocol", (Limited,), {"settings": settings})


class Limited(HttpToolsProtocol):
    """Refuses heads that are too large or come too slowly, before they are a request that the gate
    could refuse."""

    settings: Settings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_size = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(cast("asyncio.Transport", Corked(transport, self.loop)))
        if sock := transport.get_extra_info("socket"):
            # Without it a small answer in two parts waits 40 ms for the client's delayed ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > self.settings.max_headers + self.settings.max_url:
            self.send_400_response("The request's headers are too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._arm()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_size = True, 0

    def send_400_response(self, msg: str) -> None:
        self._disarm()
        error = {"code": "Invalid", "message": msg, "hint": "Send a plain HTTP/1.1 request."}
        body = json.dumps({"error": error}).encode()
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"x-content-type-options: nosniff\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(self.settings.header_seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.close()


class Corked:
    """A transport that sends what is written in one turn of the loop at once: the head of an
    answer and its body are one packet, one system call less here and one wake-up less at the
    client."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        if len(data) > CORK:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))


async def _bounded(hooks: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(hooks, seconds)
    except TimeoutError:
        log.warning("the application did not stop within %s s; its jobs are not touched", seconds)
