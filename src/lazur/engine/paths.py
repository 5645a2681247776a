"""Which relative paths are accepted at all: the one rule behind trees, artifacts and uploads.

A path is text from somebody else. It is split into components here and never joined, decoded or
compared as a string again; that it stays inside its folder is then a matter of descriptors (see
lazur.safe).
"""

from __future__ import annotations

import re
import unicodedata

from lazur.errors import Invalid

MAX_COMPONENT = 255
MAX_PATH = 4096

_CONTROL_OR_BACKSLASH = re.compile(r"[\x00-\x1f\x7f\\]")
_EMPTY_OR_DOTS = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")


def components(path: str) -> list[str]:
    """The parts of a relative path such as `a/b.txt`. Raises Invalid for anything that is not
    plainly one: absolute, empty, with `.`, `..`, a backslash, a control character, or too long."""
    check(path)
    return path.split("/")


def check(path: str) -> None:
    """As `components`, where only the verdict is wanted (a hundred thousand times)."""
    if wrong := fault(path):
        raise Invalid(f"{shown(path)} is not a path that can be used here: {wrong}.")


def fault(path: str) -> str | None:
    """What is wrong with a path, in words, or None."""
    if path.startswith("/"):
        return "it must be relative"
    if _CONTROL_OR_BACKSLASH.search(path):
        return "it has a backslash or a control character in it"
    if _EMPTY_OR_DOTS.search(path):
        return "it is empty, or has an empty part, `.` or `..` in it"
    return _fault_of_length(path)


def is_nfc(path: str) -> bool:
    return path.isascii() or unicodedata.is_normalized("NFC", path)


def nfc(path: str) -> str:
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def shown(path: str) -> str:
    """A path for a message: one line, printable, never long."""
    text = ascii(path) if not path.isprintable() else f"'{path}'"
    return text if len(text) <= 200 else f"{text[:160]}…{text[-20:]}"


def _fault_of_length(path: str) -> str | None:
    if path.isascii() and len(path) <= MAX_COMPONENT:
        return None
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if len(raw) > MAX_PATH:
        return f"it is longer than {MAX_PATH} bytes"
    if len(raw) > MAX_COMPONENT and max(map(len, raw.split(b"/"))) > MAX_COMPONENT:
        return f"a part of it is longer than {MAX_COMPONENT} bytes"
    return None
