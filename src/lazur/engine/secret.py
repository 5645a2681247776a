"""Secret values, and text without them (security checks S47, S48).

A `Secret` shows itself as `***` wherever it is printed, and cannot be written down by accident:
who needs the value says `reveal()`, which is easy to search for.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterable
from typing import NoReturn, final
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST = 6
"""Characters. Shorter values are in everybody's words: hiding those would tell more than it
hides, and make logs unreadable."""
_SHORTEST_PART = 16
_PARTS = re.compile(r"[\r\n;&]+")


@final
class Secret:
    """A text that nobody sees by mistake. Equal to a Secret of the same text, compared in the same
    time whatever the difference."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment] - a set or a dict's keys would compare otherwise

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return f"Secret({HIDDEN!r})"

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A Secret is not written down. Say reveal() where that is meant.")

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(0)


def revealed(value: str | Secret | None) -> str:
    """The text, of either; empty when there is none."""
    return value.reveal() if isinstance(value, Secret) else value or ""


class Masker:
    """Takes known secrets out of text, as they are and as they look when they are quoted, escaped
    or encoded. Texts are masked whole, and cut afterwards: see `clipped`."""

    def __init__(self, secrets: Iterable[str | Secret]) -> None:
        found = {form for secret in secrets for form in _forms(revealed(secret))}
        self._forms = sorted(found, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if found else None

    def masked(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def clipped(self, text: str, limit: int) -> str:
        """At most `limit` characters. What is cut first and masked then shows the beginning of the
        secret on which the cut falls."""
        text = self.masked(text)
        return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"

    def held(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret."""
        longest = len(self._forms[0]) - 1 if self._forms else 0
        for count in range(min(longest, len(text)), 0, -1):
            end = text[-count:]
            if any(form.startswith(end) for form in self._forms):
                return count
        return 0


class MaskedStream:
    """For text that comes in pieces, between any two of which a secret may be cut."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._rest = ""

    def feed(self, text: str) -> str:
        """What may be shown by now."""
        text = self._masker.masked(self._rest + text)
        held = self._masker.held(text)
        self._rest = text[len(text) - held :]
        return text[: len(text) - held]

    def end(self) -> str:
        rest, self._rest = self._rest, ""
        return rest


def _forms(value: str) -> set[str]:
    found: set[str] = set()
    for text in _pieces(value):
        found |= _spellings(text)
    return {form for form in found if len(form) >= SHORTEST}


def _pieces(value: str) -> set[str]:
    """A key of many lines is logged line by line, a connection string in parts."""
    parts = {part.strip() for part in _PARTS.split(value)}
    values = {part.partition("=")[2] for part in parts}
    long = {text for text in parts | values if len(text) >= _SHORTEST_PART}
    return {value, value.strip(), *long}


def _spellings(text: str) -> set[str]:
    data = text.encode("utf-8", "surrogatepass")
    plain = {
        text,
        text[::-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        quote(data, safe=""),
        quote(data),
        quote_plus(data),
        data.hex(),
    }
    return plain | {part for offset in range(3) for part in _base64_parts(data, offset)}


def _base64_parts(data: bytes, offset: int) -> Iterable[str]:
    """What base64 makes of `data` behind `offset` other bytes, without the characters that mix it
    with its neighbours. Short ones are left out: they are nobody's but look like words."""
    text = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
    begin = 0 if offset == 0 else offset + 1
    end = len(text) if (offset + len(data)) % 3 == 0 else len(text) - 1
    inner = text[begin:end]
    if len(inner) >= SHORTEST:
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
