"""Schedules on Azure's wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.arm.conftest import BASE, WS, Arm
from tests.server.arm.test_jobs import body, environment, put  # noqa: F401 - a fixture
from tests.site import submit

SCHEDULES = f"{WS}/schedules"
CRON = {
    "triggerType": "Cron",
    "expression": "0 2 * * *",
    "startTime": "2099-01-01 00:00:00",
    "timeZone": "UTC",
}
RECURRENCE = {
    "triggerType": "Recurrence",
    "frequency": "Week",
    "interval": 2,
    "schedule": {"hours": [4], "minutes": [0], "weekDays": ["Monday"]},
    "timeZone": "Romance Standard Time",
}


def make(arm: Arm, name: str = "s", trigger: Any = CRON, **more: Any) -> Any:
    job = {"actionType": "CreateJob", "jobDefinition": body()["properties"]}
    properties = {"action": job, "trigger": trigger, "tags": {}, "isEnabled": True, **more}
    return arm.put(f"{SCHEDULES}/{name}", {"properties": properties})


class TestLife:
    @pytest.mark.parametrize("trigger", [CRON, RECURRENCE])
    def test_one_is_made_and_shown_as_it_was_sent(self, arm: Arm, trigger: Any) -> None:
        answer = make(arm, trigger=trigger)
        assert answer.status_code == 201, answer.text
        shown = arm.get(f"{SCHEDULES}/s").json()["properties"]
        assert shown["trigger"] == trigger
        assert shown["provisioningState"] == "Succeeded"
        job = shown["action"]["jobDefinition"]
        assert job["jobType"] == "Command"
        assert job["environmentId"] == f"{WS}/environments/e/versions/1"
        again = arm.put(f"{SCHEDULES}/s", {"properties": shown})
        assert again.status_code == 200, again.text
        assert again.json()["properties"] == shown

    def test_releases_that_cannot_read_it_twice_are_sent_to_ask(self, arm: Arm) -> None:
        job = {"actionType": "CreateJob", "jobDefinition": body()["properties"]}
        asked = {"properties": {"action": job, "trigger": CRON}}
        older = {"User-Agent": "azure-ai-ml/1.34.0 Python"}
        answer = arm.put(f"{SCHEDULES}/s", asked, headers=older)
        assert (answer.status_code, answer.headers["retry-after"]) == (201, "1")
        poll = arm.get(answer.headers["azure-asyncoperation"].removeprefix(BASE))
        assert poll.json()["status"] == "Succeeded"

    def test_it_is_disabled_enabled_and_deleted(self, arm: Arm) -> None:
        make(arm)
        properties = arm.get(f"{SCHEDULES}/s").json()["properties"]
        arm.put(f"{SCHEDULES}/s", {"properties": {**properties, "isEnabled": False}})
        assert arm.get(SCHEDULES).json()["value"] == []
        (found,) = arm.get(f"{SCHEDULES}?listViewType=DisabledOnly").json()["value"]
        assert found["properties"]["isEnabled"] is False
        assert len(arm.get(f"{SCHEDULES}?listViewType=All").json()["value"]) == 1
        assert arm.delete(f"{SCHEDULES}/s").status_code == 200
        assert arm.get(f"{SCHEDULES}/s").status_code == 404

    def test_it_fires_when_it_is_told_to(self, arm: Arm) -> None:
        make(arm)
        answer = arm.post(f"{SCHEDULES}/s/trigger", {"scheduleTime": "2026-01-02T03:04:05+00:00"})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["scheduleActionType"] == "CreateJob"
        job = arm.get(f"{WS}/jobs/{told['submissionId']}").json()["properties"]
        assert job["properties"]["lazur.schedule"] == "s"

    def test_it_may_name_a_job_that_there_is(self, arm: Arm) -> None:
        submit(arm.site, name="j")
        action = {
            "actionType": "CreateJob",
            "jobDefinition": {
                "jobType": "Pipeline",
                "sourceJobId": f"{WS}/jobs/j",
                "experimentName": "",
            },
        }
        answer = make(arm, action=action)
        assert answer.status_code == 201, answer.text
        assert answer.json()["properties"]["action"]["jobDefinition"]["jobType"] == "Command"

    def test_data_are_imported(self, arm: Arm) -> None:
        source = {"sourceType": "file_system", "connection": f"{WS}/connections/c", "path": "x/*"}
        wanted = {"assetName": "d", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}
        action = {"actionType": "ImportData", "dataImportDefinition": {**wanted, "source": source}}
        answer = make(arm, action=action)
        assert answer.status_code == 404, answer.text
        assert "connection" in answer.text

    def test_what_is_not_run_here_is_said_by_name(self, arm: Arm) -> None:
        answer = make(arm, action={"actionType": "CreateMonitor"})
        assert answer.status_code == 501
        assert "create_monitor" in answer.json()["error"]["message"]
        answer = make(arm, action={})
        assert answer.status_code == 400
