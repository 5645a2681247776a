"""Filters as Azure's run history takes them: `status eq 'Failed' or tags/team eq 'risk'`. They are
asked of what is shown, by the names that it has there."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from lazur.errors import Invalid

Shown = Mapping[str, Any]
_MOST = 4096
_DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>(?:datetime)?'(?:[^']|'')*')
    |(?P<word>[A-Za-z_][\w.\-]*(?:/[\w.\-]+)*)
    |(?P<value>-?\d[\w:.+\-]*)
    |(?P<sign><=|>=|!=|=|<|>|[(),]))""",
    re.VERBOSE,
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_ALSO = {"=": "eq", "!=": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Filter:
    meets: Callable[[Shown], bool]
    fields: frozenset[str]
    """What it looks at, in small letters."""


def read(text: Any) -> Filter | None:
    """None where nothing is asked."""
    if text is None or text == "":
        return None
    if not isinstance(text, str) or len(text) > _MOST:
        raise _unread(text)
    reader = _Reader(text)
    meets = reader.either()
    reader.expect("")
    return Filter(meets, frozenset(reader.fields))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self.fields: set[str] = set()

    def either(self) -> Callable[[Shown], bool]:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return lambda shown: any(part(shown) for part in parts)

    def expect(self, token: str) -> None:
        if self._next() != token:
            raise _unread(self._text)

    def _both(self) -> Callable[[Shown], bool]:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return lambda shown: all(part(shown) for part in parts)

    def _one(self) -> Callable[[Shown], bool]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _unread(self._text)
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> Callable[[Shown], bool]:
        if self._takes("not"):
            part = self._one()
            return lambda shown: not part(shown)
        if self._takes("("):
            inner = self.either()
            self.expect(")")
            return inner
        word = self._next()
        if self._peek() == "(" and word.lower() in _FUNCTIONS:
            return self._function(_FUNCTIONS[word.lower()])
        return self._comparison(word)

    def _function(self, test: Callable[[str, str], bool]) -> Callable[[Shown], bool]:
        self.expect("(")
        path = self._path(self._next())
        self.expect(",")
        wanted = str(self._literal(self._next()))
        self.expect(")")
        return lambda shown: test(str(_value(shown, path) or ""), wanted)

    def _comparison(self, word: str) -> Callable[[Shown], bool]:
        path, sign = self._path(word), self._next().lower()
        sign = _ALSO.get(sign, sign)
        if sign not in _SIGNS:
            raise _unread(self._text)
        wanted = self._literal(self._next())
        return lambda shown: _compared(_value(shown, path), sign, wanted)

    def _path(self, word: str) -> list[str]:
        if not word or not (word[0].isalpha() or word[0] == "_"):
            raise _unread(self._text)
        field, *rest = word.split("/", 1)
        self.fields.add(field.lower())
        return [field.lower(), *rest]

    def _literal(self, token: str) -> Any:
        if token.endswith("'") and len(token) > 1:
            return token.removeprefix("datetime")[1:-1].replace("''", "'")
        if token.lower() in _WORDS:
            return _WORDS[token.lower()]
        if not token or not (token[0].isdigit() or token[0] == "-"):
            raise _unread(self._text)
        return token

    def _takes(self, token: str) -> bool:
        taken = self._peek().lower() == token
        self._at += taken
        return taken

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        found = self._peek()
        self._at += 1
        return found


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unread(text)
        found.append(match.group().strip())
        at = match.end()
    return found


def _value(shown: Shown, path: list[str]) -> Any:
    value: Any = next((v for key, v in shown.items() if key.lower() == path[0]), None)
    for key in path[1:]:
        value = cast("Shown", value).get(key) if isinstance(value, Mapping) else None
    return value


def _compared(value: Any, sign: str, wanted: Any) -> bool:
    if value is None or wanted is None or isinstance(value, bool) or isinstance(wanted, bool):
        same = value is wanted or str(value).lower() == str(wanted).lower()
        return same if sign == "eq" else not same if sign == "ne" else False
    for kind in (_number, _moment):
        pair = kind(value), kind(wanted)
        if pair[0] is not None and pair[1] is not None:
            return _SIGNS[sign](*pair)
    return _SIGNS[sign](str(value), str(wanted))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _moment(value: Any) -> float | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _unread(text: Any) -> Invalid:
    return Invalid(
        f"This filter is not understood: {str(text)[:200]}",
        hint="Write, for example: status eq 'Completed' and startTimeUtc ge 2026-01-31T00:00:00Z",
    )
