"""The end of a log as text to match and to show: bounded, without control characters."""

from __future__ import annotations

import re

_MAX_CHARS = 64 << 10
_MAX_LINE = 1000
_SHOWN_LINES = 20
_SHOWN_CHARS = 4000

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]{0,32}[A-Za-z]|\][^\x07\x1b]{0,256}\x07?|[()][A-Z0-9]|.)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_RANK = re.compile(r"^(?:\[(?:rank|default)?\d{1,6}\]:? ?|\[\d{1,6},\d{1,6}\]<std\w{3}>: ?)")
"""What torchrun and mpirun put before each line: which process wrote it."""


def clean_lines(text: str) -> list[str]:
    """The lines as a terminal would show them in the end: colours gone, progress bars at their
    last state, absurdly long lines cut."""
    lines = text[-_MAX_CHARS:].split("\n")
    return [_clean(line) for line in lines if line.strip()]


def excerpt(lines: list[str]) -> str:
    """The last few lines, for people."""
    return "\n".join(lines[-_SHOWN_LINES:])[-_SHOWN_CHARS:]


def _clean(line: str) -> str:
    shown = line.rstrip("\r").rpartition("\r")[2]
    shown = _CONTROLS.sub("", _ESCAPES.sub("", shown[:_MAX_LINE]))
    return _RANK.sub("", shown).rstrip()
