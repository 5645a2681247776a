"""Secrets kept out of a job's logs: what its processes print goes through a pipe, and from there
into the log with `***` for each value. Only jobs that were given secrets pay for it; what others
print goes straight to their log."""

from __future__ import annotations

import _thread
import base64
import os
import urllib.parse

from lazur.runtime.documents import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lazur.runtime.processes import Command

_SHORTEST = 6
"""Characters. Shorter values are in everybody's words."""
_HIDDEN = b"***"
_LAST = 5.0
"""Seconds that the end of a job waits for its last words."""


class Mask:
    """Takes known values out of bytes that come in pieces, between any two of which one may be
    cut."""

    def __init__(self, values: list[str]) -> None:
        forms = {form for value in values for form in _forms(value) if len(form) >= _SHORTEST}
        self._forms = sorted(forms, key=len, reverse=True)
        self._starts = {form[:1] for form in forms}
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown by now."""
        data = self._rest + data
        for form in self._forms:
            data = data.replace(form, _HIDDEN)
        held = self._held(data)
        self._rest = data[len(data) - held :]
        return data[: len(data) - held]

    def end(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest

    def _held(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of a value."""
        longest = len(self._forms[0]) - 1 if self._forms else 0
        for count in range(min(longest, len(data)), 0, -1):
            end = data[-count:]
            if end[:1] in self._starts and any(form.startswith(end) for form in self._forms):
                return count
        return 0


class Logs:
    """Between the processes of a job and their logs."""

    def __init__(self, values: list[str]) -> None:
        self._values = values
        self._taken: list[tuple[int, int]] = []
        self._running: list[_thread.LockType] = []

    def take(self, command: Command) -> None:
        """From now on `command` writes into a pipe."""
        reading, command.sink = os.pipe()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._taken.append((reading, os.open(command.log, flags, 0o600)))

    def start(self) -> None:
        """Once all have begun: no process is forked beside a thread."""
        for reading, log in self._taken:
            done = _thread.allocate_lock()
            done.acquire()
            self._running.append(done)
            _thread.start_new_thread(self._copy, (reading, log, done))

    def finish(self) -> None:
        """When nothing of the job runs any more."""
        for done in self._running:
            done.acquire(timeout=_LAST)

    def _copy(self, reading: int, log: int, done: _thread.LockType) -> None:
        mask = Mask(self._values)
        try:
            while True:
                data = os.read(reading, 1 << 16)
                _write(log, mask.feed(data) if data else mask.end())
                if not data:
                    return
        finally:
            os.close(reading)
            os.close(log)
            done.release()


def _write(log: int, data: bytes) -> None:
    """A full disk loses words, as it does without a mask, but must not stop who prints them."""
    try:
        while data:
            data = data[os.write(log, data) :]
    except OSError:
        return


def _forms(value: str) -> set[bytes]:
    """As it is, quoted, escaped and encoded; a key of many lines also line by line."""
    texts = {value, value.strip(), *value.splitlines()}
    found = {text.encode("utf-8", "surrogateescape") for text in texts}
    for text in texts:
        found.add(render(text)[1:-1].encode("ascii"))
        found.add(repr(text)[1:-1].encode("utf-8", "surrogateescape"))
        found.add(urllib.parse.quote(text, safe="").encode("ascii"))
        data = text.encode("utf-8", "surrogateescape")
        found.add(base64.b64encode(data).rstrip(b"="))
        for offset in range(3):
            found.update(_inner_base64(data, offset))
    return found


def _inner_base64(data: bytes, offset: int) -> list[bytes]:
    """What base64 makes of `data` behind `offset` other bytes and before more (the end of a line,
    say), without the characters that mix it with its neighbours. See `lazur.engine.secret`."""
    text = base64.b64encode(b"\0" * offset + data).rstrip(b"=")
    begin = 0 if offset == 0 else offset + 1
    end = len(text) if (offset + len(data)) % 3 == 0 else len(text) - 1
    inner = text[begin:end]
    return [inner, inner.replace(b"+", b"-").replace(b"/", b"_")]
