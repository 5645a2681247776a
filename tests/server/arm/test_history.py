"""The run history on Azure's wire: streams of logs, and notes of jobs."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine.plan import Exit
from tests.server.arm.conftest import BASE, WS, Arm
from tests.site import Clock, Server, submit

HISTORY = f"/history/v1.0{WS}"
RUN = f"{HISTORY}/runs/j"


def details(arm: Arm, run: str = RUN) -> dict[str, Any]:
    answer = arm.get(f"{run}/details")
    assert answer.status_code == 200, answer.text
    return answer.json()


def run_and_end(arm: Arm, server: Server, end: Exit | None = None) -> None:
    submit(arm.site, name="j", experiment_name="exp")
    server.settle()
    folder = arm.site.home.artifacts("default", "j") / "user_logs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "std_log.txt").write_text("one\ntwo\n")
    (key,) = arm.site.engine.going_on()
    arm.site.engine.end(key, end)
    server.settle()


class TestStreams:
    def test_the_end_is_kept_back_once_from_who_comes_after_it(
        self, arm: Arm, server: Server
    ) -> None:
        run_and_end(arm, server)
        assert details(arm)["status"] == "Finalizing"
        assert details(arm)["status"] == "Completed"
        assert details(arm)["status"] == "Completed"
        assert details(arm.as_("Reader"))["status"] == "Finalizing"

    def test_who_followed_it_all_along_is_told_at_once(self, arm: Arm, server: Server) -> None:
        submit(arm.site, name="j")
        assert details(arm)["status"] in ("NotStarted", "Preparing", "Queued")
        server.settle()
        (key,) = arm.site.engine.going_on()
        arm.site.engine.end(key)
        server.settle()
        assert details(arm)["status"] == "Completed"

    def test_of_an_old_job_nothing_is_kept_back(
        self, arm: Arm, server: Server, clock: Clock
    ) -> None:
        run_and_end(arm, server)
        clock.time += 700
        assert details(arm)["status"] == "Completed"

    def test_who_streams_it_a_second_time_sees_the_log_again(
        self, arm: Arm, server: Server, clock: Clock
    ) -> None:
        run_and_end(arm, server)
        assert [details(arm)["status"] for _ in range(2)] == ["Finalizing", "Completed"]
        clock.time += 60
        assert [details(arm)["status"] for _ in range(2)] == ["Finalizing", "Completed"]

    def test_logs_have_addresses_that_open_by_themselves(self, arm: Arm, server: Server) -> None:
        run_and_end(arm, server)
        (url,) = details(arm)["logFiles"].values()
        assert url.startswith(f"{BASE}/_blob/default/workspaceartifactstore/ExperimentRun/dcid.j/")
        answer = arm.with_(None).get(url.removeprefix(BASE))
        assert (answer.status_code, answer.text) == (200, "one\ntwo\n")

    def test_an_address_opens_nothing_else(self, arm: Arm, server: Server) -> None:
        run_and_end(arm, server)
        (url,) = details(arm)["logFiles"].values()
        query = url.partition("?")[2]
        nobody = arm.with_(None)
        submit(arm.site, name="k")
        for path in (
            "/_blob/default/workspaceartifactstore/ExperimentRun/dcid.k/user_logs/std_log.txt",
            "/_blob/default/workspaceartifactstore/ExperimentRun/dcid.j/outputs/x",
            "/_blob/default/~joblogs/j/executionlogs.txt",
            "/_blob/default/~joblogs/k/executionlogs.txt",
        ):
            assert nobody.get(f"{path}?{query}").status_code == 403, path

    def test_a_failure_says_why(self, arm: Arm, server: Server) -> None:
        run_and_end(arm, server, Exit("exit", code=3))
        details(arm)
        told = details(arm)
        assert told["status"] == "Failed"
        assert "3" in told["error"]["error"]["message"]

    @pytest.mark.parametrize("by", ["experiments/exp", "experimentids/some"])
    def test_a_run_is_found_by_its_experiment_too(self, arm: Arm, by: str) -> None:
        submit(arm.site, name="j")
        assert details(arm, f"{HISTORY}/{by}/runs/j")["runId"] == "j"
        assert arm.get(f"{HISTORY}/{by}/runs/j").json()["runId"] == "j"
        assert arm.get(f"{HISTORY}/experiments/e/runs/j/children").json() == {"value": []}


class TestNotes:
    def test_they_are_changed_and_tags_are_added(self, arm: Arm) -> None:
        submit(arm.site, name="j", tags={"a": "1"})
        path = f"{HISTORY}/experiments/Default/runs/j"
        found = arm.patch(path, {"tags": {"b": "2"}, "displayName": "D"}).json()
        assert (found["tags"], found["displayName"]) == ({"a": "1", "b": "2"}, "D")
        assert arm.patch(path, {"hidden": True}).json()["hidden"]
        assert not arm.patch(f"{HISTORY}/experimentids/x/runs/j", {"hidden": False}).json()[
            "hidden"
        ]
        assert arm.get(RUN).json()["tags"] == {"a": "1", "b": "2"}

    def test_the_same_again_is_no_change(self, arm: Arm) -> None:
        submit(arm.site, name="j", tags={"a": "1"})
        before = arm.get(RUN).json()["lastModifiedUtc"]
        assert arm.patch(RUN, {"tags": {"a": "1"}}).json()["lastModifiedUtc"] == before


class TestData:
    def test_outputs_have_ids(self, arm: Arm) -> None:
        submit(arm.site, name="j", outputs={"o": {"type": "uri_file"}})
        found = arm.post(f"{HISTORY}/rundata", {"runId": "j"}).json()["runMetadata"]
        assert found["outputs"] == {
            "o": {"assetId": "azureml://jobs/j/outputs/o", "type": "uri_file"}
        }
        older = {"User-Agent": "azure-ai-ml/1.33.0 azsdk-python-mgmt"}
        asked = arm.post(f"{HISTORY}/rundata", {"runId": "j"}, headers=older).json()
        assert asked["runMetadata"]["outputs"]["o"]["type"] == "UriFile"
        assert arm.post(f"{HISTORY}/rundata", {}).status_code == 400
        assert arm.post(f"{HISTORY}/rundata", {"runId": "k"}).status_code == 404

    def test_services_are_shown(self, arm: Arm) -> None:
        submit(arm.site, name="j")
        found = arm.get(f"{RUN}/serviceinstances/0").json()["instances"]
        assert found["Studio"]["status"] == "Running"
