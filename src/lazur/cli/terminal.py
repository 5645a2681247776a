"""What the terminal can show: colour, width, bars. Notes and bars go to stderr, so that stdout
stays for machines."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

from knack.util import CLIError

_CODES = {"dim": "2", "bold": "1", "red": "91", "green": "32", "yellow": "33", "cyan": "36"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def is_coloured(stream: TextIO) -> bool:
    """https://no-color.org: any value of NO_COLOR but the empty one means no."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, style: str, stream: TextIO) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if is_coloured(stream) else text


def width(limit: int) -> int:
    return max(40, min(shutil.get_terminal_size((limit, 24)).columns, limit))


def note(text: str, style: str | None = None) -> None:
    """A line for the person who looks on."""
    print(paint(text, style, sys.stderr) if style else text, file=sys.stderr, flush=True)


def confirm(question: str) -> None:
    """Raises where the answer is no."""
    if not sys.stdin.isatty():
        raise CLIError("This asks a question, and nobody is there to answer it. Add --yes.")
    print(f"{question} (y/N) ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CLIError("Nothing was changed.")


def bar(share: float, cells: int) -> str:
    """`share` of 0 to 1 in eighths of a character."""
    eighths = round(max(0.0, min(share, 1.0)) * cells * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(cells)


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


class Dimmed:
    """A stream of bytes that shows whole lines, indented and faint."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rest = b""

    def write(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            self._stream.write(paint(f"  {text}", "dim", self._stream) + "\n")

    def flush(self) -> None:
        self._stream.flush()


class Progress:
    """A bar of bytes, on a terminal and only once the work has taken a moment; gone when it is
    done."""

    def __init__(
        self, label: str, stream: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._label = label
        self._stream = stream
        self._clock = clock
        self._began = clock()
        self._drawn = 0.0
        self._wanted = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.had_any = False
        """Whether there was anything to do."""

    def __call__(self, done: int, total: int) -> None:
        self.had_any = True
        now = self._clock()
        if (
            not self._wanted
            or now - self._began < 0.3
            or (now - self._drawn < 0.1 and done < total)
        ):
            return
        self._drawn = now
        share = done / total if total else 1.0
        rate = size(done / (now - self._began))
        line = (
            f"{self._label} {bar(share, 24)} {share:4.0%}  {size(done)} of {size(total)}  {rate}/s"
        )
        self._stream.write(f"\r\x1b[2K{line[: width(100) - 1]}")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()


class Counted(Progress):
    """As `Progress`, where nobody knows how much it will be."""

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if not self._wanted or now - self._began < 0.3 or now - self._drawn < 0.1:
            return
        self._drawn = now
        rate = size(done / (now - self._began))
        self._stream.write(f"\r\x1b[2K{self._label} {size(done)}  {rate}/s"[: width(100) + 3])
        self._stream.flush()


class Status(Progress):
    """As `Progress`, where there are only words."""

    def __call__(self, text: str) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        now = self._clock()
        if self._wanted and now - self._began >= 0.3:
            self._drawn = now
            line = f"{self._label} {text}".rstrip()
            self._stream.write(f"\r\x1b[2K{line[: width(100) - 1]}")
            self._stream.flush()
