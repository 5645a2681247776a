"""The server's one log: readable lines, rotated, without secrets."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
import time
from pathlib import Path

SIZE = 10 << 20
KEPT = 5
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
    """Send every logger of this process to `<folder>/<name>.log`, and to the terminal if there is
    one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.log"
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    to_file = logging.handlers.RotatingFileHandler(
        path, maxBytes=SIZE, backupCount=KEPT, encoding="utf-8"
    )
    handlers: list[logging.Handler] = [to_file]
    if sys.stderr is not None and sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(Lines())
        handler.addFilter(_is_news)
        root.addHandler(handler)
    root.setLevel(level.upper())
    _calm_others()
    logging.captureWarnings(True)
    return path


def masked(text: str) -> str:
    """`text` without what looks like a credential. Called on whole records, before anything is cut
    off."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class Lines(logging.Formatter):
    """`2026-01-31T12:00:00.123Z INFO text` on one line; a traceback follows indented."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            text += "\n" + record.stack_info
        line = _one_record(masked(text))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        source = "" if record.name.startswith("lazur") else f"{record.name}: "
        return f"{stamp}.{int(record.msecs):03d}Z {record.levelname:<7} {source}{line}"


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
