"""Patterns of paths: `*`, `?`, `[ab]`, and `**` for any number of folders."""

from __future__ import annotations

import re
from typing import List, Pattern

from ._errors import MLTableError

MAGIC = re.compile(r"[*?\[]")


def compiled(parts: List[str]) -> Pattern[str]:
    """For paths relative to where the pattern begins. `parts` are its pieces between slashes."""
    text = "".join(map(_folder, parts[:-1])) + _piece(parts[-1])
    try:
        return re.compile(text)
    except re.error as error:
        raise MLTableError(f"The pattern {'/'.join(parts)!r} cannot be read: {error}.") from None


def _folder(part: str) -> str:
    return "(?:[^/]+/)*" if part == "**" else _piece(part) + "/"


def _piece(part: str) -> str:
    """A part of a pattern, which never crosses a folder."""
    if part == "**":
        return ".*"
    text, rest = "", part
    while rest:
        group = re.match(r"\[([!^]?)(.[^\]]*)\]", rest)
        if group:
            inner = re.sub(r"[\\\[^]", r"\\\g<0>", group[2])
            text += f"[^{inner}]" if group[1] else f"[{inner}]"
            rest = rest[group.end() :]
            continue
        text += {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0]))
        rest = rest[1:]
    return text
