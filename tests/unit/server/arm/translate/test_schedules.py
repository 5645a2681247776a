"""Schedules on Azure's wire and in YAML."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.errors import Unsupported
from lazur.server.arm.translate import schedules
from tests.effort import examples
from tests.unit.server.arm.translate.strategies import IDS, commands, names, notes, pipelines

AT = st.sampled_from(["2099-01-01 00:00:00", "2099-01-01T00:00:00"])
when = {"start_time": AT, "end_time": AT}
triggers = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("cron"),
            "expression": st.just("0 2 * * *"),
            "time_zone": st.sampled_from(["UTC", "Romance Standard Time"]),
        },
        optional=when,
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("recurrence"),
            "frequency": st.sampled_from("minute hour day week month".split()),
            "interval": st.integers(1, 9),
            "time_zone": st.just("UTC"),
        },
        optional={
            **when,
            "schedule": st.fixed_dictionaries(
                {"hours": st.just([1, 2])},
                optional={
                    "minutes": st.just([0]),
                    "week_days": st.just(["monday", "friday"]),
                    "month_days": st.just([1, -1]),
                },
            ),
        },
    ),
)
jobs = (commands | pipelines).map(lambda job: {k: v for k, v in job.items() if k != "name"})
imports = st.fixed_dictionaries(
    {
        "type": st.just("mltable"),
        "name": names,
        "path": st.just("azureml://datastores/workspaceblobstore/paths/x"),
        "source": st.just({"type": "database", "query": "select 1", "connection": "azureml:c"}),
    },
    optional={key: notes[key] for key in ("description", "tags", "properties")},
)
kept = {key: notes[key] for key in ("display_name", "description", "tags", "properties")}
known = st.fixed_dictionaries(
    {"name": names, "trigger": triggers, "is_enabled": st.booleans()}, optional=kept
)


def there_and_back(spec: dict[str, Any]) -> dict[str, Any]:
    body = schedules.to_arm(spec, spec.get("create_job"), IDS)
    return schedules.schedule(spec["name"], json.loads(json.dumps(body["properties"])))


class TestRoundTrips:
    @given(known, jobs)
    @settings(max_examples=examples(60), deadline=None)
    def test_of_a_job(self, spec: dict[str, Any], job: dict[str, Any]) -> None:
        made = {**spec, "create_job": job}
        assert there_and_back(made) == made

    @given(known, imports)
    @settings(max_examples=examples(40), deadline=None)
    def test_of_an_import(self, spec: dict[str, Any], data: dict[str, Any]) -> None:
        made = {**spec, "import_data": data}
        assert there_and_back(made) == made


class TestFromAzure:
    def test_empty_patterns_say_nothing(self) -> None:
        trigger = {
            "triggerType": "Recurrence",
            "frequency": "Day",
            "interval": 1,
            "schedule": {"hours": [], "minutes": []},
        }
        found = schedules.schedule("s", {"trigger": trigger})["trigger"]
        assert found == {"type": "recurrence", "frequency": "day", "interval": 1}

    def test_a_job_may_be_named(self) -> None:
        for source in (IDS.resource("jobs", "j"), "azureml:j", "j"):
            action = {"actionType": "CreateJob", "jobDefinition": {"sourceJobId": source}}
            assert schedules.schedule("s", {"action": action})["create_job"] == "azureml:j"
        assert schedules.schedule("s", {"action": {}})["create_job"] is None

    def test_what_is_not_run_here_is_said_by_name(self) -> None:
        for kind in ("CreateMonitor", "InvokeBatchEndpoint"):
            with pytest.raises(Unsupported, match="not run here"):
                schedules.schedule("s", {"action": {"actionType": kind}})


class TestToAzure:
    def test_single_hours_are_lists(self) -> None:
        trigger = {
            "type": "recurrence",
            "frequency": "week",
            "interval": 1,
            "schedule": {"hours": 4, "minutes": 30, "week_days": "monday"},
        }
        view = {"name": "s", "trigger": trigger, "is_enabled": True}
        found = schedules.to_arm(view, {"command": "true"}, IDS)["properties"]["trigger"]
        assert found["schedule"] == {"hours": [4], "minutes": [30], "weekDays": ["Monday"]}

    def test_other_triggers_are_shown(self) -> None:
        view = {"name": "s", "trigger": {"type": "event", "event": "data_updated"}}
        found = schedules.to_arm(view, {"command": "true"}, IDS)["properties"]["trigger"]
        assert found["triggerType"] == "Event"
