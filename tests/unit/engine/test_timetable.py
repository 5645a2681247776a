"""When things fall due: told by name, and against an oracle that looks at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.engine import cron, recurrence, zones
from lazur.engine.ticks import Missed, plan
from lazur.engine.timetable import Timetable
from lazur.errors import Invalid
from tests.effort import examples

HERE = zones.zone("Europe/Berlin")
FORWARD, BACK = datetime.fromisoformat("2026-03-29"), datetime.fromisoformat("2026-10-25")
"""At two o'clock to three, and at three o'clock to two."""


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zones.zone(zone)).timestamp()


def walls(table: Timetable, since: str, count: int) -> list[str]:
    start = datetime.fromisoformat(since).replace(tzinfo=table.place).timestamp()
    ticks = table.next_ticks(start, count)
    return [zones.on_the_wall(tick, table.place).strftime("%m-%d %H:%M%z") for tick in ticks]


def crons(expression: str, zone: str = "UTC", start: float = 0.0) -> Timetable:
    return Timetable(cron.parse(expression), zones.zone(zone), start)


def repeated(
    frequency: str, interval: int, start: str, zone: str = "UTC", **more: Any
) -> Timetable:
    wall = datetime.fromisoformat(start)
    rule = recurrence.of(frequency, interval, wall, **more)
    return Timetable(rule, zones.zone(zone), at(start, zone))


class TestZones:
    def test_all_of_windows_names_mean_a_zone(self) -> None:
        assert all(zones.zone(name) for name in zones.WINDOWS)
        assert len(zones.WINDOWS) > 130

    def test_names_are_read_whatever_their_case(self) -> None:
        assert zones.zone("pacific standard time").key == "America/Los_Angeles"
        assert zones.zone("europe/berlin").key == "Europe/Berlin"

    def test_a_moment_is_the_same_everywhere(self) -> None:
        assert zones.utc(at("2026-01-01T12:00")).isoformat() == "2026-01-01T12:00:00+00:00"
        assert zones.utc(0.0) == zones.on_the_wall(0.0, HERE)

    def test_another_name_is_refused_with_a_near_one(self) -> None:
        with pytest.raises(Invalid, match="no time zone") as error:
            zones.zone("Pacific Standart Time")
        assert "Pacific Standard Time" in str(error.value.hint)


class TestCron:
    @pytest.mark.parametrize(
        "expression, since, expected",
        [
            ("30 2 * * *", "2026-01-31", ["01-31 02:30", "02-01 02:30"]),
            ("0 9 * * 1-5", "2026-01-03", ["01-05 09:00", "01-06 09:00"]),
            ("0 9 * * mon,WED", "2026-01-05T10:00", ["01-07 09:00", "01-12 09:00"]),
            ("0 0 * * 7", "2026-01-01", ["01-04 00:00", "01-11 00:00"]),
            ("0 0 * * FRI-SUN", "2026-01-01", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),
            ("0 0 * * FRI-MON/2", "2026-01-01", ["01-02 00:00", "01-04 00:00", "01-09 00:00"]),
            ("15,45 0/12 ? * ?", "2026-01-01", ["01-01 00:15", "01-01 00:45", "01-01 12:15"]),
            ("0 0 29 FEB *", "2026-01-01", ["02-29 00:00", "02-29 00:00"]),
            ("0 0 13 * 5", "2026-01-08", ["01-09 00:00", "01-13 00:00", "01-16 00:00"]),
            ("*/20 22-1 1 1 *", "2026-01-01T00:30", ["01-01 00:40", "01-01 01:00"]),
        ],
    )
    def test_expressions_mean_these_times(
        self, expression: str, since: str, expected: list[str]
    ) -> None:
        found = walls(crons(expression), since, len(expected))
        assert [wall[:11] for wall in found] == expected

    @pytest.mark.parametrize(
        "expression, message",
        [
            ("* * * *", "4 fields"),
            ("* * * * * *", "6 fields"),
            ("60 * * * *", "'60' is no minute: 0 to 59"),
            ("* 24 * * *", "is no hour"),
            ("* * 0 * *", "is no day of the month"),
            ("* * 32 * *", "is no day of the month"),
            ("* * * 0 *", "is no month: 1 to 12, or jan-feb"),
            ("* * * 13 *", "is no month"),
            ("* * * XYZ *", "is no month"),
            ("* * * * 8", "is no day of the week"),
            ("*/0 * * * *", "a step is 1 or more"),
            ("*-5 * * * *", "is no minute"),
            ("1,,2 * * * *", "is no minute"),
            ("0 0 31 2 *", "never comes"),
            ("0 0 30 FEB ?", "never comes"),
        ],
    )
    def test_a_mistake_is_told_by_its_field(self, expression: str, message: str) -> None:
        with pytest.raises(Invalid, match=message.replace("?", r"\?")):
            cron.parse(expression)

    @pytest.mark.parametrize(
        "part, message",
        [
            ("60 * * * *", "'60' is no minute: 0 to 59"),
            ("* * * 13 *", "'13' is no month: 1 to 12, or jan-feb …"),
            ("* * * * monkey", "'monkey' is no day of the week: 0 to 7, or sun-mon …"),
            ("* * * * mo", "'mo' is no day of the week: 0 to 7, or sun-mon …"),
            ("* * * * mon1", "'mon1' is no day of the week: 0 to 7, or sun-mon …"),
            ("1-2-3 * * * *", "'1-2-3' is no minute"),
            ("1/0 * * * *", "'1/0': a step is 1 or more"),
            ("0 0 31 4 *", "'0 0 31 4 *' never comes: no such month has such a day"),
        ],
    )
    def test_and_with_what_to_write(self, part: str, message: str) -> None:
        with pytest.raises(Invalid) as refused:
            cron.parse(part)
        assert refused.value.message == message
        assert refused.value.hint == (
            "Five fields: minute hour day month weekday, as in `30 2 * * 1-5`."
        )

    @pytest.mark.parametrize(
        "days, either",
        [
            ("1 * 1", True),
            ("1-5 * 1,2", True),
            ("*/2 * 1", False),
            ("?/2 * 1", False),
            ("1 * */2", False),
            ("1 * ?", False),
            ("* * *", False),
        ],
    )
    def test_either_day_will_do_where_both_are_named(self, days: str, either: bool) -> None:
        assert cron.parse(f"0 0 {days}").either is either

    @pytest.mark.parametrize(
        "hours, all_day",
        [
            ("*", True),
            ("*/2", True),
            ("?", True),
            ("0-23", True),
            ("0-22", False),
            ("0", False),
        ],
    )
    def test_without_hours_it_goes_on_all_day(self, hours: str, all_day: bool) -> None:
        assert cron.parse(f"5 {hours} * * *").all_day is all_day

    def test_a_day_that_only_some_months_have_comes_in_those(self) -> None:
        for month, length in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1):
            assert cron.parse(f"0 0 {length} {month} *").days == {length}
            if length < 31:
                with pytest.raises(Invalid, match="never comes"):
                    cron.parse(f"0 0 {length + 1} {month} *")
        assert cron.parse("0 0 31 4 1").either, "on Mondays it comes"
        assert cron.parse("0 0 28-31 2 *").days == {28, 29, 30, 31}
        assert cron.parse("0 0 31 3-4 *").months == {3, 4}

    def test_it_has_a_length(self) -> None:
        long = ",".join(["0"] * 495) + "  * * * *"
        assert cron.parse(f"{long}  ").times
        with pytest.raises(Invalid, match="is longer than 1000 characters"):
            cron.parse(f"{long}   ")

    def test_months_and_days_have_names(self) -> None:
        months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
        for number, name in enumerate(months, start=1):
            assert cron.parse(f"0 0 * {name} *").months == {number}
        for number, name in enumerate("sun mon tue wed thu fri sat".split()):
            assert cron.parse(f"0 0 * * {name}").weekdays == {number}
        assert cron.parse("0 0 * September Thurs,Saturday").weekdays == {4, 6}

    def test_a_time_in_the_missing_hour_comes_at_its_end(self) -> None:
        table = crons("30 2 * * *", "Europe/Berlin")
        expected = ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"]
        assert walls(table, "2026-03-28", 3) == expected

    def test_a_time_in_the_hour_that_comes_twice_comes_once(self) -> None:
        table = crons("30 2 * * *", "Europe/Berlin")
        assert walls(table, "2026-10-25", 2) == ["10-25 02:30+0200", "10-26 02:30+0100"]

    def test_what_names_no_hour_goes_on_as_time_does(self) -> None:
        table = crons("*/30 * * * *", "Europe/Berlin")
        start = at("2026-10-24T23:30")
        ticks = table.next_ticks(start, 100)
        assert [b - a for a, b in pairwise(ticks)] == [1800.0] * 99
        assert walls(table, "2026-03-29T01:00", 2) == ["03-29 01:30+0100", "03-29 03:00+0200"]

    def test_a_day_that_was_left_out_has_its_times_at_its_end(self) -> None:
        table = crons("0 12 * * *", "Pacific/Apia")
        expected = ["12-29 12:00-1000", "12-31 00:00+1400", "12-31 12:00+1400"]
        assert walls(table, "2011-12-29", 3) == expected

    def test_start_and_end_are_part_of_it(self) -> None:
        table = Timetable(
            cron.parse("0 0 * * *"), HERE, at("2026-01-02T23:00"), at("2026-01-04T23:00")
        )
        assert len(table.next_ticks(0.0, 10)) == 3

    def test_it_goes_on_for_a_lifetime_and_no_longer(self) -> None:
        found = walls(crons("0 0 29 FEB *"), "2026-01-01", 99)
        assert len(found) == len(range(2028, 2056, 4))


class TestRecurrence:
    def test_minutes_and_hours_are_time_that_passes(self) -> None:
        table = repeated("hour", 6, "2026-03-28T22:00", "Europe/Berlin")
        expected = ["03-28 22:00+0100", "03-29 05:00+0200", "03-29 11:00+0200"]
        assert walls(table, "2026-03-28T21:00", 3) == expected

    @pytest.mark.parametrize("frequency, seconds", [("minute", 60.0), ("hour", 3600.0)])
    def test_of_which_each_has_its_seconds(self, frequency: str, seconds: float) -> None:
        table = repeated(frequency, 7, "2026-01-01")
        assert table.next_ticks(table.start - 1, 2) == [table.start, table.start + 7 * seconds]

    def test_days_keep_their_time_on_the_wall(self) -> None:
        table = repeated("day", 1, "2026-03-28T10:00", "Europe/Berlin")
        assert walls(table, "2026-03-28", 2) == ["03-28 10:00+0100", "03-29 10:00+0200"]

    def test_every_second_week_is_counted_from_the_first(self) -> None:
        days = ["monday", "friday"]
        table = repeated("week", 2, "2026-01-07T08:00", hours=[9], weekdays=days)
        expected = ["01-09 09:00", "01-19 09:00", "01-23 09:00"]
        assert [wall[:11] for wall in walls(table, "2026-01-01", 3)] == expected

    def test_a_month_without_the_day_is_left_out(self) -> None:
        table = repeated("month", 1, "2026-01-31T00:00")
        assert [w[:5] for w in walls(table, "2026-01-01", 3)] == ["01-31", "03-31", "05-31"]

    def test_the_last_day_of_months_can_be_named(self) -> None:
        table = repeated("month", 1, "2026-01-01", hours=[1], minutes=[2], month_days=[-1])
        expected = ["01-31 01:02", "02-28 01:02", "03-31 01:02"]
        assert [wall[:11] for wall in walls(table, "2026-01-01", 3)] == expected


FIELD = st.sampled_from(["*", "*/7", "3", "0-20/5", "1,2,3", "5-9"])
EXPRESSIONS = st.tuples(
    FIELD,
    st.sampled_from(["*", "*/5", "2", "1-3", "0", "23", "3,2"]),
    st.sampled_from(["*", "1", "28-31", "*/10", "?"]),
    st.sampled_from(["*", "3", "10,11", "MAR-APR"]),
    st.sampled_from(["*", "0", "1-5", "SUN", "6-1"]),
).map(" ".join)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Pacific Standard Time", "Lord Howe Standard Time", "Asia/Beirut"]
)
STARTS = st.sampled_from(
    [FORWARD, BACK, *map(datetime.fromisoformat, ("2026-03-08", "2026-04-05"))]
)


def by_every_minute(rule: cron.Cron, zone: str, first: float, last: float) -> set[float]:
    """Each minute that passes is asked for what the clock shows; what no clock showed comes when
    the clocks are put forward."""
    place, found, seen = zones.zone(zone), set[float](), set[datetime]()
    before: datetime | None = None
    for moment in range(int(first), int(last), 60):
        wall = zones.on_the_wall(moment, place).replace(tzinfo=None, fold=0)
        missing = 0 if before is None else int((wall - before).total_seconds() // 60) - 1
        if not rule.all_day and missing > 0 and before is not None:
            between = [before + timedelta(minutes=n + 1) for n in range(missing)]
            if any(rule.falls_on(w.date()) and w.time() in rule.times for w in between):
                found.add(float(moment))
        named = rule.falls_on(wall.date()) and wall.time() in rule.times
        if named and (rule.all_day or wall not in seen):
            found.add(float(moment))
        seen.add(wall)
        before = wall
    return found


class TestAgainstEveryMinute:
    @given(expression=EXPRESSIONS, zone=ZONES, day=STARTS, hours=st.integers(0, 30))
    @settings(max_examples=examples(150), deadline=None)
    def test_crons_fall_due_as_the_clocks_show(
        self, expression: str, zone: str, day: datetime, hours: int
    ) -> None:
        first = (day.replace(tzinfo=UTC) - timedelta(hours=hours)).timestamp()
        last = first + 2.5 * 86400
        table = crons(expression, zone)
        expected = by_every_minute(cron.parse(expression), zone, first - 7200, last)
        wanted = sorted(tick for tick in expected if first < tick < last)
        assert table.between(first, last - 1) == wanted

    @given(
        frequency=st.sampled_from(["minute", "hour", "day", "week", "month"]),
        interval=st.integers(1, 5),
        zone=ZONES,
        day=STARTS,
        since=st.integers(-3, 60 * 24),
    )
    @settings(max_examples=examples(150), deadline=None)
    def test_recurrences_are_in_order_and_nothing_is_lost_between_two_looks(
        self, frequency: str, interval: int, zone: str, day: datetime, since: int
    ) -> None:
        table = repeated(frequency, interval, day.isoformat(), zone)
        first = table.start + since * 3600.0
        ticks = table.next_ticks(first, 8)
        assert ticks == sorted(set(ticks))
        assert all(tick > first and tick >= table.start for tick in ticks)
        middle = ticks[3]
        assert table.between(first, middle) + table.next_ticks(middle, 4) == ticks


MINUTELY = crons("* * * * *")


class TestPlan:
    def test_what_is_due_fires_and_what_comes_next_is_known(self) -> None:
        made = plan(MINUTELY, 600.0, 720.0, Missed())
        assert made.fire == (660.0, 720.0)
        assert (made.skipped, made.until, made.due_at) == (None, 720.0, 780.0)

    def test_nothing_is_decided_twice(self) -> None:
        made = plan(MINUTELY, 720.0, 720.0, Missed())
        assert made.fire == ()

    def test_what_was_missed_is_left_out_and_counted(self) -> None:
        made = plan(crons("0 * * * *"), 0.0, 10 * 3600.0 + 60, Missed())
        assert made.fire == (36000.0,)
        assert made.skipped is not None
        assert (made.skipped.first, made.skipped.last, made.skipped.count) == (3600.0, 32400.0, 9)

    def test_the_last_few_are_made_up_for(self) -> None:
        made = plan(crons("0 * * * *"), 0.0, 10 * 3600.0 + 600, Missed(catch_up=2))
        assert made.fire == (32400.0, 36000.0)
        assert made.skipped is not None
        assert made.skipped.count == 8

    @pytest.mark.parametrize("late, fires", [(300.0, (3600.0,)), (301.0, ())])
    def test_a_tick_is_on_time_for_five_minutes(self, late: float, fires: tuple[float]) -> None:
        assert plan(crons("0 * * * *"), 0.0, 3600.0 + late, Missed()).fire == fires

    def test_what_was_missed_for_long_is_counted_as_far_as_it_matters(self) -> None:
        now = 100 * 86400.0
        hourly = plan(crons("0 * * * *"), 0.0, now, Missed()).skipped
        assert hourly is not None
        assert (hourly.first, hourly.count) == (60 * 86400.0 + 3600, 40 * 24 - 1)
        minutely = plan(MINUTELY, 0.0, now, Missed()).skipped
        assert minutely is not None
        assert (minutely.last, minutely.count) == (now - 360, 20_000 - 6)

    def test_a_clock_that_goes_back_fires_nothing(self) -> None:
        made = plan(MINUTELY, 7200.0, 3600.0, Missed())
        assert (made.fire, made.skipped, made.until) == ((), None, 7200.0)

    @given(st.lists(st.integers(0, 100_000), min_size=1, max_size=12), st.integers(0, 5))
    @settings(max_examples=examples(100), deadline=None)
    def test_each_tick_fires_once_or_is_left_out_whenever_somebody_looks(
        self, looks: list[int], catch_up: int
    ) -> None:
        table, decided, fired, left = crons("*/9 * * * *"), 0.0, list[float](), 0
        for look in looks:
            made = plan(table, decided, float(look), Missed(catch_up))
            fired += made.fire
            left += made.skipped.count if made.skipped else 0
            decided = made.until
        assert fired == sorted(set(fired))
        assert len(fired) + left == len(table.between(0.0, float(max(looks))))
