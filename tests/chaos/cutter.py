"""A proxy that cuts connections: all that are open, each time so many bytes have passed."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 64 << 10


class Cutter:
    """Between clients and the server whose address `where` tells. `at` are the numbers of bytes,
    in both directions together, after which it cuts; after `most` nothing passes any more."""

    def __init__(
        self, where: Callable[[], str], at: Sequence[int] = (), most: float = math.inf
    ) -> None:
        self._where = where
        self._most = most
        self._at = sorted(at)
        self._loop = asyncio.new_event_loop()
        self._open = set[asyncio.StreamWriter]()
        self._pumps = set[asyncio.Task[None]]()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.passed = 0
        self.cuts = 0
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        begun = asyncio.start_server(self._meet, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(begun, self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        there = urlsplit(self._where())
        try:
            far_reader, far_writer = await asyncio.open_connection(there.hostname, there.port)
        except OSError:
            self._drop(writer)
            return
        self._open.add(far_writer)
        for source, to in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, to))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                self.passed += len(chunk)
                if self.passed > self._most:
                    await asyncio.Event().wait()
                if self._at and self.passed >= self._at[0]:
                    del self._at[0]
                    self.cuts += 1
                    self._cut()
                    return
                to.write(chunk)
                await to.drain()
        self._drop(to)

    def _cut(self) -> None:
        """At once, and what is on its way is lost."""
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.close()
