"""Columns out of paths: `/{department}/{day:yyyy/MM/dd}/data.csv`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, List, Tuple

from ._errors import MLTableError, Where
from ._optional import arrow

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
_DIGITS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "hh": 2, "mm": 2, "ss": 2}
_PART = re.compile("|".join(_DIGITS))
_ORDER = ("yyyy", "MM", "dd", "HH", "mm", "ss")


class Format:
    """What a path has in it; the first place that fits counts."""

    def __init__(self, text: str, where: Where) -> None:
        self.text, self._where = text, where
        self.names: List[str] = []
        self._times: Dict[str, List[str]] = {}
        pattern, end = "", 0
        text = text.rstrip("/")
        for field in _FIELD.finditer(text):
            pattern += re.escape(text[end : field.start()]) + self._group(*field.groups())
            end = field.end()
        if not self.names:
            raise MLTableError(
                f"{text!r} names no column. Write for example '/{{label}}/{{day:yyyy/MM/dd}}'.",
                where,
            )
        pattern += re.escape(text[end:])
        front = "" if text.startswith("/") else r"(?:^|(?<=/))"
        self._pattern = re.compile(f"{front}{pattern}(?=/|$)")

    def columns(self, path: str) -> List[Tuple[str, Any, Any]]:
        """For each column its name, its value, and its type in Arrow."""
        path = path.replace("\\", "/")
        found = self._pattern.search(path)
        if found is None:
            raise MLTableError(
                f"The path {path} does not fit the partition format {self.text!r}.", self._where
            )
        return [self._column(name, found.groups()) for name in self.names]

    def _group(self, name: str, time: str) -> str:
        name = name.strip()
        if name in self.names:
            raise MLTableError(f"{self.text!r} names '{name}' twice.", self._where)
        self.names.append(name)
        parts = _PART.findall(time or "")
        self._times[name] = parts
        if not time:
            return "([^/]+?)"
        if "yyyy" not in parts:
            raise MLTableError(
                f"'{time}' of {self.text!r} is no time: it has no 'yyyy'.", self._where
            )
        pattern, end = "", 0
        for part in _PART.finditer(time):
            pattern += re.escape(time[end : part.start()])
            digits = _DIGITS[part.group()]
            pattern += rf"(\d{{{digits}}})" if digits == 4 else r"(\d{1,2})"
            end = part.end()
        return pattern + re.escape(time[end:])

    def _column(self, name: str, groups: Tuple[str, ...]) -> Tuple[str, Any, Any]:
        pa = arrow()
        start = 0
        for other in self.names[: self.names.index(name)]:
            start += len(self._times[other]) or 1
        parts = self._times[name]
        if not parts:
            return name, groups[start], pa.string()
        given = {
            part.replace("hh", "HH"): int(groups[start + index])
            for index, part in enumerate(parts)
        }
        values = [given.get(part, 1 if part in ("MM", "dd") else 0) for part in _ORDER]
        try:
            year, month, day, hour, minute, second = values
            time = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
            return name, time, pa.timestamp("ns")
        except ValueError as error:
            raise MLTableError(
                f"A path has {'/'.join(groups)} for '{name}' of {self.text!r}: {error}.",
                self._where,
            ) from None
