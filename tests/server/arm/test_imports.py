"""Imports of data as Azure's client asks for them: pipelines with a step of its own kind."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS
from tests.server.arm.conftest import WS, Arm
from tests.site import Server, call

JOBS = f"{WS}/jobs"
DATABASE = {"type": "database", "connection": "azureml:shop", "query": "select 1"}
FILES = {"type": "file_system", "connection": "azureml:bucket", "path": "a/*"}


@pytest.fixture(autouse=True)
def connections(arm: Arm) -> None:
    for spec in (
        {"name": "shop", "type": "custom", "target": "sqlite:///x.db"},
        {"name": "bucket", "type": "s3", "target": "s3://b", **_KEYS},
    ):
        call(arm.site, resources.put, CONNECTIONS, "default", spec["name"], spec)


_KEYS = {
    "credentials": {"type": "access_key", "access_key_id": "a", "secret_access_key": "very-secret"}
}


def node(source: Any, **more: Any) -> dict[str, Any]:
    kind = "mltable" if source["type"] == "database" else "uri_folder"
    place = "azureml://datastores/workspaceblobstore/paths/imports/${{name}}"
    return {
        "type": "data_transfer",
        "task": "import_data",
        "source": source,
        "computeId": "serverless",
        "componentId": "azureml://registries/azureml/components/import_data_database/versions/0.0.1",
        "outputs": {"sink": {"uri": place, "job_output_type": kind, "name": "sales"}},
        "_source": "BUILTIN",
        **more,
    }


def put(arm: Arm, step: Any, name: str = "i") -> Any:
    told = {"azureml.materializationAssetName": "sales"}
    body = {"jobType": "Pipeline", "jobs": {"get": step}, "properties": told}
    return arm.put(f"{JOBS}/{name}", {"properties": body})


class TestImports:
    @pytest.mark.parametrize("source", [DATABASE, FILES])
    def test_one_is_a_step_that_copies(self, arm: Arm, server: Server, source: Any) -> None:
        answer = put(arm, node(source))
        assert answer.status_code == 201, answer.text
        server.settle()
        (key,) = arm.site.engine.going_on()
        plan = arm.site.engine.attempts[key].plan
        assert plan is not None
        assert plan.command.startswith("python -m importing ")
        shown = arm.get(f"{JOBS}/i").json()["properties"]["jobs"]["get"]
        assert (shown["type"], shown["task"]) == ("data_transfer", "import_data")
        assert shown["source"] == source
        assert shown["outputs"]["sink"]["name"] == "sales"
        assert "very-secret" not in str(arm.get(f"{JOBS}/i").json())

    def test_one_that_was_fetched_is_sent_again(self, arm: Arm) -> None:
        put(arm, node(DATABASE))
        fetched = arm.get(f"{JOBS}/i").json()["properties"]
        again = arm.put(f"{JOBS}/j", {"properties": fetched})
        assert again.status_code == 201, again.text
        assert again.json()["properties"]["jobs"] == fetched["jobs"]

    def test_they_are_found_by_what_they_become(self, arm: Arm) -> None:
        put(arm, node(DATABASE))
        for name, found in (("sales", ["i"]), ("other", [])):
            query = f"{JOBS}?assetName={name}&jobType=Pipeline"
            assert [one["name"] for one in arm.get(query).json()["value"]] == found

    @pytest.mark.parametrize(
        "step, status, words",
        [
            (node({**DATABASE, "connection": "azureml:none"}), 404, "none"),
            (node({**DATABASE, "connection": "azureml:bucket"}), 501, "is no database"),
            (node({**DATABASE, "query": None}), 400, "query"),
            (node(DATABASE, outputs={}), 400, "one output is needed"),
            (node(DATABASE, outputs={"sink": {"value": "${{parent.outputs.x}}"}}), 400, "name"),
            (node(DATABASE, task="export_data"), 501, "data transfer"),
        ],
    )
    def test_what_cannot_be_is_told(self, arm: Arm, step: Any, status: int, words: str) -> None:
        answer = put(arm, step)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text

    def test_it_takes_the_right_to_write_data(self, arm: Arm) -> None:
        assert put(arm.as_("Reader"), node(DATABASE)).status_code == 403

    def test_schedules_have_such_steps_too(self, arm: Arm) -> None:
        job = {"jobType": "Pipeline", "jobs": {"get": node(DATABASE)}}
        action = {"actionType": "CreateJob", "jobDefinition": job}
        trigger = {"triggerType": "Cron", "expression": "0 2 * * *", "timeZone": "UTC"}
        body = {"properties": {"action": action, "trigger": trigger, "isEnabled": True}}
        answer = arm.put(f"{WS}/schedules/s", body)
        assert answer.status_code == 201, answer.text
        shown = answer.json()["properties"]["action"]["jobDefinition"]["jobs"]["get"]
        assert (shown["task"], shown["source"]) == ("import_data", DATABASE)


class TestSmallOnes:
    def test_nobody_signs_in_on_a_compute(self, arm: Arm) -> None:
        arm.put(f"{WS}/computes/i", {"properties": {"computeType": "ComputeInstance"}})
        at = f"{WS}/computes/i/enableSso"
        assert arm.post(at, {"enableSSO": False}).status_code == 200
        assert arm.post(at, {"enableSSO": True}).status_code == 409
        assert arm.post(f"{WS}/computes/none/enableSso", {}).status_code == 404

    def test_there_is_no_network_of_a_workspace(self, arm: Arm) -> None:
        answer = arm.post(f"{WS}/provisionManagedNetwork", {"includeSpark": False})
        assert answer.json() == {"status": "Inactive", "sparkReady": False}
