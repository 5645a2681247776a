"""JSON and small files. `json` is avoided where CPython's own scanner can be had: its import costs
6 ms."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import encode_basestring_ascii as _quote
    from _json import make_scanner as _make_scanner

    class _Rules:
        strict = True
        object_hook = None
        object_pairs_hook = None
        array_hook = None
        parse_float = float
        parse_int = int
        parse_constant = float

    _scan = _make_scanner(_Rules())  # pyright: ignore[reportArgumentType]

    def parse(text: str) -> Any:
        """The value of a JSON text. Raises ValueError."""
        text = text.strip()
        try:
            value, end = _scan(text, 0)
        except (StopIteration, SystemError):
            # The second where `json` is not imported: the scanner then has no error to raise.
            raise ValueError("not JSON: " + text[:80]) from None
        if end != len(text):
            raise ValueError("more than one JSON value: " + text[end : end + 80])
        return value

except (ImportError, AttributeError):  # another interpreter than CPython
    from json import dumps as _quote
    from json import loads

    def parse(text: str) -> Any:
        return loads(text)


def render(value: Any) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if hasattr(value, "items"):
        members: dict[str, Any] = value
        return "{" + ",".join(_quote(k) + ":" + render(v) for k, v in members.items()) + "}"
    items: list[Any] = value
    return "[" + ",".join(map(render, items)) + "]"


def read(path: str) -> Any:
    with open(path, "rb", buffering=0) as file:
        return parse(file.read().decode("utf-8"))


def write(path: str, value: Any) -> None:
    """Whole or not at all. After a power cut it may be empty, which is no document."""
    draft = "%s.%d" % (path, os.getpid())
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, render(value).encode("utf-8"))
    finally:
        os.close(fd)
    os.replace(draft, path)


def append_line(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(fd, text.encode("utf-8", "surrogateescape") + b"\n")
    finally:
        os.close(fd)
