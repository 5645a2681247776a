"""Jobs on Azure's wire: submitted, listed, canceled, changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lazur.engine.plan import Exit
from lazur.services.assets import assets
from lazur.services.azure import tokens
from lazur.services.jobs import jobs
from lazur.services.people import audits
from lazur.services.schedules.schedule_jobs import SCHEDULE
from lazur.services.tracking import trash
from lazur.store import holds
from lazur.store.pages import Query
from tests.server.arm.conftest import BASE, WS, Arm
from tests.site import ENVIRONMENT, Server, call, put_tree, submit

JOBS = f"{WS}/jobs"


@pytest.fixture(autouse=True)
def environment(arm: Arm) -> None:
    spec = {"name": "e", "version": "1", **ENVIRONMENT}
    call(arm.site, assets.create, "default", "environments", spec)


def body(**more: Any) -> dict[str, Any]:
    known = {
        "jobType": "Command",
        "command": "echo ${{inputs.a}}",
        "environmentId": f"{WS}/environments/e/versions/1",
        "inputs": {"a": {"value": "0.1", "jobInputType": "literal"}},
        "outputs": {"o": {"jobOutputType": "uri_folder"}},
        "experimentName": "exp",
        "tags": {},
        "properties": {},
        "isArchived": False,
    }
    return {"properties": {**known, **more}}


def put(arm: Arm, name: str = "j", **more: Any) -> dict[str, Any]:
    answer = arm.put(f"{JOBS}/{name}", body(**more))
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def ended(arm: Arm, server: Server, name: str) -> None:
    put(arm, name)
    server.settle()
    (key,) = arm.site.engine.going_on()
    arm.site.engine.end(key)
    server.settle()


def pipeline(arm: Arm, step: dict[str, Any]) -> None:
    """As `lazur job create` submits one."""
    spec = {"name": "p", "type": "pipeline", "jobs": {"a": step}}
    call(arm.site, jobs.submit, "default", spec)


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["value"]]


class TestWrittenInPlace:
    def test_an_environment_is_there_by_its_id(self, arm: Arm) -> None:
        submit(arm.site, name="j")
        reader = arm.as_("Reader")
        found = reader.get(f"{JOBS}/j").json()["properties"]["environmentId"]
        assert "/CliV2AnonymousEnvironment/versions/" in found
        shown = reader.get(found)
        assert shown.status_code == 200, shown.text
        assert shown.json()["properties"]["isAnonymous"]
        assert names(reader.get(f"{WS}/environments")) == ["e"]
        listed = reader.get(JOBS).json()["value"]
        assert [one["properties"]["environmentId"] for one in listed] == [found]

    def test_a_step_is_a_component_by_its_id(self, arm: Arm) -> None:
        digest = put_tree(arm.site, {"a.py": b"print(1)"})
        step = {"command": "true", "environment": ENVIRONMENT, "code": f"tree:{digest}"}
        pipeline(arm, step)
        node = arm.get(f"{JOBS}/p").json()["properties"]["jobs"]["a"]
        found = arm.get(node["componentId"]).json()["properties"]["componentSpec"]
        assert found["command"] == "true"
        assert f"/codes/{digest}/versions/1" in found["code"]
        inner = arm.get(found["environment"].removeprefix("azureml:"))
        assert inner.status_code == 200, inner.text

    def test_what_cannot_be_registered_is_shown_all_the_same(self, arm: Arm) -> None:
        step = {"command": "true", "environment": ENVIRONMENT}
        pipeline(arm, step)
        at = arm.get(f"{JOBS}/p").json()["properties"]["jobs"]["a"]["componentId"]
        assert arm.delete(at).status_code in (200, 204)
        shown = arm.get(f"{JOBS}/p")
        assert shown.json()["properties"]["jobs"]["a"]["componentId"] == at
        assert arm.get(at).status_code == 404

    def test_one_that_was_named_keeps_its_name(self, arm: Arm) -> None:
        spec = {"name": "c", "version": "3", "command": "true", "environment": "azureml:e:1"}
        call(arm.site, assets.create, "default", "components", spec)
        pipeline(arm, {"component": "azureml:c@latest"})
        node = arm.get(f"{JOBS}/p").json()["properties"]["jobs"]["a"]
        assert node["componentId"] == f"{WS}/components/c/versions/3"


class TestOtherWorkspaces:
    OTHER = WS.replace("/workspaces/default", "/workspaces/other")
    THERE = WS.replace("/resourceGroups/lazur/", "/resourceGroups/theirs/")

    NAMED = (
        {"computeId": "ROOM/computes/local"},
        {"environmentId": "ROOM/environments/e/versions/1"},
        {"codeId": "ROOM/codes/c/versions/1"},
        {"inputs": {"d": {"jobInputType": "uri_folder", "uri": "ROOM/data/d/versions/1"}}},
        {"inputs": {"m": {"jobInputType": "custom_model", "uri": "ROOM/models/m/versions/1"}}},
        {"outputs": {"o": {"uri": "azureml:/ROOM/datastores/x/paths/y"}}},
        {"jobType": "Pipeline", "jobs": {"a": {"componentId": "ROOM/components/c/versions/1"}}},
        {"jobType": "Pipeline", "settings": {"default_compute": "ROOM/computes/c"}},
    )

    def test_what_lies_there_is_not_taken_for_what_is_here(self, arm: Arm) -> None:
        for room, named in ((self.OTHER, "'other'"), (self.THERE, "'theirs'")):
            for more in self.NAMED:
                asked = json.loads(json.dumps(body(**more)).replace("ROOM", room))
                answer = arm.put(f"{JOBS}/j", asked)
                assert answer.status_code == 400, (more, answer.text)
                error = answer.json()["error"]["message"]
                assert named in error
                assert "this is the workspace 'default'" in error
        assert arm.get(f"{JOBS}/j").status_code == 404

    def test_an_assets_own_ids_are_looked_at_too(self, arm: Arm) -> None:
        spec = {"type": "command", "command": "true", "version": "1", "name": "c"}
        spec["environment"] = f"azureml:{self.OTHER}/environments/e/versions/1"
        at = f"{WS}/components/c/versions/1"
        answer = arm.put(at, {"properties": {"componentSpec": spec}})
        assert answer.status_code == 400
        assert "'other'" in answer.json()["error"]["message"]

    def test_data_is_not_resolved_there(self, arm: Arm) -> None:
        at = WS.replace("/subscriptions", "/data/v1.0/subscriptions")
        asked = f"{self.OTHER}/data/d/versions/1"
        found = arm.post(f"{at}/dataversion/batchGetResolvedUris", {"values": [asked]})
        assert found.status_code == 400
        assert arm.post(f"{at}/dataversion/getByAssetId", {"value": asked}).status_code == 400

    def test_tags_are_about_anything(self, arm: Arm) -> None:
        put(arm, tags={"came_of": f"{self.OTHER}/jobs/x"})


class TestCommands:
    def test_one_is_submitted_and_runs(self, arm: Arm, server: Server) -> None:
        digest = put_tree(arm.site, {"a.py": b"print(1)"})
        spec = {"name": "code", "version": "1", "path": f"tree:{digest}"}
        call(arm.site, assets.create, "default", "codes", spec)
        answer = arm.put(f"{JOBS}/j", body(codeId=f"{WS}/codes/code/versions/1"))
        assert answer.status_code == 201
        assert answer.json()["id"] == f"{JOBS}/j"
        server.settle()
        (key,) = arm.site.engine.going_on()
        plan = arm.site.engine.attempts[key].plan
        assert plan is not None
        assert plan.code is not None
        assert plan.code.tree == digest
        arm.site.engine.end(key)
        server.settle()
        shown = arm.get(f"{JOBS}/j").json()["properties"]
        assert shown["status"] == "Completed"
        assert shown["outputs"]["o"]["uri"] == (
            "azureml://datastores/workspaceblobstore/paths/azureml/j/o/"
        )
        assert shown["inputs"]["a"] == {"jobInputType": "literal", "value": "0.1"}
        assert shown["services"]["Tracking"]["jobServiceType"] == "Tracking"

    def test_the_same_name_again_changes_notes_and_no_more(self, arm: Arm) -> None:
        put(arm)
        answer = arm.put(f"{JOBS}/j", body(tags={"a": "1"}, displayName="D"))
        assert answer.status_code == 200
        found = answer.json()["properties"]
        assert (found["tags"], found["displayName"]) == ({"a": "1"}, "D")
        assert found["command"] == "echo ${{inputs.a}}"
        assert arm.put(f"{JOBS}/j", body(isArchived=True)).json()["properties"]["isArchived"]

    @pytest.mark.parametrize(
        "other",
        [
            {"command": "rm"},
            {"codeId": f"{WS}/codes/other/versions/1"},
            {"jobType": "Pipeline", "command": None},
        ],
    )
    def test_another_one_by_the_same_name_is_refused(
        self, arm: Arm, other: dict[str, Any]
    ) -> None:
        put(arm)
        answer = arm.put(f"{JOBS}/j", body(**other))
        assert answer.status_code == 400
        assert f"its {next(iter(other))} cannot be changed" in answer.json()["error"]["message"]
        shown = arm.get(f"{JOBS}/j").json()["properties"]
        assert arm.put(f"{JOBS}/j", {"properties": shown}).status_code == 200

    def test_what_is_wrong_is_said_as_azure_says_it(self, arm: Arm) -> None:
        answer = arm.put(f"{JOBS}/j", body(command="echo ${{inputs.b}}", resources={"x": 1}))
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "UserError"
        assert any("inputs.b" in one["message"] for one in error["details"])
        absent = arm.put(f"{JOBS}/j", body(environmentId=f"{WS}/environments/x/versions/1"))
        assert absent.status_code == 404
        assert arm.put(f"{JOBS}/j", body(jobType="AutoML")).status_code == 501
        assert arm.get(f"{JOBS}/j").status_code == 404

    def test_what_it_declares_to_serve_is_shown_without_an_address(self, arm: Arm) -> None:
        lab = {"jobServiceType": "JupyterLab", "port": 8888, "nodes": {"nodesValueType": "All"}}
        shown = put(arm, services={"lab": lab})["properties"]["services"]
        assert set(shown) == {"lab", "Studio", "Tracking"}
        assert lab.items() <= shown["lab"].items()
        found = arm.get(f"/history/v1.0{WS}/runs/j/serviceinstances/0").json()["instances"]
        assert (found["lab"]["status"], found["lab"]["endpoint"]) == ("NotStarted", None)
        again = {"jobType": "Command", **arm.get(f"{JOBS}/j").json()["properties"]}
        made = arm.put(f"{JOBS}/k", {"properties": again})
        assert lab.items() <= made.json()["properties"]["services"]["lab"].items()

    def test_a_second_token_must_be_the_same_persons(self, arm: Arm) -> None:
        other = arm.as_("Contributor")
        audience = tokens.resource_id(BASE)
        for token in (other.token_for(audience), arm.token_for("https://x"), "eyJ.a.b", "x"):
            answer = arm.put(f"{JOBS}/j", body(), headers={"x-azureml-token": token})
            assert answer.status_code == 401, token
        headers = {"x-azureml-token": arm.token_for(audience)}
        assert arm.put(f"{JOBS}/j", body(), headers=headers).status_code == 201


class TestLists:
    def test_pages_follow_each_other(self, arm: Arm) -> None:
        for number in range(5):
            put(arm, f"j{number}")
        first = arm.get(f"{JOBS}?$top=2&listViewType=ActiveOnly&api-version=2024")
        assert len(names(first)) == 2
        seen, link = names(first), first.json()["nextLink"]
        while link:
            assert link.startswith(f"{BASE}/subscriptions/")
            page = arm.get(link.removeprefix(BASE))
            seen += names(page)
            link = page.json().get("nextLink")
        assert sorted(seen) == [f"j{number}" for number in range(5)]

    def test_they_are_filtered(self, arm: Arm) -> None:
        put(arm, "plain")
        put(arm, "tagged", tags={"a": "1"}, properties={"p": "q"})
        put(arm, "old")
        put(arm, "old", isArchived=True)
        assert names(arm.get(JOBS)) == ["tagged", "plain"]
        assert names(arm.get(f"{JOBS}?listViewType=ArchivedOnly")) == ["old"]
        assert names(arm.get(f"{JOBS}?listViewType=ListViewType.ACTIVE_ONLY")) == [
            "tagged",
            "plain",
        ]
        assert len(names(arm.get(f"{JOBS}?listViewType=All"))) == 3
        assert names(arm.get(f"{JOBS}?tag=a=1")) == ["tagged"]
        assert names(arm.get(f"{JOBS}?properties=p=q")) == ["tagged"]
        assert names(arm.get(f"{JOBS}?properties=p=r")) == []
        assert names(arm.get(f"{JOBS}?jobType=Sweep")) == []

    def test_those_of_a_schedule_are_found(self, arm: Arm) -> None:
        put(arm, "plain")
        put(arm, "nightly-1", properties={SCHEDULE: "nightly"})
        assert names(arm.get(f"{JOBS}?scheduleId=nightly")) == ["nightly-1"]
        assert names(arm.get(f"{JOBS}?scheduleId=weekly")) == []
        assert names(arm.get(f"{JOBS}?scheduled=true")) == ["nightly-1"]
        assert names(arm.get(f"{JOBS}?scheduled=False")) == ["plain"]


class TestCancel:
    def test_it_is_over_when_the_job_is(self, arm: Arm, server: Server) -> None:
        put(arm)
        server.settle()
        waits = arm.get(f"{JOBS}/j/canceled")
        assert (waits.status_code, waits.headers["retry-after"]) == (202, "1")
        answer = arm.post(f"{JOBS}/j/cancel")
        assert answer.status_code == 202
        assert answer.headers["retry-after"]
        poll = answer.headers["location"].removeprefix(BASE)
        assert poll == f"{JOBS}/j/canceled"
        server.settle()
        assert arm.get(poll).status_code == 200
        assert arm.get(f"{JOBS}/j").json()["properties"]["status"] == "Canceled"
        assert arm.post(f"{JOBS}/j/cancel").status_code == 200


class TestDelete:
    def test_a_job_that_has_not_ended_stays(self, arm: Arm, server: Server) -> None:
        put(arm)
        server.settle()
        answer = arm.delete(f"{JOBS}/j")
        assert answer.status_code == 409
        assert "Cancel it first" in answer.json()["error"]["message"]
        assert arm.get(f"{JOBS}/j").json()["properties"]["isArchived"] is False

    def test_one_that_ended_is_gone_for_good(self, arm: Arm, server: Server) -> None:
        ended(arm, server, "j")
        assert arm.delete(f"{JOBS}/j").status_code == 200
        assert arm.get(f"{JOBS}/j").status_code == 404
        assert arm.delete(f"{JOBS}/j").status_code == 404
        assert names(arm.get(f"{JOBS}?listViewType=All")) == []
        told = call(arm.site, audits.find, "default", Query(50, None, None, {"name": "j"}))
        assert "purged" in {one["action"].rpartition(" ")[2] for one in told["value"]}, told
        with arm.site.db.read() as db:
            assert db.exec_driver_sql("SELECT COUNT(*) FROM lazur_jobs").scalar() == 0

    def test_while_the_server_is_copied_it_is_on_its_way(self, arm: Arm, server: Server) -> None:
        ended(arm, server, "j")
        with arm.site.db.write() as db:
            holds.keep(db, "copy", arm.site.now())
        answer = arm.delete(f"{JOBS}/j")
        assert answer.status_code == 202
        poll = answer.headers["location"].removeprefix(BASE)
        assert (arm.get(poll).status_code, poll) == (202, f"{JOBS}/j/deleted")
        with arm.site.db.write() as db:
            holds.end(db, "copy")
        trash.finish(arm.site)
        assert arm.get(poll).json() == {"status": "Succeeded"}

    def test_what_is_needed_stays_as_it_was(self, arm: Arm, server: Server) -> None:
        ended(arm, server, "j")
        model = {"name": "m", "version": "1", "path": "azureml://jobs/j/outputs/o"}
        call(arm.site, assets.create, "default", "models", model)
        answer = arm.delete(f"{JOBS}/j")
        assert answer.status_code == 409
        assert "still needed by" in answer.json()["error"]["message"]
        assert names(arm.get(JOBS)) == ["j"]

    def test_it_takes_the_right_to_delete_and_no_job_has_it(
        self, arm: Arm, server: Server
    ) -> None:
        ended(arm, server, "j")
        assert arm.as_("Reader").delete(f"{JOBS}/j").status_code == 403
        assert arm.as_job("j").delete(f"{JOBS}/j").status_code == 403
        assert names(arm.get(JOBS)) == ["j"]


class TestSweeps:
    def test_one_is_submitted_with_its_trials(self, arm: Arm, server: Server) -> None:
        trial = {
            "command": "echo ${{search_space.lr}}",
            "environmentId": f"{WS}/environments/e/versions/1",
        }
        made = put(
            arm,
            jobType="Sweep",
            trial=trial,
            searchSpace={"lr": ["choice", [[1, 2]]]},
            samplingAlgorithm={"samplingAlgorithmType": "Grid"},
            objective={"goal": "Maximize", "primaryMetric": "acc"},
            limits={"jobLimitsType": "Sweep", "maxTotalTrials": 2, "timeout": "PT1H"},
            earlyTermination={"policyType": "Bandit", "slackFactor": 0.1},
            command=None,
            environmentId=None,
        )["properties"]
        assert made["searchSpace"] == {"lr": ["choice", [[1, 2]]]}
        assert made["earlyTermination"]["policyType"] == "Bandit"
        server.settle()
        children = arm.get(f"/history/v1.0{WS}/runs/j/children").json()["value"]
        assert [one["parentRunId"] for one in children] == ["j", "j"]


class TestPipelines:
    def test_nodes_are_steps_of_components(self, arm: Arm, server: Server) -> None:
        component = {
            "type": "command",
            "name": "azureml_anonymous",
            "version": "abc",
            "command": "echo ${{inputs.lr}} > ${{outputs.m}}/x",
            "environment": "azureml:e:1",
            "inputs": {"lr": {"type": "number"}},
            "outputs": {"m": {"type": "uri_folder"}},
        }
        call(arm.site, assets.create, "default", "components", component)
        node = {
            "name": "a",
            "type": "command",
            "componentId": f"{WS}/components/azureml_anonymous/versions/abc",
            "inputs": {"lr": {"value": "${{parent.inputs.lr}}", "job_input_type": "literal"}},
            "outputs": {"m": {"value": "${{parent.outputs.final}}", "type": "literal"}},
            "_source": "BUILDER",
        }
        pipeline = {
            "jobType": "Pipeline",
            "inputs": {"lr": {"value": "0.7", "jobInputType": "literal"}},
            "outputs": {"final": {"jobOutputType": "uri_folder"}},
            "settings": {"default_compute": f"{WS}/computes/local", "_source": "DSL"},
            "jobs": {"a": node},
        }
        answer = arm.put(f"{JOBS}/p", {"properties": pipeline})
        assert answer.status_code == 201, answer.text
        shown = answer.json()["properties"]
        assert shown["jobs"]["a"]["componentId"] == node["componentId"]
        assert shown["jobs"]["a"]["outputs"] == node["outputs"]
        assert shown["settings"]["default_compute"] == f"{WS}/computes/local"
        server.settle()
        (key,) = arm.site.engine.going_on()
        arm.site.engine.end(key, Exit("ok", code=0))
        server.settle()
        server.settle()
        shown = arm.get(f"{JOBS}/p").json()["properties"]
        assert shown["status"] == "Completed"
        details = arm.get(f"/history/v1.0{WS}/runs/p/details").json()
        (path,) = details["logFiles"]
        assert path == "logs/azureml/executionlogs.txt"
        address = details["logFiles"][path].removeprefix(BASE)
        text = arm.with_(None).get(address).text
        assert "a (p_a) is Completed." in text
        assert text.splitlines()[-1].endswith("p is Completed.")


class TestForeign:
    def test_jobs_of_others_are_not_there(self, arm: Arm, other: str) -> None:
        submit(arm.site, name="mine")
        there = WS.replace("workspaces/default", f"workspaces/{other}")
        assert arm.get(f"{there}/jobs/mine").status_code == 404
        assert names(arm.get(f"{there}/jobs")) == []
