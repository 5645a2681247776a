"""What `begin_…` gives back, as in Azure's client: the thing has begun, `result()` waits for its
end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Poller(Generic[T]):
    def __init__(self, begun: T, finish: Callable[[], T]) -> None:
        self._begun = begun
        self._finish = finish
        self._finished: T | None = None

    def result(self, timeout: float | None = None) -> T:
        """`timeout` is there for Azure's sake: the server itself ends what lasts too long."""
        if self._finished is None:
            self._finished = self._finish()
        return self._finished

    def wait(self, timeout: float | None = None) -> None:
        self.result(timeout)

    def done(self) -> bool:
        return self._finished is not None

    def status(self) -> str:
        return "Succeeded" if self.done() else "InProgress"
