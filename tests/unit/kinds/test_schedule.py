"""Schedules as people and Azure write them."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine import zones
from lazur.kinds import catalog
from lazur.kinds.resources.schedule import Schedule, timetable

JOB = {"type": "command", "command": "true"}


def checked(trigger: Any, **more: Any) -> tuple[Schedule | None, list[str]]:
    spec = {"name": "s", "trigger": trigger, "create_job": JOB, **more}
    model, found = catalog.validate("schedule", spec)
    assert model is None or isinstance(model, Schedule)
    return model, [f"{d.severity}: {d.path}: {d.message}" for d in found]


def ticks(trigger: dict[str, Any], count: int = 3, made: float = 0.0) -> list[str]:
    model, found = checked(trigger)
    assert model is not None, found
    trigger_: Any = model.trigger
    table = timetable(trigger_, made)
    coming = table.next_ticks(table.start - 1, count)
    return [zones.on_the_wall(tick, table.place).strftime("%m-%d %H:%M") for tick in coming]


class TestSpelling:
    @pytest.mark.parametrize(
        "trigger",
        [
            {"type": "Cron", "expression": "0 0 * * *"},
            {"type": "recurrence", "frequency": "Day", "interval": "1"},
            {"type": "Recurrence", "frequency": "WEEK", "interval": 1, "schedule": None},
            {
                "type": "recurrence",
                "frequency": "week",
                "interval": 1,
                "schedule": {"hours": 10, "minutes": [0, "15"], "week_days": "Monday"},
            },
            {"type": "event", "event": "DataUpdated"},
            {"type": "event", "event": "job_finished", "status": "failed"},
            {"type": "webhook", "inputs": {"a": "b.c"}},
        ],
    )
    def test_what_azure_accepts_is_accepted(self, trigger: dict[str, Any]) -> None:
        model, found = checked(trigger)
        assert model is not None, found

    @pytest.mark.parametrize(
        "start",
        [
            "2026-05-01T10:00:00",
            "2026-05-01 10:00:00",
            "2026-5-1T10:00",
            "2026-05-01T17:00:00Z",
            "2026-05-01T10:00:00.000-07:00",
            "2026-05-01 10:00:00 -07:00",
        ],
    )
    def test_a_start_is_read_as_it_is_written(self, start: str) -> None:
        trigger = {
            "type": "recurrence",
            "frequency": "day",
            "interval": 1,
            "start_time": start,
            "time_zone": "Pacific Standard Time",
        }
        assert ticks(trigger, 2) == ["05-01 10:00", "05-02 10:00"]

    def test_patterns_are_of_the_days_from_the_start_on(self) -> None:
        trigger = {
            "type": "recurrence",
            "frequency": "month",
            "interval": 2,
            "start_time": "2026-01-20T08:00:00",
            "schedule": {"hours": [4, 10], "minutes": 30, "month_days": [1, 31]},
        }
        expected = ["01-31 04:30", "01-31 10:30", "03-01 04:30"]
        assert ticks(trigger) == expected


class TestMistakes:
    @pytest.mark.parametrize(
        "trigger, message",
        [
            ({"type": "cron"}, "error: trigger.expression: `expression` is missing"),
            ({"type": "cron", "expression": "61 * * * *"}, "error: trigger.expression: '61'"),
            (
                {"type": "cron", "expression": "* * * * *", "time_zone": "Mars"},
                "error: trigger.time_zone: there is no time zone 'Mars'",
            ),
            (
                {"type": "cron", "expression": "* * * * *", "end_time": "late"},
                "error: trigger.end_time: 'late' is no moment",
            ),
            (
                {"type": "recurrence", "frequency": "year", "interval": 1},
                "error: trigger.frequency: expected one of",
            ),
            ({"type": "recurrence", "frequency": "day", "interval": 0}, "error: trigger.interval"),
            ({"type": "sun"}, "error: trigger: a trigger is a mapping whose `type` is cron"),
            ("0 0 * * *", "error: trigger: a trigger is a mapping"),
            (
                {"type": "cron", "expression": "* * * * *", "missed": "never"},
                "error: trigger.missed",
            ),
        ],
    )
    def test_they_are_told_by_their_place(self, trigger: Any, message: str) -> None:
        model, found = checked(trigger)
        assert model is None
        assert any(one.startswith(message) for one in found), found

    def test_all_are_told_at_once(self) -> None:
        times = {"time_zone": "Mars", "start_time": "late", "end_time": "later"}
        _, found = checked({"type": "cron", "expression": "61 * * * *", **times})
        assert [one.split(": ")[1] for one in found] == [
            "trigger.time_zone",
            "trigger.start_time",
            "trigger.end_time",
            "trigger.expression",
        ]
        wrong = {"type": "recurrence", "frequency": "year", "interval": 1, **times}
        _, found = checked(wrong)
        assert sum(one.startswith("error: trigger.") for one in found) == 4

    def test_a_zone_that_is_not_known_makes_no_time_a_mistake(self) -> None:
        times = {"time_zone": "Mars", "start_time": "2026-05-01", "end_time": "2026-06-01"}
        for how in (
            {"type": "cron", "expression": "1 * * * *"},
            {"type": "recurrence", "frequency": "day", "interval": 1},
        ):
            _, found = checked({**how, **times})
            assert found == ["error: trigger.time_zone: there is no time zone 'Mars'"]

    @pytest.mark.parametrize("limit, fits", [(0, False), (1, True), (100, True), (101, False)])
    def test_a_hundred_ticks_are_made_up_for_at_most(self, limit: int, fits: bool) -> None:
        late = {"missed": "catch_up", "catch_up_limit": limit}
        model, _ = checked({"type": "cron", "expression": "1 * * * *", **late})
        assert (model is not None) is fits

    def test_what_ends_before_it_begins_is_told(self) -> None:
        cron = {"type": "cron", "expression": "1 * * * *", "start_time": "2026-05-02"}
        _, found = checked({**cron, "end_time": "2026-05-01"})
        assert found == ["warning: trigger.end_time: it ends before it begins, and never fires"]
        assert checked({**cron, "end_time": "2026-05-02"})[1] == []
        assert checked(cron)[1] == []

    def test_a_pattern_by_the_name_of_azures_documentation_is_its_schedule(self) -> None:
        daily = {"type": "recurrence", "frequency": "day", "interval": 1}
        model, found = checked({**daily, "pattern": {"hours": 3}})
        assert model is not None
        assert found == []
        assert model.dump()["trigger"] == {**daily, "schedule": {"hours": [3]}}
        both = {**daily, "schedule": {"hours": 4}, "pattern": {"hours": 3}}
        assert checked(both)[1] == ["warning: trigger.pattern: `pattern` is not a known field"]

    def test_one_thing_is_run(self) -> None:
        daily = {"type": "cron", "expression": "0 0 * * *"}
        for more in ({"create_job": None}, {"import_data": {}}):
            _, found = checked(daily, **more)
            assert "one of `create_job` and `import_data`" in found[0]
        _, found = checked(daily, create_monitor={"compute": {}})
        assert "not supported yet" in found[0]

    @pytest.mark.parametrize(
        "trigger, message",
        [
            (
                {"type": "recurrence", "frequency": "hour", "interval": 1, "schedule": {}},
                "`schedule` has no effect with the frequency hour",
            ),
            (
                {
                    "type": "recurrence",
                    "frequency": "day",
                    "interval": 1,
                    "schedule": {"month_days": 1},
                },
                "`month_days` has no effect with the frequency day",
            ),
            (
                {"type": "cron", "expression": "* * * * *", "catch_up_limit": 3},
                "`catch_up_limit` has no effect without",
            ),
        ],
    )
    def test_what_has_no_effect_is_told(self, trigger: dict[str, Any], message: str) -> None:
        model, found = checked(trigger)
        assert model is not None
        assert any(message in one and one.startswith("warning") for one in found)
