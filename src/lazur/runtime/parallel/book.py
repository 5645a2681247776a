"""Which mini-batches wait, which are done, which failed, and whether the job may go on. It does no
I/O; the ledger of an earlier attempt is read by the same methods that wrote it."""

from __future__ import annotations

from collections import deque
from math import inf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from lazur.runtime.parallel.planning import Batch
    from lazur.runtime.parallel.settings import Settings


class Book:
    def __init__(self, batches: list[Batch], settings: Settings) -> None:
        self.batches = batches
        self.done: dict[int, dict[str, Any]] = {}
        """The ledger's entry of each."""
        self.failed: set[int] = set()
        self.tries: dict[int, int] = {}
        self.retried = 0
        self.items_done = 0
        self.items_failed = 0
        self.run_seconds = 0.0
        self._settings = settings
        self._waiting = deque(range(len(batches)))
        self.items = sum(batch.items for batch in batches)

    def replay(self, entries: Iterable[dict[str, Any]]) -> None:
        """What an earlier attempt wrote down."""
        for entry in entries:
            if "d" in entry:
                self.finish(entry)
            elif "x" in entry:
                self.fail(entry["x"])
        self._waiting = deque(n for n in range(len(self.batches)) if not self.is_over(n))

    def is_over(self, number: int) -> bool:
        return number in self.done or number in self.failed

    def take(self, most: int, files: float = inf) -> list[Batch]:
        """The next that wait: at most so many, with so many files in all."""
        taken: list[Batch] = []
        while self._waiting and len(taken) < most:
            batch = self.batches[self._waiting[0]]
            files -= len(batch.files or ())
            if files < 0:
                break
            taken.append(batch)
            self._waiting.popleft()
        return taken

    def put_back(self, numbers: Iterable[int]) -> None:
        """They were given to somebody who did not begin with them, and go first again."""
        for number in reversed(list(numbers)):
            if not self.is_over(number):
                self._waiting.appendleft(number)

    def finish(self, entry: dict[str, Any]) -> None:
        """`n` results came back. Where mini-batches are cut by keys, one result stands for all of
        their items; elsewhere each item that has none has failed."""
        number: int = entry["d"]
        if self.is_over(number):
            return
        self.done[number] = entry
        batch = self.batches[number]
        missing = 0 if batch.key is not None else max(0, batch.items - entry["n"])
        self.items_failed += missing
        self.items_done += batch.items - missing
        self.run_seconds += entry["s"]

    def fail(self, number: int) -> bool:
        """One try failed. True if it was the last: the mini-batch has failed."""
        if self.is_over(number):
            return False
        tries = self.tries[number] = self.tries.get(number, 0) + 1
        if tries <= self._settings.retries:
            self.retried += 1
            self._waiting.append(number)
            return False
        self.failed.add(number)
        self.items_failed += self.batches[number].items
        return True

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def over(self) -> bool:
        return len(self.done) + len(self.failed) == len(self.batches)

    def verdict(self) -> str | None:
        """Why the job has to end now; None while it may go on."""
        asked, failed = self._settings, len(self.failed)
        most = asked.mini_batch_error_threshold
        if 0 <= most < failed:
            return _too_many(failed, "mini-batch", most, "mini_batch_error_threshold")
        most = asked.error_threshold
        if 0 <= most < self.items_failed:
            return _too_many(self.items_failed, "item", most, "error_threshold")
        percent = 100.0 * failed / len(self.batches)
        if percent > asked.failed_percent:
            text = "%.3g %% of the mini-batches have failed, and allowed_failed_percent is %.3g"
            return text % (percent, asked.failed_percent)
        if self.over and failed == len(self.batches):
            return "all %d mini-batches have failed" % failed if failed > 1 else _ONLY
        return None


_ONLY = "the only mini-batch has failed"


def _too_many(count: int, what: str, most: int, setting: str) -> str:
    if count == 1:
        said = "1 %s has" % what
    else:
        said = "%d %s have" % (count, "mini-batches" if what == "mini-batch" else what + "s")
    return "%s failed, and %s is %d" % (said, setting, most)
