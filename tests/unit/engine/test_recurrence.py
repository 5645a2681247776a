"""Which days a recurrence falls on, and at which times."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from lazur.engine import recurrence

START = datetime.fromisoformat("2026-01-07T10:20:30")
"""A Wednesday."""


def days(frequency: str, interval: int, count: int = 4, **more: Any) -> list[str]:
    """The first few from the start on, within a few years."""
    rule = recurrence.of(frequency, interval, START, **more)
    all_days = (START.date() + timedelta(days=n) for n in range(2000))
    return [day.strftime("%y-%m-%d %a") for day in all_days if rule.falls_on(day)][:count]


class TestDays:
    def test_every_so_many(self) -> None:
        assert days("day", 1, 2) == ["26-01-07 Wed", "26-01-08 Thu"]
        assert days("day", 30, 3) == ["26-01-07 Wed", "26-02-06 Fri", "26-03-08 Sun"]

    def test_of_those_only_some_days_of_the_week(self) -> None:
        assert days("day", 2, 3, weekdays=["friday", "monday"]) == [
            "26-01-09 Fri",
            "26-01-19 Mon",
            "26-01-23 Fri",
        ]

    def test_each_day_of_the_week_has_its_name(self) -> None:
        for at, name in enumerate(recurrence.WEEKDAYS):
            (found,) = days("day", 1, 1, weekdays=[name])
            assert date.fromisoformat(f"20{found[:8]}").weekday() == at
            assert name.startswith(found[-3:].lower())


class TestWeeks:
    def test_on_the_day_of_the_start(self) -> None:
        assert days("week", 1, 2) == ["26-01-07 Wed", "26-01-14 Wed"]

    def test_are_counted_from_monday_to_monday(self) -> None:
        named = {"weekdays": ["sunday", "monday"]}
        assert days("week", 1, 3, **named) == ["26-01-11 Sun", "26-01-12 Mon", "26-01-18 Sun"]
        assert days("week", 3, 4, **named) == [
            "26-01-11 Sun",
            "26-01-26 Mon",
            "26-02-01 Sun",
            "26-02-16 Mon",
        ]


class TestMonths:
    def test_on_the_day_of_the_start(self) -> None:
        assert days("month", 1, 2) == ["26-01-07 Wed", "26-02-07 Sat"]

    def test_are_counted_across_years(self) -> None:
        assert [day[:5] for day in days("month", 5, 7)] == [
            "26-01",
            "26-06",
            "26-11",
            "27-04",
            "27-09",
            "28-02",
            "28-07",
        ]

    def test_on_named_days(self) -> None:
        assert days("month", 2, month_days=[1, -1]) == [
            "26-01-31 Sat",
            "26-03-01 Sun",
            "26-03-31 Tue",
            "26-05-01 Fri",
        ]

    def test_on_days_of_the_week(self) -> None:
        assert days("month", 2, weekdays=["friday"]) == [
            "26-01-09 Fri",
            "26-01-16 Fri",
            "26-01-23 Fri",
            "26-01-30 Fri",
        ]

    def test_on_named_days_that_are_such_a_day_of_the_week(self) -> None:
        friday_the_13th = days("month", 1, 2, month_days=[13], weekdays=["friday"])
        assert friday_the_13th == ["26-02-13 Fri", "26-03-13 Fri"]


class TestTimes:
    @pytest.mark.parametrize(
        "hours, minutes, expected",
        [
            (None, None, ["10:20:30"]),
            ([], [], ["10:20:30"]),
            ([4], None, ["04:00:00"]),
            ([4], [], ["04:00:00"]),
            ([0], None, ["00:00:00"]),
            (None, [5], ["10:05:00"]),
            ([], [5], ["10:05:00"]),
            (None, [0], ["10:00:00"]),
            ([22, 4, 4], [30, 0], ["04:00:00", "04:30:00", "22:00:00", "22:30:00"]),
        ],
    )
    def test_what_is_not_given_is_as_the_start_is(
        self, hours: Any, minutes: Any, expected: list[str]
    ) -> None:
        rule = recurrence.of("day", 1, START, hours=hours, minutes=minutes)
        assert rule.times == tuple(map(time.fromisoformat, expected))

    def test_the_start_is_a_day(self) -> None:
        assert recurrence.of("day", 1, START).start == date(2026, 1, 7)
