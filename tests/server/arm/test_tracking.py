"""Experiments, runs that are no jobs, metrics and files on Azure's wire."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.services.tracking import runs, trash
from tests.server.arm.conftest import BASE, WS, Arm
from tests.services.tracked import Tracked
from tests.site import call, submit

HISTORY = f"/history/v1.0{WS}"
EXPERIMENT = f"{HISTORY}/experiments/Default"


@pytest.fixture
def tracked(arm: Arm) -> Tracked:
    return Tracked(arm.site)


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def query(arm: Arm, where: str = EXPERIMENT, **asked: Any) -> list[str]:
    return [one["runId"] for one in ok(arm.post(f"{where}/runs:query", asked))["value"]]


class TestExperiments:
    def test_what_is_made_is_there_and_once(self, arm: Arm) -> None:
        made = ok(arm.post(f"{HISTORY}/experiments/tries"))
        assert made["name"] == "tries"
        assert ok(arm.post(f"{HISTORY}/experiments/tries")) == made
        by_id = f"{HISTORY}/experimentids/{made['experimentId']}"
        assert ok(arm.get(by_id)) == made == ok(arm.get(f"{HISTORY}/experiments/tries"))
        assert arm.get(f"{HISTORY}/experiments/none").status_code == 404
        assert arm.get(f"{HISTORY}/experimentids/none").status_code == 404

    def test_names_that_differ_by_case_are_two(self, arm: Arm) -> None:
        ids = {ok(arm.post(f"{HISTORY}/experiments/{n}"))["experimentId"] for n in ("Aa", "aA")}
        assert len(ids) == 2

    def test_they_are_listed_and_searched(self, arm: Arm) -> None:
        for name in ("a", "b", "c"):
            ok(arm.post(f"{HISTORY}/experiments/{name}"))
        listed = ok(arm.get(f"{HISTORY}/experiments"))["value"]
        assert {one["name"] for one in listed} == {"Default", "a", "b", "c"}
        page = ok(arm.get(f"{HISTORY}/experiments?$top=3"))
        assert len(page["value"]) == 3
        assert len(ok(arm.get(page["nextLink"].removeprefix(BASE)))["value"]) == 1
        first = ok(arm.post(f"{HISTORY}/experiments:query", {"top": 3}))
        rest = {"top": 3, "continuationToken": first["continuationToken"]}
        last = ok(arm.post(f"{HISTORY}/experiments:query", rest))
        assert len(first["value"]) == 3
        assert len(last["value"]) == 1
        assert last["continuationToken"] is None
        asked = {"filter": "name eq 'b' or startswith(name, 'De')"}
        found = ok(arm.post(f"{HISTORY}/experiments:query", asked))["value"]
        assert {one["name"] for one in found} == {"b", "Default"}

    def test_they_are_noted_archived_and_come_back(self, arm: Arm) -> None:
        made = ok(arm.post(f"{HISTORY}/experiments/tries"))
        path = f"{HISTORY}/experimentids/{made['experimentId']}"
        noted = ok(arm.patch(path, {"description": "d", "tags": {"a": "1"}}))
        assert (noted["description"], noted["tags"]) == ("d", {"a": "1"})
        assert ok(arm.patch(path, {"archive": True}))["archivedTime"]
        asked = {"viewType": "ArchivedOnly"}
        found = ok(arm.post(f"{HISTORY}/experiments:query", asked))["value"]
        assert [one["name"] for one in found] == ["tries"]
        assert ok(arm.patch(path, {"archive": False}))["archivedTime"] is None
        assert ok(arm.delete(path))["archivedTime"]

    def test_one_keeps_its_name(self, arm: Arm) -> None:
        made = ok(arm.post(f"{HISTORY}/experiments/tries"))
        path = f"{HISTORY}/experimentids/{made['experimentId']}"
        refused = arm.patch(path, {"name": "other", "description": "d"})
        assert refused.status_code == 501
        assert "rename_experiment" in refused.json()["error"]["message"]
        assert ok(arm.get(path)) == made
        assert ok(arm.patch(path, {"name": "tries", "description": "d"}))["description"] == "d"


class TestRuns:
    def test_one_that_is_no_job_is_shown(self, arm: Arm, tracked: Tracked) -> None:
        run = tracked.run("mine", params={"lr": "1"}, tags={"team": "risk"})
        for path in (f"{HISTORY}/runs/{run}", f"{EXPERIMENT}/runs/{run}"):
            found = ok(arm.get(path))
            assert (found["runId"], found["displayName"]) == (run, "mine")
            assert (found["status"], found["parameters"]) == ("Completed", {"lr": "1"})
            assert found["tags"] == {"team": "risk"}
            assert found["duration"] == "00:00:02.0000000"
        assert ok(arm.get(f"{HISTORY}/runs/{run}/details"))["logFiles"] == {}
        data = ok(arm.post(f"{HISTORY}/rundata", {"runId": run}))
        assert data["runMetadata"]["runId"] == run
        assert arm.get(f"{HISTORY}/runs/none").status_code == 404

    def test_it_is_changed(self, arm: Arm, tracked: Tracked) -> None:
        run = tracked.run("mine", tags={"a": "1", "b": "2"})
        path = f"{HISTORY}/runs/{run}"
        body = {"displayName": "new", "description": "d", "tags": {"c": "3"}, "properties": {}}
        found = ok(arm.patch(path, body))
        assert (found["displayName"], found["description"]) == ("new", "d")
        assert found["tags"] == {"a": "1", "b": "2", "c": "3"}
        assert call(arm.site, runs.get, "default", run, write=False)["name"] == "new"
        assert ok(arm.request("DELETE", f"{path}/tags", json=["a"]))["tags"] == {
            "b": "2",
            "c": "3",
        }
        by_name = f"{EXPERIMENT}/runs/{run}/tags"
        changes = {"tagsToModify": {"d": "4"}, "tagsToDelete": ["b"]}
        assert ok(arm.patch(by_name, changes))["tags"] == {"c": "3", "d": "4"}
        assert ok(arm.request("DELETE", by_name, json=["d"]))["tags"] == {"c": "3"}
        assert ok(arm.patch(path, {"hidden": True}))["hidden"]
        assert not ok(arm.patch(path, {"hidden": False}))["hidden"]

    def test_properties_are_a_jobs(self, arm: Arm, tracked: Tracked) -> None:
        refused = arm.patch(f"{HISTORY}/runs/{tracked.run()}", {"properties": {"a": "1"}})
        assert refused.status_code == 400
        assert "tags" in refused.json()["error"]["message"]

    def test_what_no_table_holds_is_refused(self, arm: Arm, tracked: Tracked) -> None:
        path = f"{HISTORY}/runs/{tracked.run()}"
        for tags in ({"k" * 251: "1"}, {"": "1"}, {"a": "\0"}, {"mlflow.parentRunId": "x"}, []):
            answer = arm.patch(path, {"tags": tags})
            assert answer.status_code in (200, 400) if tags == [] else answer.status_code == 400
        assert arm.request("DELETE", f"{path}/tags", json={"a": 1}).status_code == 400
        assert arm.patch(f"{EXPERIMENT}/runs/x/tags", {"tagsToModify": 3}).status_code == 400

    def test_tags_of_a_job_are_removed(self, arm: Arm) -> None:
        submit(arm.site, name="j", tags={"a": "1", "b": "2"})
        found = ok(arm.request("DELETE", f"{HISTORY}/runs/j/tags", json=["a"]))
        assert found["tags"] == {"b": "2"}

    def test_children_are_found(self, arm: Arm, tracked: Tracked) -> None:
        parent = tracked.run()
        child = tracked.run(tags={"mlflow.parentRunId": parent})
        for where in (f"{HISTORY}", EXPERIMENT, f"{HISTORY}/experimentids/x"):
            found = ok(arm.get(f"{where}/runs/{parent}/children"))["value"]
            assert [(one["runId"], one["parentRunId"]) for one in found] == [(child, parent)]

    def test_several_are_told_with_what_is_missing(self, arm: Arm, tracked: Tracked) -> None:
        run = tracked.run()
        found = ok(arm.post(f"{EXPERIMENT}/runs/runIds", {"runIds": [run, "none"]}))
        assert list(found["runs"]) == [run]
        assert found["errors"]["none"]["error"]["code"] == "ResourceNotFound"
        assert arm.post(f"{EXPERIMENT}/runs/runIds", {"runIds": [3]}).status_code == 400


class TestSearch:
    def test_the_newest_come_first_page_by_page(self, arm: Arm, tracked: Tracked) -> None:
        made = [tracked.run(start=1_699_999_000.0 + n) for n in range(5)]
        first = ok(arm.post(f"{EXPERIMENT}/runs:query", {"top": 3}))
        assert [one["runId"] for one in first["value"]] == made[:1:-1]
        rest = query(arm, top=3, continuationToken=first["continuationToken"])
        assert rest == made[1::-1]
        assert query(arm, orderBy="startTimeUtc asc") == made
        assert arm.post(f"{EXPERIMENT}/runs:query", {"orderBy": "x"}).status_code == 400
        assert arm.post(f"{EXPERIMENT}/runs:query", {"continuationToken": "x"}).status_code == 400

    def test_a_filter_chooses(self, arm: Arm, tracked: Tracked) -> None:
        old = tracked.run("old", start=1_600_000_000.0, tags={"team": "risk"})
        new = tracked.run("new", start=1_699_999_000.0)
        submit(arm.site, name="j", properties={"p": "1"})
        assert query(
            arm, filter="status eq 'Completed' and endTimeUtc ge 2023-01-01T00:00:00Z"
        ) == [new]
        assert query(arm, filter="tags/team eq 'risk'") == [old]
        assert query(arm, filter="properties/p eq '1'") == ["j"]
        assert query(arm, filter="status eq 'NotStarted' or status eq 'Queued'") == ["j"]
        assert arm.post(f"{EXPERIMENT}/runs:query", {"filter": "status is"}).status_code == 400

    def test_it_goes_on_where_it_has_looked_at_enough(
        self, arm: Arm, tracked: Tracked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lazur.server.arm.dataplane.run_lists._LOOKED_AT", 2)
        wanted = tracked.run("wanted", start=1_600_000_000.0)
        for _ in range(3):
            tracked.run("other")
        asked: dict[str, Any] = {"filter": "displayName eq 'wanted'"}
        found: list[str] = []
        for _ in range(3):
            page = ok(arm.post(f"{EXPERIMENT}/runs:query", asked))
            found += [one["runId"] for one in page["value"]]
            if not page["continuationToken"]:
                break
            asked["continuationToken"] = page["continuationToken"]
        assert found == [wanted]

    def test_hidden_ones_are_found_where_they_are_asked_for(
        self, arm: Arm, tracked: Tracked
    ) -> None:
        run = tracked.run()
        call(arm.site, trash.delete, "default", {"runs": [run]})
        assert query(arm) == []
        assert query(arm, filter="hidden eq true") == [run]

    def test_by_the_id_of_the_experiment(self, arm: Arm, tracked: Tracked) -> None:
        run = tracked.run()
        number = ok(arm.get(EXPERIMENT))["experimentId"]
        assert query(arm, f"{HISTORY}/experimentids/{number}") == [run]
        assert arm.post(f"{HISTORY}/experimentids/x/runs:query", {}).status_code == 404


class TestMetrics:
    def test_names_last_values_and_every_point(self, arm: Arm, tracked: Tracked) -> None:
        run = tracked.run(metrics={"loss": [3.0, 2.0, float("nan")], "auc": [0.5]})
        metric = f"/metric/v2.0{WS}/runs/{run}"
        names = [one["metricKey"]["name"] for one in ok(arm.post(f"{metric}/list", {}))["value"]]
        assert names == ["auc", "loss"]
        last = ok(arm.post(f"{metric}/lastvalues", {}))["value"]
        told = {one["name"]: one["value"][0]["data"][one["name"]] for one in last}
        assert told == {"auc": 0.5, "loss": "NaN"}
        full = ok(arm.post(f"{metric}/full", {"metricName": "loss"}))
        assert full["columns"] == {"loss": "Double"}
        assert [(p["step"], p["data"]["loss"]) for p in full["value"]] == [
            (0, 3.0),
            (1, 2.0),
            (2, "NaN"),
        ]
        assert full["value"][0]["createdUtc"] == "2023-11-14T21:56:40.000000Z"
        assert full["continuationToken"] is None

    def test_a_long_one_comes_in_pages(
        self, arm: Arm, tracked: Tracked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lazur.server.arm.dataplane.metrics._PAGE", 2)
        run = tracked.run(metrics={"loss": [3.0, 2.0, 1.0]})
        path, asked = f"/metric/v2.0{WS}/runs/{run}/full", {"metricName": "loss"}
        first = ok(arm.post(path, asked))
        last = ok(arm.post(path, {**asked, "continuationToken": first["continuationToken"]}))
        assert [len(first["value"]), len(last["value"])] == [2, 1]

    def test_what_is_missing_is_told(self, arm: Arm, tracked: Tracked) -> None:
        path = f"/metric/v2.0{WS}/runs/{tracked.run()}/full"
        assert arm.post(path, {}).status_code == 400
        assert arm.post(path, {"metricName": "x"}).status_code == 404
        assert arm.post(path, {"metricName": "x", "continuationToken": 3}).status_code == 400


class TestFiles:
    @pytest.fixture
    def run(self, tracked: Tracked) -> str:
        return tracked.run(files={"a/b.txt": b"1", "a/c d.txt": b"2", "e.txt": b"3"})

    def test_they_are_listed(self, arm: Arm, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
        top = f"{EXPERIMENT}/runs/{run}/artifacts"
        listed = ok(arm.get(top))["value"]
        assert [one["path"] for one in listed] == ["a/b.txt", "a/c d.txt", "e.txt"]
        below = ok(arm.get(f"{top}/path", params={"path": "a"}))["value"]
        assert [one["path"] for one in below] == ["a/b.txt", "a/c d.txt"]
        one = ok(arm.get(f"{top}/metadata", params={"path": "e.txt"}))
        assert one["artifactId"] == f"ExperimentRun/dcid.{run}/e.txt"
        monkeypatch.setattr("lazur.server.arm.dataplane.artifacts._PAGE", 2)
        first = ok(arm.get(top))
        rest = ok(arm.get(top, params={"continuationToken": first["continuationToken"]}))
        assert [one["path"] for one in rest["value"]] == ["e.txt"]
        assert (rest["continuationToken"], rest["nextLink"]) == (None, None)
        assert ok(arm.get(first["nextLink"].removeprefix(BASE))) == rest

    def test_an_address_opens_its_file_and_no_other(self, arm: Arm, run: str) -> None:
        top = f"{HISTORY}/experimentids/x/runs/{run}/artifacts"
        url = ok(arm.get(f"{top}/contentinfo", params={"path": "a/c d.txt"}))["contentUri"]
        assert url.startswith(f"{BASE}/_blob/default/workspaceartifactstore/")
        nobody = arm.with_(None)
        assert nobody.get(url.removeprefix(BASE)).content == b"2"
        other = url.removeprefix(BASE).replace("a/c%20d.txt", "a/b.txt")
        assert other != url.removeprefix(BASE)
        assert nobody.get(other).status_code == 403
        several = ok(arm.get(f"{top}/prefix/contentinfo", params={"path": "a/"}))["value"]
        contents = [nobody.get(one["contentUri"].removeprefix(BASE)).content for one in several]
        assert contents == [b"1", b"2"]

    @pytest.mark.parametrize("path", ["", "a", "none", "../x", "/etc/passwd", "a/../e.txt"])
    def test_what_is_not_there_has_none(self, arm: Arm, run: str, path: str) -> None:
        top = f"{EXPERIMENT}/runs/{run}/artifacts"
        for verb in ("contentinfo", "metadata"):
            answer = arm.get(f"{top}/{verb}", params={"path": path})
            assert answer.status_code == 404, (verb, answer.text)

    def test_half_of_them_are_not_given_for_all(
        self, arm: Arm, run: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lazur.services.tracking.run_files._MOST", 2)
        top = f"{EXPERIMENT}/runs/{run}/artifacts"
        assert arm.get(top).status_code == 413
        assert ok(arm.get(f"{top}/metadata", params={"path": "e.txt"}))["path"] == "e.txt"

    def test_files_that_lie_elsewhere_are_told(self, arm: Arm, tracked: Tracked) -> None:
        run = tracked.run(artifact_uri="s3://bucket/x")
        answer = arm.get(f"{EXPERIMENT}/runs/{run}/artifacts")
        assert answer.status_code == 404
        assert "s3://bucket/x" in answer.text
