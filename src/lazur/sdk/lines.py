"""What is said while several jobs are followed at once: whole lines, whoever says them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

from lazur.engine.states import FINAL
from lazur.errors import LazurError
from lazur.sdk.logs import MAIN_LOG, copy_bytes
from lazur.sdk.scope import Scope

Style = Callable[[str, str], str]
"""Of a text and a state: what is shown."""
_LOGS_AT_ONCE = 16


class Lines:
    """Several threads write, each of them whole lines."""

    def __init__(self, write: Callable[[str], None], style: Style) -> None:
        self._write = write
        self._lock = threading.Lock()
        self.style = style

    def say(self, line: str) -> None:
        with self._lock:
            self._write(line + "\n")


class Logs:
    """A few threads that copy logs, line by line, each with the step's name in front."""

    def __init__(self, scope: Scope, lines: Lines) -> None:
        self._scope = scope
        self._lines = lines
        self._wanted: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def follow(self, job: str, name: str) -> None:
        self._wanted.put((job, name))
        if len(self._threads) < _LOGS_AT_ONCE:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Wait until all that was asked for is written."""
        for _ in self._threads:
            self._wanted.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        # Where nobody reads on, whoever follows the whole finds that out as well.
        with suppress(BrokenPipeError):
            while (wanted := self._wanted.get()) is not None:
                self._copy(*wanted)

    def _copy(self, job: str, name: str) -> None:
        out = _Prefixed(self._lines, name)
        try:
            path = self._scope.file("jobs", job, "files", path=MAIN_LOG)
            copy_bytes(self._scope, path, out, lambda: self._is_over(job))
        except LazurError as error:
            self._lines.say(f"{name} | (its log cannot be read: {error.message})")
        out.close()

    def _is_over(self, job: str) -> bool:
        found = self._scope.http.request("GET", self._scope.path("jobs", job)).json()
        return found["status"] in FINAL


class _Prefixed:
    """A stream of bytes that says whole lines."""

    def __init__(self, lines: Lines, name: str) -> None:
        self._lines = lines
        self._name = name
        self._rest = b""

    def write(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._say(line)

    def flush(self) -> None:
        """Lines are out when they are whole."""

    def close(self) -> None:
        if self._rest:
            self._say(self._rest)
        self._rest = b""

    def _say(self, line: bytes) -> None:
        shown = self._lines.style(f"{self._name} |", "log")
        self._lines.say(f"{shown} {line.decode(errors='replace').rstrip()}")
