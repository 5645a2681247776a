"""What people see while it runs: lines in the job's log, `progress.json`, and a log for each
mini-batch that failed or was slow."""

from __future__ import annotations

import heapq
import json
import os
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.parallel.book import Book
    from lazur.runtime.parallel.paths import Paths

_SLOW = 20
"""So many are remembered."""
_FAILING = 100
_TOLD = 30
"""Failures that are lines of the log."""
_AT_LEAST = 1.0
"""Seconds. What is quicker is never called slow."""
_TIMES = 3.0
"""So many times the mean is slow."""
_FEW = 5
_WINDOW = 30.0
_FIRST = 5.0
_LONGEST = 60.0
_SEGMENT = 256 << 10


class Reporter:
    def __init__(self, book: Book, paths: Paths, workers: int) -> None:
        self._book = book
        self._paths = paths
        self._workers = workers
        self._slow: list[tuple[float, int, dict[str, Any]]] = []
        self._failing: dict[int, dict[str, Any]] = {}
        self._marks: deque[tuple[float, int, int]] = deque()
        self._started = time.time()
        self._said_at = time.monotonic()
        self._pause = _FIRST
        self._told = 0
        self._before = (len(book.done), book.items_done)

    def begin(self) -> None:
        book = self._book
        say(
            "%s of %s in %s"
            % (
                _many(len(book.batches), "mini-batch", "mini-batches"),
                _many(book.items, "item", "items"),
                _many(self._workers, "worker", "workers"),
            )
        )
        if book.done or book.tries:
            text = "an earlier attempt was ended: its %s done mini-batches stay"
            say(text % format(len(book.done), ","))

    def done(self, entry: dict[str, Any], log: str) -> None:
        book, seconds = self._book, float(entry["s"])
        count = len(book.done)
        if seconds < _AT_LEAST or count < _FEW or seconds < _TIMES * book.run_seconds / count:
            return
        if len(self._slow) == _SLOW and seconds <= self._slow[0][0]:
            return
        number = entry["d"]
        told: dict[str, Any] = {"number": number, "seconds": seconds, "worker": entry["w"]}
        told.update(self._key(number))
        if self._keep(number, log, entry, "took " + took(seconds)):
            told["log"] = self._paths.batch_log(number)
        (heapq.heappush if len(self._slow) < _SLOW else heapq.heapreplace)(
            self._slow, (seconds, number, told)
        )

    def failed(self, entry: dict[str, Any], log: str, last: bool) -> None:
        number, error = entry["x"], str(entry["e"])
        tries = self._book.tries.get(number, 1)
        kept = self._keep(number, log, entry, "try %d: %s" % (tries, error))
        self._say_failed(number, last, error.split("\n", 1)[0][:300])
        if number in self._failing or len(self._failing) < _FAILING:
            told: dict[str, Any] = {
                "number": number,
                "tries": tries,
                "error": error,
                "failed": last,
            }
            told.update(self._key(number))
            if kept:
                told["log"] = self._paths.batch_log(number)
            self._failing[number] = told

    def _say_failed(self, number: int, last: bool, error: str) -> None:
        self._told += 1
        if self._told <= _TOLD:
            verb = "failed" if last else "failed, and is tried again"
            say("mini-batch %d %s: %s" % (number, verb, error))
        elif self._told == _TOLD + 1:
            say("what fails from here on is counted, and listed by: lazur job mini-batches")

    def tell(self, state: str = "running", why: str | None = None, running: int = 0) -> None:
        """Both now: the file, and a line when it is time for one."""
        self._mark()
        batches, items = self._rates(whole=state != "running")
        book, now = self._book, time.time()
        left = len(book.batches) - len(book.done) - len(book.failed)
        found = {
            "state": state,
            "why": why,
            "mini_batches": {
                "total": len(book.batches),
                "done": len(book.done),
                "failed": len(book.failed),
                "running": running,
                "retried": book.retried,
            },
            "items": {"total": book.items, "done": book.items_done, "failed": book.items_failed},
            "per_second": {"mini_batches": round(batches, 3), "items": round(items, 3)},
            "remaining_seconds": round(left / batches, 1) if batches and left else None,
            "workers": self._workers,
            "started": self._started,
            "updated": now,
            "slow": [told for _, _, told in sorted(self._slow, reverse=True)],
            "failing": list(self._failing.values()),
        }
        _replace(self._paths.progress, json.dumps(found))
        if state == "running" and time.monotonic() - self._said_at >= self._pause:
            self._said_at = time.monotonic()
            self._pause = min(_LONGEST, self._pause * 1.5)
            self._say_progress(batches, items)

    def end(self, why: str | None) -> None:
        book = self._book
        counts = "%s of %s mini-batches done, %s failed; %s of %s items, in %s" % (
            format(len(book.done), ","),
            format(len(book.batches), ","),
            format(len(book.failed), ","),
            format(book.items_done, ","),
            format(book.items, ","),
            took(time.time() - self._started),
        )
        say(counts)
        if why:
            say("the job fails: " + why)

    def rates(self) -> tuple[float, float]:
        return self._rates(whole=False)

    def _say_progress(self, batches: float, items: float) -> None:
        book = self._book
        over = len(book.done) + len(book.failed)
        failed = ", %s failed" % format(len(book.failed), ",") if book.failed else ""
        share = 100 * over // len(book.batches)
        counts = "%s of %s mini-batches (%d %%)" % (
            format(over, ","),
            format(len(book.batches), ","),
            share,
        )
        say(
            "%s%s; %s a second, %s items a second" % (counts, failed, speed(batches), speed(items))
        )

    def _mark(self) -> None:
        now = time.monotonic()
        self._marks.append((now, len(self._book.done), self._book.items_done))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.popleft()

    def _rates(self, *, whole: bool) -> tuple[float, float]:
        """Mini-batches and items a second: of the last half minute, or of all the time."""
        if whole:
            seconds = max(1e-6, time.time() - self._started)
            done, items = self._before
            return (len(self._book.done) - done) / seconds, (
                self._book.items_done - items
            ) / seconds
        if len(self._marks) < 2:
            return 0.0, 0.0
        (began, done, items), (ended, now_done, now_items) = self._marks[0], self._marks[-1]
        seconds = max(1e-6, ended - began)
        return (now_done - done) / seconds, (now_items - items) / seconds

    def _key(self, number: int) -> dict[str, Any]:
        key = self._book.batches[number].key
        return {} if key is None else {"key": key}

    def _keep(self, number: int, log: str, entry: dict[str, Any], head: str) -> bool:
        """What its worker printed meanwhile, into a log of its own. False where there is none."""
        if not log or "a" not in entry:
            return False
        try:
            with open(log, "rb") as file:
                end = entry.get("z") or os.fstat(file.fileno()).st_size
                start = max(entry["a"], end - _SEGMENT)
                file.seek(start)
                text = file.read(max(0, end - start))
            os.makedirs(self._paths.batches, mode=0o700, exist_ok=True)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            title = "mini-batch %d on worker %s, %s\n%s\n" % (number, entry["w"], stamp, head)
            place = "%s/%s" % (self._paths.artifacts, self._paths.batch_log(number))
            with open(place, "ab") as file:
                file.write(title.encode("utf-8", "replace") + text + b"\n")
        except OSError as error:
            say("the log of mini-batch %d could not be kept: %s" % (number, error))
            return False
        return True


def speed(rate: float) -> str:
    return format(round(rate), ",") if rate >= 100 else "%.3g" % rate


def took(seconds: float) -> str:
    if seconds < 100:
        return "%.3g s" % seconds
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return "%d h %02d min" % (hours, minutes) if hours else "%d min %02d s" % (minutes, rest)


def say(text: str) -> None:
    os.write(1, ("lazur: " + text + "\n").encode("utf-8", "replace"))


def _replace(path: str, text: str) -> None:
    draft = path + ".draft"
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)


def _many(count: int, one: str, several: str) -> str:
    return "%s %s" % (format(count, ","), one if count == 1 else several)
