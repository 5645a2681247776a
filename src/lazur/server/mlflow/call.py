"""What a handler of the fast lane is given, and how it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs

from anyio.to_thread import run_sync

from lazur.services.base.access import Principal
from lazur.services.base.site import SOURCE, Context, Site
from lazur.store.db import Connection
from lazur.store.queue import WriteQueue

T = TypeVar("T")


class Punt(Exception):
    """Upstream shall answer. Raised before anything was written, or inside a write, which it takes
    back."""


class Refusal(Exception):
    """An error, exactly as upstream words it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Space:
    """A workspace: ours, and MLflow's name for it."""

    id: int
    name: str
    mlflow: str


@dataclass(frozen=True)
class Call:
    """One request, after the access decision about its route. `path` is what follows `api/` or
    `ajax-api/`: `2.0/mlflow/runs/create`."""

    site: Site
    queue: WriteQueue
    who: Principal
    space: Space
    method: str
    path: str
    query: bytes
    body: bytes

    def fields(self, *known: str) -> dict[str, Any]:
        """The body's fields. Whatever is odd about them is upstream's to judge."""
        found = _decoded(self.body)
        if type(found) is not dict or not cast("dict[str, Any]", found).keys() <= set(known):
            raise Punt
        return cast("dict[str, Any]", found)

    def parameters(self, *known: str) -> dict[str, list[str]]:
        """The URL's parameters."""
        if not self.query.isascii():
            raise Punt
        found = parse_qs(self.query.decode("latin-1"), keep_blank_values=True)
        if not set(found) <= set(known):
            raise Punt
        return found

    async def read(self, part: Callable[[Context], T]) -> T:
        return await run_sync(self._read, part)

    async def write(self, part: Callable[[Context], T]) -> T:
        """Durable on return; what the part wants said on the bus is said then."""
        spoken: list[Context] = []
        source = SOURCE.get()

        def whole(db: Connection) -> T:
            with ExitStack() as stack:
                context = Context(self.site, self.who, lambda: nullcontext(db), stack)
                spoken[:] = [context]  # of the run that counts
                context.source = source  # the queue's thread knows none
                found = part(context)
                context.settle()
                return found

        answer = await self.queue.run(whole)
        for context in spoken:
            context.speak()
        return answer

    def _read(self, part: Callable[[Context], T]) -> T:
        with self.site.context(self.who, write=False) as context:
            return part(context)


def _decoded(body: bytes) -> Any:
    """As upstream reads it: of two equal keys the last counts. `spec.json` is stricter, and takes
    several times as long for a thousand metrics."""
    if b"\\u0000" in body:
        raise Punt  # databases cannot keep it
    try:
        found = json.loads(body.decode())
        if _SURROGATE.search(body):
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Punt from None
    return found


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""Two of them are a character, one alone is no text."""

Handler = Callable[[Call], Awaitable[bytes]]
"""Answers the body of a 200."""
