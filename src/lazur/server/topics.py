"""Wakes those who wait for news of a key. What the news is they look up themselves, so none can be
lost or stale."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class Topics:
    """`publish` from any thread; everything else in the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[str, set[Subscription]] = {}
        self.closed = False
        self.closing = asyncio.Event()

    def publish(self, key: str) -> None:
        """Costs next to nothing when nobody listens, so it may be called at every change."""
        loop = self._loop
        if loop is None or key not in self._listeners:
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody listens any more
            loop.call_soon_threadsafe(self._wake, key)

    def subscribe(self, key: str) -> Subscription:
        """Subscribe first, look second: what changes in between then wakes the subscriber."""
        self._loop = asyncio.get_running_loop()
        subscription = Subscription(self, key)
        self._listeners.setdefault(key, set()).add(subscription)
        return subscription

    def close(self) -> None:
        """The server stops: whoever waits is woken and told so."""
        self.closed = True
        self.closing.set()
        for key in list(self._listeners):
            self._wake(key)

    def forget(self, subscription: Subscription) -> None:
        listeners = self._listeners.get(subscription.key, set())
        listeners.discard(subscription)
        if not listeners:
            self._listeners.pop(subscription.key, None)

    def _wake(self, key: str) -> None:
        for subscription in list(self._listeners.get(key, ())):
            subscription.news = True
            subscription.event.set()


class Subscription:
    """News that came while nobody waited are kept, as one. Others may set `event` too."""

    def __init__(self, topics: Topics, key: str) -> None:
        self.key = key
        self.event = asyncio.Event()
        self.news = False
        self._topics = topics

    def take(self) -> bool:
        """Whether there was news since the last time."""
        news, self.news = self.news, False
        return news

    async def wait(self, seconds: float | None = None) -> None:
        """Until the event is set or the time is over. Raises Closed when the server stops."""
        if not self.event.is_set() and not self._topics.closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.event.wait()
        if self._topics.closed:
            raise Closed

    async def rest(self, seconds: float) -> None:
        """Whatever the news. Raises Closed when the server stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._topics.closing.wait()
        if self._topics.closed:
            raise Closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._topics.forget(self)


class Closed(Exception):
    """The server stops; whatever goes on must end."""
