"""Databases and moments at which things go wrong, one at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection

from lazur.errors import Unavailable
from lazur.store.db import Database

Fault = Literal["refused", "rolled back", "told wrong", "killed before", "killed after"]
FAULTS: tuple[Fault, ...] = (
    "refused",
    "rolled back",
    "told wrong",
    "killed before",
    "killed after",
)
"""Busy before the first statement; a time-out at the commit; a commit that is done and answered
with a time-out; the process killed right before a commit, or right after."""


class Killed(BaseException):
    """The process is gone: nothing may catch this but the test."""


class FaultyDatabase(Database):
    """Counts the write transactions, and fails at the n-th in one way."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.writes = 0
        self.fail_at = 0
        self.fault: Fault = "refused"

    @contextmanager
    def write(self, *, synced: bool = True) -> Generator[Connection]:
        self.writes += 1
        fault = self.fault if self.writes == self.fail_at else None
        if fault == "refused":
            raise Unavailable("busy")
        with super().write(synced=synced) as connection:
            yield connection
            if fault == "rolled back":
                raise Unavailable("time-out")
            if fault == "killed before":
                raise Killed
        if fault == "told wrong":
            raise Unavailable("time-out, though it was done")
        if fault == "killed after":
            raise Killed


class Countdown:
    """An engine's `fault`: dies at the n-th place that it is asked about."""

    def __init__(self, fail_at: int = 0) -> None:
        self.calls: list[str] = []
        self.fail_at = fail_at

    def __call__(self, place: str) -> None:
        self.calls.append(place)
        if len(self.calls) == self.fail_at:
            raise Killed(place)
