"""Cron expressions: which minutes of which days.

Five fields: minute, hour, day of the month, month, day of the week. Lists, ranges, steps, names
of months and days, `?` for `*`, Sunday as 0 and as 7, and ranges that go around (`FRI-MON`).
Where both days are narrowed, either will do, as everywhere since the first cron.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, time

from lazur.errors import Invalid

_MONTHS = {name.lower(): at for at, name in enumerate(calendar.month_name) if name}
_DAYS = {name.lower(): at for at, name in enumerate(("Sunday", *calendar.day_name[:6]))}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_PART = re.compile(r"(\*|\?|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/(\d{1,4}))?")
_WIDE = frozenset("*?")
_HINT = "Five fields: minute hour day month weekday, as in `30 2 * * 1-5`."
_LONGEST = 1000
_LONG_DAYS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


@dataclass(frozen=True)
class Cron:
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """Sunday is 0."""
    either: bool
    """Both kinds of days are narrowed: one of them is enough."""
    all_day: bool
    """It names no hour: it goes on all day long."""

    def falls_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.either else by_month and by_week


def parse(expression: str) -> Cron:
    """Raises Invalid, which names the field."""
    parts = expression.lower().split()
    if len(expression) > _LONGEST:
        raise Invalid(f"{expression[:80]!r}… is longer than {_LONGEST} characters", hint=_HINT)
    if len(parts) != len(_FIELDS):
        raise Invalid(f"{expression[:80]!r} has {len(parts)} fields, not five", hint=_HINT)
    found = [_field(*what, text) for what, text in zip(_FIELDS, parts, strict=True)]
    minutes, hours, days, months, weekdays = found
    cron = Cron(
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(day % 7 for day in weekdays),
        either=parts[2][0] not in _WIDE and parts[4][0] not in _WIDE,
        all_day=len(hours) == 24 or parts[1].startswith("*"),
    )
    if not cron.either and not any(min(cron.days) <= _LONG_DAYS.get(m, 31) for m in cron.months):
        raise Invalid(f"{expression!r} never comes: no such month has such a day", hint=_HINT)
    return cron


def _field(name: str, low: int, high: int, words: dict[str, int], text: str) -> set[int]:
    return {value for part in text.split(",") for value in _part(name, low, high, words, part)}


def _part(name: str, low: int, high: int, words: dict[str, int], part: str) -> set[int]:
    found = _PART.fullmatch(part)
    if found is None or (found[1] in _WIDE and found[2]):
        raise Invalid(f"{part[:40]!r} is no {name}", hint=_HINT)
    step = int(found[3] or 1)
    top = 6 if words is _DAYS else high
    if found[1] in _WIDE:
        first, last = low, top
    else:
        first = _value(name, low, high, words, found[1])
        last = _value(name, low, high, words, found[2]) if found[2] else first
        last = top if found[3] and not found[2] else last
    if step < 1:
        raise Invalid(f"{part!r}: a step is 1 or more", hint=_HINT)
    if first <= last:
        return set(range(first, last + 1, step))
    around = [*range(first, top + 1), *range(low, last + 1)]
    return set(around[::step])


def _value(name: str, low: int, high: int, words: dict[str, int], text: str) -> int:
    value = int(text) if text.isdigit() else _named(words, text)
    if value is None or not low <= value <= high:
        known = f", or {'-'.join(word[:3] for word in list(words)[:2])} …" if words else ""
        raise Invalid(f"{text[:40]!r} is no {name}: {low} to {high}{known}", hint=_HINT)
    return value


def _named(words: dict[str, int], text: str) -> int | None:
    """By its name, or three letters of it and more: `mon`, `sept`, `Thursday`."""
    return next((at for word, at in words.items() if word.startswith(text) and text[2:]), None)
