"""Who a secret belongs to, asked at most once a second for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

SecretKind = Literal["bearer", "session", "azure", "sas"]
Authenticate = Callable[[SecretKind, str], Any | None]
"""Sync, may ask the database: the principal, or None when the secret is unknown, expired or
revoked."""
FRESH = 0.9
"""Seconds that an answer holds; a revoked secret is dead within one."""


class Identities:
    def __init__(
        self, authenticate: Authenticate, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._authenticate = authenticate
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Any]] = {}
        self._asking: dict[tuple[str, str], asyncio.Future[Any]] = {}
        self._threads = ThreadPoolExecutor(2, "lazur-identity")

    def known(self, kind: SecretKind, secret: str) -> Any | None:
        """The fresh answer, without waiting; None says nothing."""
        found = self._known.get((kind, secret))
        return found[1] if found and self._clock() < found[0] else None

    async def find(self, kind: SecretKind, secret: str) -> Any | None:
        """The principal; callers with the same secret share one look-up."""
        if (principal := self.known(kind, secret)) is not None:
            return principal
        key = (kind, secret)
        if (asking := self._asking.get(key)) is None:
            asking = asyncio.ensure_future(self._ask(kind, secret))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, kind: SecretKind, secret: str) -> Any | None:
        asked = self._clock()
        loop = asyncio.get_running_loop()
        principal = await loop.run_in_executor(self._threads, self._authenticate, kind, secret)
        self._known.pop((kind, secret), None)
        if principal is not None:
            if len(self._known) >= 1024:
                self._known.clear()
            self._known[kind, secret] = (asked + FRESH, principal)
        return principal
