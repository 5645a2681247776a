"""The server's one log: readable lines, rotated, without secrets."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import time
from pathlib import Path

SIZE = 10 << 20
KEPT = 5
_HINTS = re.compile(r"(?i)bearer|basic|cookie|token|secret|passw|api_?key|://")
_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',]+"), r"\1 ***"),
    (re.compile(r"(?i)\b((?:set-)?cookie\"?\s*[:=]\s*)[^\r\n]+"), r"\1***"),
    (
        re.compile(
            r"(?i)((?:token|secret|password|passwd|api_?key)\"?'?\s*[=:]\s*)[\"']?[^\s\"'&,;)}]+"
        ),
        r"\1***",
    ),
    (re.compile(r"(://[^\s/:@]{0,256}:)[^\s/@]{1,512}@"), r"\1***@"),
)
_QUIET = ("ASGI callable returned without completing response.",)


def set_up(folder: Path, level: str, name: str = "server") -> Path:
    """Send every logger of this process to `<folder>/<name>.log`, and to the terminal if any."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    handlers: list[logging.Handler] = [RotatedFile(path)]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(Lines())
        handler.addFilter(_is_news)
        root.addHandler(handler)
    root.setLevel(level.upper())
    _calm_others()
    _leave_out_what_no_line_tells()
    logging.captureWarnings(True)
    return path


class RotatedFile(logging.Handler):
    """`x.log`, then `x.log.1` to `x.log.5`. It costs a quarter of the standard library's handler,
    which looks at the file's size and kind at every record; here the path of every request is hot.

    One process writes, so the size is known. Each record is one append, whole even when we are
    killed.
    """

    def __init__(self, path: Path, size: int = SIZE, kept: int = KEPT) -> None:
        super().__init__()
        self._path = path
        self._limit = size
        self._kept = kept
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
            if self._size + len(line) > self._limit and self._size:
                self._rotate()
            os.write(self._descriptor, line)
            self._size += len(line)
        except Exception:  # noqa: BLE001 - logging's own way out; a full disk must not fail requests
            self.handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        super().close()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        os.close(self._descriptor)
        for number in range(self._kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(number).replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def masked(text: str) -> str:
    """`text` without what looks like a credential. Called on whole records, before anything is cut
    off."""
    if not _HINTS.search(text):
        return text
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class Lines(logging.Formatter):
    """`2026-01-31T12:00:00.123Z INFO text` on one line; a traceback follows indented."""

    def __init__(self) -> None:
        super().__init__()
        self._second = 0
        self._stamp = ""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            text += "\n" + record.stack_info
        line = _one_record(masked(text))
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        source = "" if record.name.startswith("lazur") else f"{record.name}: "
        return f"{self._stamp}.{int(record.msecs):03d}Z {record.levelname:<7} {source}{line}"


def _one_record(text: str) -> str:
    """Nobody can forge a record by a newline in a name: continuation lines are indented, controls
    are escaped."""
    if text.isprintable():
        return text
    lines = text.replace("\r", "\\r").split("\n")
    return "\n    ".join(
        "".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines
    )


def _is_news(record: logging.LogRecord) -> bool:
    """uvicorn calls it an error when a stream is ended on purpose; the gate has said so."""
    return record.msg not in _QUIET


def _calm_others() -> None:
    for name in (
        "uvicorn",
        "uvicorn.error",
        "uvicorn.access",
        "asyncio",
        "httpx",
        "httpcore",
        "alembic",
    ):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel("WARNING")


def _leave_out_what_no_line_tells() -> None:
    """Who called, in which thread and process: finding it out is half of what a record costs, and
    each request makes one."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # as its own documentation advises
