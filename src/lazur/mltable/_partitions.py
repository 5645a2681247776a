"""Columns out of paths: `/{department}/{day:yyyy/MM/dd}/data.csv`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Iterable, List, Optional, Pattern, Set, Tuple

from ._errors import MLTableError, Where
from ._optional import arrow

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
_UNIT = re.compile("yyyy|MM|dd|HH|hh|mm|ss")
_ORDER = ("yyyy", "MM", "dd", "HH", "mm", "ss")


class Format:
    """What a path has in it; the first place that fits counts."""

    def __init__(self, text: str, where: Where) -> None:
        self.text, self._where = text, where
        self.names: List[str] = []
        self._parts: List[_Part] = []
        text = text.rstrip("/")
        end = 0
        for field in _FIELD.finditer(text):
            self._literal(text[end : field.start()])
            self._field(*field.groups())
            end = field.end()
        self._literal(text[end:])
        if not self.names:
            raise MLTableError(
                f"{text!r} names no column. Write for example '/{{label}}/{{day:yyyy/MM/dd}}'.",
                where,
            )

    def columns(self, path: str) -> List[Tuple[str, Any, Any]]:
        """For each column its name, its value, and its type in Arrow."""
        found = self._search(path.replace("\\", "/"))
        if found is None:
            raise MLTableError(
                f"The path {path} does not fit the partition format {self.text!r}.", self._where
            )
        fields = [part for part in self._parts if part.name]
        return [self._column(part, text) for part, text in zip(fields, found)]

    def _literal(self, text: str) -> None:
        if text:
            self._parts.append(_Part("", re.compile(re.escape(text))))

    def _field(self, name: str, time: Optional[str]) -> None:
        name = name.strip()
        if name in self.names:
            raise MLTableError(f"{self.text!r} names '{name}' twice.", self._where)
        if time and "yyyy" not in _UNIT.findall(time):
            raise MLTableError(
                f"'{time}' of {self.text!r} is no time: it has no 'yyyy'.", self._where
            )
        self.names.append(name)
        self._parts.append(_Part(name, _timely(time) if time else None))

    def _search(self, path: str) -> Optional[List[str]]:
        dead: Set[Tuple[int, int]] = set()
        bound = self._parts[0].name or not self.text.startswith("/")
        for start in range(len(path)):
            if bound and start and path[start - 1] != "/":
                continue
            found = self._match(path, 0, start, dead)
            if found is not None:
                return found
        return None

    def _match(
        self, path: str, part: int, at: int, dead: Set[Tuple[int, int]]
    ) -> Optional[List[str]]:
        """The fields' texts from here on. Where nothing fits is noted, so that no path takes
        longer than its length squared."""
        if part == len(self._parts):
            return [] if at == len(path) or path[at] == "/" else None
        if (part, at) in dead:
            return None
        for end in self._parts[part].ends(path, at):
            rest = self._match(path, part + 1, end, dead)
            if rest is not None:
                return [path[at:end], *rest] if self._parts[part].name else rest
        dead.add((part, at))
        return None

    def _column(self, part: _Part, text: str) -> Tuple[str, Any, Any]:
        pa = arrow()
        if part.pattern is None:
            return part.name, text, pa.string()
        found = part.pattern.match(text)
        assert found
        given = {unit: int(digits) for unit, digits in found.groupdict().items()}
        values = [given.get(unit, 1 if unit in ("MM", "dd") else 0) for unit in _ORDER]
        try:
            year, month, day, hour, minute, second = values
            time = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
            return part.name, time, pa.timestamp("ns")
        except ValueError as error:
            raise MLTableError(
                f"A path has {text} for '{part.name}' of {self.text!r}: {error}.", self._where
            ) from None


@dataclass(frozen=True)
class _Part:
    """A literal (without a name), a time, or a text up to the next slash (without a pattern)."""

    name: str
    pattern: Optional[Pattern[str]]

    def ends(self, path: str, at: int) -> Iterable[int]:
        """Where it may end, the nearest first."""
        if self.pattern is None:
            stop = path.find("/", at)
            return range(at + 1, (len(path) if stop < 0 else stop) + 1)
        found = self.pattern.match(path, at)
        return [found.end()] if found else []


def _timely(time: str) -> Pattern[str]:
    pattern, end = "", 0
    seen: Set[str] = set()
    for unit in _UNIT.finditer(time):
        name = unit.group().replace("hh", "HH")
        digits = r"\d{4}" if name == "yyyy" else r"\d{1,2}"
        pattern += re.escape(time[end : unit.start()])
        pattern += digits if name in seen else f"(?P<{name}>{digits})"
        seen.add(name)
        end = unit.end()
    return re.compile(pattern + re.escape(time[end:]))
