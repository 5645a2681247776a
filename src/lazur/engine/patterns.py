"""Paths and names with placeholders: `{Shop}/{Product}.json` finds what each file is of, and
`sales-{Shop}-{Product}` is what its model is called.

A placeholder is some text within one part of a path, up to where the text that follows it in the
pattern first occurs; the last one of a part takes the rest. So there is one way to read a path,
found without trying.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from lazur.errors import Invalid

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,99}")
_LONGEST = 1000


@dataclass(frozen=True)
class Pattern:
    """`parts`: of the path, each as text, name, text, name, …, text."""

    text: str
    parts: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        found = (name for part in self.parts for name in part[1::2])
        return tuple(dict.fromkeys(found))

    def match(self, path: str) -> dict[str, str] | None:
        """What each placeholder stands for; None where the path is another one."""
        given = path.split("/")
        if len(given) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for text, part in zip(given, self.parts, strict=True):
            if not _match(text, part, found):
                return None
        return found

    def fill(self, values: Mapping[str, str]) -> str:
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)


def parse(text: str, field: str) -> Pattern:
    """Raises Invalid, about `field`."""
    if not text or len(text) > _LONGEST:
        raise Invalid(f"{field} has 1 to {_LONGEST} characters.")
    made = Pattern(text, tuple(_part(part, field) for part in text.split("/")))
    for part in made.parts:
        if any(not between for between in part[2:-1:2]):
            raise Invalid(
                f"{field}: {text!r} has two placeholders with nothing between them.",
                hint="Nobody could tell where the one ends and the other begins.",
            )
    return made


def _part(text: str, field: str) -> tuple[str, ...]:
    found = _PLACEHOLDER.split(text)
    for between in found[::2]:
        if "{" in between or "}" in between:
            raise Invalid(f"{field}: a brace in {text!r} belongs to no placeholder.")
    for name in found[1::2]:
        if not _NAME.fullmatch(name):
            raise Invalid(
                f"{field}: {{{name}}} is no placeholder.",
                hint="Its name is letters, digits, blanks, '_', '.' and '-', such as {Shop}.",
            )
    return tuple(found)


def _match(text: str, part: tuple[str, ...], found: dict[str, str]) -> bool:
    if len(part) == 1:
        return text == part[0]
    end = len(text) - len(part[-1])
    if not text.startswith(part[0]) or not text.endswith(part[-1]):
        return False
    at = len(part[0])
    for (name, after), is_last in _placeholders(part):
        stop = end if is_last else text.find(after, at + 1, end)
        if stop <= at or found.setdefault(name, text[at:stop]) != text[at:stop]:
            return False
        at = stop + len(after)
    return True


def _placeholders(part: tuple[str, ...]) -> list[tuple[tuple[str, str], bool]]:
    pairs = [pair for number, pair in enumerate(pairwise(part)) if number % 2]
    return [(pair, number == len(pairs) - 1) for number, pair in enumerate(pairs)]
