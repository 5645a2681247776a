"""Schedules of Python code are those of YAML."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import lazur
from lazur.kinds import catalog
from lazur.sdk.entities import Entity

JOB = {"type": "command", "command": "true"}


@pytest.mark.parametrize(
    "trigger, expected",
    [
        (
            lazur.CronTrigger(
                expression="0 5 * * *",
                start_time=datetime.fromisoformat("2026-05-01T10:00:00"),
                time_zone="Tokyo Standard Time",
            ),
            {
                "type": "cron",
                "expression": "0 5 * * *",
                "start_time": "2026-05-01T10:00:00",
                "time_zone": "Tokyo Standard Time",
            },
        ),
        (
            lazur.RecurrenceTrigger(
                frequency="week",
                interval=2,
                schedule=lazur.RecurrencePattern(hours=[4, 10], minutes=0, week_days="monday"),
            ),
            {
                "type": "recurrence",
                "frequency": "week",
                "interval": 2,
                "schedule": {"hours": [4, 10], "minutes": 0, "week_days": "monday"},
            },
        ),
        (
            lazur.EventTrigger(event="job_finished", status="Failed"),
            {"type": "event", "event": "job_finished", "status": "Failed"},
        ),
        (lazur.WebhookTrigger(per_minute=5), {"type": "webhook", "per_minute": 5}),
    ],
)
def test_triggers_are_as_in_yaml(trigger: Entity, expected: dict[str, Any]) -> None:
    made = lazur.JobSchedule(name="s", trigger=trigger, create_job=JOB).to_spec()
    assert made == {"name": "s", "trigger": expected, "create_job": JOB}
    model, found = catalog.validate("schedule", made)
    assert model is not None, found


def test_a_file_is_loaded_and_changed(tmp_path: Path) -> None:
    file = tmp_path / "s.yml"
    file.write_text(
        "name: s\ntrigger: {type: cron, expression: '0 0 * * *'}\ncreate_job: ./job.yml\nodd: 1\n"
    )
    found = lazur.load_schedule(file, params_override=[{"trigger.time_zone": "Asia/Tokyo"}])
    assert isinstance(found, lazur.JobSchedule)
    assert found.base_path == tmp_path
    made = found.to_spec()
    assert made["trigger"]["time_zone"] == "Asia/Tokyo"
    assert (made["create_job"], made["odd"]) == ("./job.yml", 1)
    file.write_text("name: s\ntrigger: {type: cron}\nimport_data: {name: d}\n")
    assert isinstance(lazur.load_schedule(file), lazur.ImportDataSchedule)
