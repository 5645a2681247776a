"""A job's state as the server tells it: server-sent events, which go on by themselves when the
server restarts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from lazur.engine.increments import merged
from lazur.engine.states import FINAL
from lazur.errors import Unavailable
from lazur.sdk.http import LOST
from lazur.sdk.scope import Scope
from lazur.sdk.views import Job

QUIET = 60.0
"""A stream that says nothing for so long, not even a heartbeat, is asked for again."""

_PATIENCE = 60.0
"""Seconds that a server may be away while somebody watches."""


def events(scope: Scope, name: str) -> Iterator[dict[str, Any]]:
    """The job's view now, at each change, and last when it is final. No change is told twice."""
    path = scope.path("jobs", name, "events")
    last: Any = None
    lost_at: float | None = None
    while True:
        try:
            with scope.http.stream(
                "GET",
                path,
                headers={"Accept": "text/event-stream"},
                query={"changes": True},
                timeout=QUIET,
            ) as stream:
                for view in _views(stream.lines()):
                    lost_at = None
                    if (seen := _seen(view)) != last:
                        last = seen
                        yield view
                    if view["status"] in FINAL:
                        return
        except (*LOST, Unavailable):
            lost_at = still_patient(lost_at)
        else:
            lost_at = still_patient(lost_at)


class Watcher:
    """Tells of state changes from a thread of its own, while the log is copied in the first."""

    def __init__(self, scope: Scope, name: str, on_change: Callable[[Job], None]) -> None:
        self._thread = threading.Thread(
            target=self._run, args=(scope, name, on_change), daemon=True
        )
        self._thread.start()

    def join(self) -> None:
        self._thread.join(5)

    def _run(self, scope: Scope, name: str, on_change: Callable[[Job], None]) -> None:
        try:
            for view in events(scope, name):
                on_change(Job(view))
        except Unavailable:
            # Whoever follows the log sees the same, and says so.
            return


def _seen(view: dict[str, Any]) -> Any:
    """A job changes too when one of its steps does."""
    steps = view.get("steps") or []
    return view.get("etag"), [(step["name"], step["status"]) for step in steps]


def _views(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """A server tells the whole view first, and what became another after that; one of another
    version the whole each time."""
    view: dict[str, Any] | None = None
    for kind, told in _decoded(lines):
        if kind == b"job":
            view = told
        elif view is not None:
            view = merged(view, told)
        if view is not None:
            yield view


def _decoded(lines: Iterator[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """`data:` of server-sent events of the two kinds that a job has."""
    data: list[bytes] = []
    kind = b"message"
    for line in lines:
        line = line.rstrip(b"\r")
        if not line:
            if data and kind in (b"job", b"change"):
                yield kind, json.loads(b"\n".join(data))
            data, kind = [], b"message"
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value


def still_patient(lost_at: float | None) -> float:
    now = time.monotonic()
    if lost_at is not None and now - lost_at > _PATIENCE:
        raise Unavailable(
            "The server went away and did not come back.", hint="See: lazur server status"
        )
    time.sleep(0.1)
    return lost_at or now
