"""What a plain YAML scalar means: PyYAML's rules, as values that JSON can hold."""

from __future__ import annotations

import re
from typing import Any, cast

from yaml.resolver import Resolver

_PREFIX = "tag:yaml.org,2002:"
_MAX_INTEGER = 1 << 63
_LONGEST_NUMBER = 128
_RULES = cast(
    "dict[str | None, list[tuple[str, re.Pattern[str]]]]",
    Resolver.yaml_implicit_resolvers,
)
_BOOLEANS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}
_BASE_SIXTY = 60

STANDARD = {f"{_PREFIX}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}


class Refused(Exception):
    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def resolve(text: str) -> Any:
    """The value of an unquoted scalar without a tag."""
    if len(text) > _LONGEST_NUMBER:
        return text
    for tag, pattern in _RULES.get(text[:1], ()):
        if pattern.match(text):
            return _construct(tag, text)
    return text


def standard(tag: str, text: str) -> Any:
    """The value of a scalar with an explicit tag: `!!str 1`."""
    if tag not in STANDARD:
        hint = "Only plain values are read: text, numbers, true/false, lists and mappings."
        raise Refused(f"the tag {tag} is not allowed", hint)
    try:
        return _construct(tag, text)
    except (ValueError, KeyError):
        raise Refused(f"{text[:40]!r} is no value of type {tag.removeprefix(_PREFIX)}") from None


def _construct(tag: str, text: str) -> Any:
    match tag.removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return _BOOLEANS[text.lower()]
        case "int":
            return _integer(text)
        case "float":
            return _float(text)
        case _:
            return text


def _integer(text: str) -> int:
    value = _whole(text)
    if not -_MAX_INTEGER <= value < _MAX_INTEGER:
        raise Refused(f"{text} is too large a number", "Quote it if you mean the text.")
    return value


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if digits.startswith(("0b", "0x")):
        return sign * int(digits, 0)
    if ":" in digits:
        return sign * int(_sexagesimal(digits))
    if digits.startswith("0") and digits != "0":
        return sign * int(digits, 8)
    return sign * int(digits)


def _float(text: str) -> float:
    digits = text.replace("_", "").lower()
    if digits.lstrip("+-") in {".inf", ".nan"}:
        raise Refused(f"{text} is not a number that can be passed on", f'Quote it: "{text}".')
    if ":" in digits:
        sign = -1 if digits.startswith("-") else 1
        return sign * _sexagesimal(digits.lstrip("+-"))
    value = float(digits)
    if value in {float("inf"), float("-inf")}:
        raise Refused(f"{text} is too large a number", "Quote it if you mean the text.")
    return value


def _sexagesimal(digits: str) -> float:
    value = 0.0 if "." in digits else 0
    for part in digits.split(":"):
        value = value * _BASE_SIXTY + (float(part) if "." in part else int(part))
    return value
