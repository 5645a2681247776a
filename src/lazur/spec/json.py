"""Strict JSON, for what arrives over a wire: only what every other JSON reader would read
alike."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from lazur.errors import Invalid

MAX_DEPTH = 64
_MAX_INTEGER = 1 << 63
_LONGEST_INTEGER = 20
_STRINGS_AND_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def decode(body: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """The value of `body`. Raises Invalid for NaN, infinities, duplicate keys, integers beyond 64
    bits, lone surrogates, zero characters, what is nested too deeply, and what is not JSON."""
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        _check_depth(text, max_depth)
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        if "\\u0000" in text and _holds_zero(value):
            raise Invalid("text may not hold the zero character (\\u0000)")
        return value
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Invalid(f"this is not JSON: {error.msg} ({where})") from None
    except UnicodeError:
        raise Invalid("this is not JSON: the text is not valid Unicode (UTF-8)") from None


def _check_depth(text: str, limit: int) -> None:
    """Counting brackets answers for almost every body; only many of them need a look at which are
    inside strings."""
    if text.count("[") + text.count("{") <= limit:
        return
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > limit:
                raise Invalid(f"this is nested deeper than {limit} levels")
        elif mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise Invalid(f"the key {twice[:100]!r} is there twice")
    return made


def _integer(text: str) -> int:
    if len(text) <= _LONGEST_INTEGER and -_MAX_INTEGER <= (value := int(text)) < _MAX_INTEGER:
        return value
    raise Invalid(f"{text[:24]}… is too large: integers have 64 bits")


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise Invalid(f"{text[:24]} is too large a number")
    return value


def _holds_zero(value: Any) -> bool:
    """Databases cannot keep it, and programs in C take it for the end."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return any(_holds_zero(part) for pair in items.items() for part in pair)
    if isinstance(value, list):
        return any(_holds_zero(part) for part in cast("list[Any]", value))
    return isinstance(value, str) and "\0" in value


def _constant(text: str) -> Any:
    raise Invalid(f"{text} is not JSON", hint="Send it as text or leave it out.")
