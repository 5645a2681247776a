"""What goes on while a client looks: log tails and event streams, pushed. Async; holds no session
while it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lazur.server.feed import Feed, OpenFile, open_plainly
from lazur.server.topics import Subscription, Topics
from lazur.server.watcher import Watcher

HEARTBEAT = 15.0
RECHECK = 4.0
"""Seconds after which an open stream looks again by itself: whether it still may, and whether news
were missed."""

_SHARE = 4.0
"""A stream of events rests so many times as long as it looks."""
_LONGEST_REST = 1.0

Over = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Snapshot:
    """What an event stream shows now. `tag` names this version; the stream ends after one that is
    `last`."""

    tag: str
    data: bytes
    last: bool
    event: str = "job"


Look = Callable[[], Awaitable[Snapshot | None]]


class Live:
    """One per server, made in its event loop or before; `topics.publish` may be called from any
    thread."""

    def __init__(self, *, inotify: bool = True) -> None:
        self.topics = Topics()
        self._inotify = inotify
        self._watcher: Watcher | None = None
        self._feeds: dict[Path, Feed] = {}

    async def tail(
        self, path: Path, offset: int, over: Over, key: str, open_file: OpenFile | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The file's bytes from `offset`, then what is appended, until `over()` and all was sent.

        The file need not exist yet. `over` is asked at every publication of `key` and every few
        seconds; when it says yes the file must be complete. `open_file` opens it safely and
        returns a descriptor; it may raise FileNotFoundError for as long as there is nothing to
        open.
        """
        with self.topics.subscribe(key) as news:
            feed = self._feed(path, open_file)
            try:
                feed.listeners.add(news.event)
                async for chunk in _follow(feed, offset, over, news):
                    yield chunk
            finally:
                self._leave(feed, news.event)

    async def events(self, key: str, look: Look) -> AsyncGenerator[bytes, None]:
        """Server-sent events: what `look` sees now, and at every publication of `key` that changed
        it, until it is the last. `look` answers None when the caller may no longer see it, which
        ends the stream. Looks that take long are rare: of a pipeline of thousands of steps, of
        which some change at any time."""
        with self.topics.subscribe(key) as news:
            yield b"retry: 1000\n\n"
            began = time.monotonic()
            tag, sent = None, time.monotonic()
            while (seen := await look()) is not None:
                took = time.monotonic() - began
                if seen.tag != tag:
                    yield sse(seen.event, seen.data, seen.tag)
                    tag, sent = seen.tag, time.monotonic()
                elif time.monotonic() - sent >= HEARTBEAT:
                    yield b": still there\n\n"
                    sent = time.monotonic()
                if seen.last:
                    return
                await news.rest(min(took * _SHARE, _LONGEST_REST))
                await news.wait(RECHECK)
                news.event.clear()
                began = time.monotonic()

    def close(self) -> None:
        self.topics.close()
        if self._watcher:
            self._watcher.close()
            self._watcher = None

    def _feed(self, path: Path, open_file: OpenFile | None) -> Feed:
        if self._watcher is None:
            self._watcher = Watcher(inotify=self._inotify)
        if (feed := self._feeds.get(path)) is None:
            feed = self._feeds[path] = Feed(
                path, open_file or partial(open_plainly, path), self._watcher
            )
        return feed

    def _leave(self, feed: Feed, event: asyncio.Event) -> None:
        feed.listeners.discard(event)
        if not feed.listeners:
            self._feeds.pop(feed.path, None)
            feed.close()


def sse(event: str, data: bytes, tag: str | None = None) -> bytes:
    """One event. Newlines would end fields early: those in `data` make more data lines, others are
    dropped."""
    name = "".join(event.splitlines())
    head = f"id: {''.join(tag.splitlines())}\n" if tag else ""
    body = b"".join(b"data: " + line + b"\n" for line in data.splitlines() or [b""])
    return f"{head}event: {name}\n".encode() + body + b"\n"


async def _follow(
    feed: Feed, offset: int, over: Over, news: Subscription
) -> AsyncGenerator[bytes, None]:
    """A follower is but an offset: a slow one costs no memory, and goes on where it stopped."""
    asked = -RECHECK
    ended = False
    while True:
        news.event.clear()
        while chunk := await feed.read(offset):
            yield chunk
            offset += len(chunk)
        if ended:
            return
        if news.take() or time.monotonic() - asked >= RECHECK:
            ended = await over()
            asked = time.monotonic()
        else:
            await news.wait(RECHECK)
