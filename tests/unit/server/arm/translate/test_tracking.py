from __future__ import annotations

from typing import Any

from lazur.server.arm.translate import tracking

VIEW: dict[str, Any] = {
    "id": "r1",
    "job": None,
    "name": "mine",
    "user": "ann",
    "description": None,
    "status": "KILLED",
    "experiment_name": "tries",
    "parent": "p1",
    "deleted": False,
    "started_at": "2026-01-31T10:00:00.000000Z",
    "ended_at": None,
    "duration": 3.0,
    "tags": {"mlflow.rootRunId": "top", "lazur.import.run": "x", "team": "risk"},
    "params": {"lr": "1"},
}


class TestRun:
    def test_it_is_told_in_azures_words(self) -> None:
        found = tracking.run(VIEW, "e1")
        assert (found["status"], found["tags"]) == ("Canceled", {"team": "risk"})
        assert (found["parentRunId"], found["rootRunId"]) == ("p1", "top")
        assert "duration" not in found
        assert {
            key.lower() for key in {**found, "endTimeUtc": 0, "startTimeUtc": 0}
        } >= tracking.LIGHT

    def test_a_root_is_its_own(self) -> None:
        found = tracking.run({**VIEW, "parent": None, "tags": {}}, "e1")
        assert found["rootRunId"] == "r1"
        assert "parentRunId" not in found


class TestMetric:
    def test_a_time_that_is_none_is_left_out(self) -> None:
        point = {"step": 1, "timestamp": 1 << 62, "value": 0.5}
        (told,) = tracking.metric("r1", "loss", [point])["value"]
        assert told["createdUtc"] is None
        assert told["data"] == {"loss": 0.5}


class TestExperiment:
    def test_changes_are_ours(self) -> None:
        body = {"description": "d", "tags": {"a": 1}, "name": "x"}
        assert tracking.experiment_changes(body) == {"description": "d", "tags": {"a": "1"}}
        assert tracking.experiment_changes({"tags": 3}) == {"tags": 3}
        assert tracking.experiment_changes({}) == {}

    def test_one_that_is_archived_says_when(self) -> None:
        view = {"name": "tries", "archived": True, "updated_at": "then", "tags": {"mlflow.x": "1"}}
        found = tracking.experiment(view, "e1")
        assert (found["archivedTime"], found["tags"]) == ("then", {})
        assert tracking.experiment({"name": "tries"}, "e1")["archivedTime"] is None


class TestDetails:
    def test_a_run_that_is_no_job_has_no_log(self) -> None:
        found = tracking.details(VIEW, "e1")
        assert (found["logFiles"], found["warnings"]) == ({}, [])
        assert "dataContainerId" not in found


class TestPages:
    def test_a_metric_is_named_with_its_column(self) -> None:
        page = tracking.page([tracking.definition("loss")], "t", "link")
        assert (page["continuationToken"], page["nextLink"]) == ("t", "link")
        assert page["value"][0]["metricKey"]["columnNames"] == ["loss"]

    def test_a_file_is_named_with_its_run(self) -> None:
        found = tracking.artifact("r1", "a/b.txt", "then")
        assert found["artifactId"] == "ExperimentRun/dcid.r1/a/b.txt"
        content = tracking.content("r1", "a/b.txt", "https://x")
        assert (content["contentUri"], content["container"]) == ("https://x", "dcid.r1")
