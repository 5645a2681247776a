"""Recurrences: every so many minutes, hours, days, weeks or months from a start on.

Minutes and hours are time that passes. Days, weeks and months are those of a calendar: each has
its times of day, and every how many-eth counts is told from the one that the start lies in. Weeks
begin on Monday. A month without the day (the 31st) is left out; -1 is its last.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

SECONDS = {"minute": 60, "hour": 3600}
"""Of the frequencies that are time that passes."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Recurrence:
    frequency: str
    interval: int
    times: tuple[time, ...]
    weekdays: frozenset[int]
    """Monday is 0; none: those of the start, or any where days of the month are given."""
    month_days: frozenset[int]
    start: date

    def falls_on(self, day: date) -> bool:
        """Of the frequencies that are a calendar's. Days before the start are counted alike."""
        match self.frequency:
            case "day":
                return self._counts((day - self.start).days) and self._in_week(day)
            case "week":
                weeks = (_monday(day) - _monday(self.start)).days // 7
                return self._counts(weeks) and day.weekday() in (
                    self.weekdays or {self.start.weekday()}
                )
            case _:
                months = (day.year - self.start.year) * 12 + day.month - self.start.month
                return self._counts(months) and self._in_month(day)

    def _counts(self, steps: int) -> bool:
        return steps % self.interval == 0

    def _in_week(self, day: date) -> bool:
        return not self.weekdays or day.weekday() in self.weekdays

    def _in_month(self, day: date) -> bool:
        if not self.month_days:
            return day.weekday() in self.weekdays if self.weekdays else day.day == self.start.day
        length = calendar.monthrange(day.year, day.month)[1]
        named = day.day in self.month_days or day.day - length - 1 in self.month_days
        return named and self._in_week(day)


def of(
    frequency: str,
    interval: int,
    start: datetime,
    hours: list[int] | None = None,
    minutes: list[int] | None = None,
    weekdays: list[str] | None = None,
    month_days: list[int] | None = None,
) -> Recurrence:
    """`start` is what a clock on the wall shows then: what is not given is as it is there. Azure
    writes empty lists for what is not."""
    at_hours = hours or [start.hour]
    at_minutes = minutes or [0 if hours else start.minute]
    second = 0 if hours or minutes else start.second
    return Recurrence(
        frequency=frequency,
        interval=interval,
        times=tuple(
            time(h, m, second) for h in sorted(set(at_hours)) for m in sorted(set(at_minutes))
        ),
        weekdays=frozenset(WEEKDAYS.index(day) for day in weekdays or ()),
        month_days=frozenset(month_days or ()),
        start=start.date(),
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
