from __future__ import annotations

from typing import Any

import pytest

from lazur.cli.schedule import COMMANDS

DAILY = {"type": "recurrence", "frequency": "day", "interval": 1}


class TestRows:
    @pytest.mark.parametrize(
        "trigger, told",
        [
            (DAILY, "every day"),
            ({**DAILY, "interval": 2, "time_zone": "UTC"}, "every 2 days (UTC)"),
            (
                {**DAILY, "schedule": {"hours": [4, 10], "minutes": 30}},
                "every day at 04:30, 10:30",
            ),
            (
                {**DAILY, "schedule": {"hours": [4, 10], "minutes": [0, 15, 30]}},
                "every day at 04:00, 04:15, 04:30, 10:00, …",
            ),
            (
                {**DAILY, "frequency": "month", "schedule": {"month_days": [1, -1]}},
                "every month on 1, last",
            ),
            (
                {**DAILY, "frequency": "week", "schedule": {"week_days": ["monday"], "hours": 0}},
                "every week on monday",
            ),
            ({"type": "cron", "expression": "0 3 * * *", "time_zone": None}, "0 3 * * *"),
            (
                {"type": "cron", "expression": "0 3 * * *", "time_zone": "Asia/Tokyo"},
                "0 3 * * * (Asia/Tokyo)",
            ),
            ({"type": "event", "event": "job_finished", "name": "a*"}, "job_finished a*"),
            ({"type": "webhook"}, "webhook"),
        ],
    )
    def test_a_trigger_in_a_few_words(self, trigger: dict[str, Any], told: str) -> None:
        shown = {"name": "s", "trigger": trigger, "is_enabled": True, "next_runs": []}
        row = COMMANDS["schedule show"][1]["table_transformer"](shown)
        assert row["Trigger"] == told
