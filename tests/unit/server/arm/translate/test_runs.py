"""Jobs as the run history shows them."""

from __future__ import annotations

from typing import Any

from lazur.server.arm.translate import runs
from tests.unit.server.arm.translate.test_jobs import VIEW

AT = "2026-01-01T00:00:0{}.000000Z"
PIPELINE: dict[str, Any] = {
    **VIEW,
    "type": "pipeline",
    "name": "p",
    "status": "Failed",
    "ended_at": AT.format(9),
    "steps": [
        {"name": "a", "job": "p_a", "status": "Completed", "started_at": AT.format(1),
         "ended_at": AT.format(1), "reused_from": "old", "error": None},
        {"name": "b", "job": "p_b", "status": "Failed", "started_at": AT.format(2),
         "ended_at": AT.format(8), "error": {"message": "Exit code 1."}},
        {"name": "c", "job": None, "status": "NotRun", "started_at": None, "ended_at": None},
    ],
}  # fmt: skip


class TestRuns:
    def test_a_run_is_its_job(self) -> None:
        found = runs.run({**VIEW, "duration": 93784.5, "parent_job_name": "p"}, "experiment")
        assert found["runId"] == "j"
        assert found["dataContainerId"] == "dcid.j"
        assert found["parentRunId"] == found["rootRunId"] == "p"
        assert found["duration"] == "1.02:03:04.5000000"
        assert found["createdBy"]["userName"] == "ann"
        assert found["hidden"]

    def test_outputs_are_named_so_that_they_can_be_resolved(self) -> None:
        outputs = {
            "o": {"type": "uri_folder"},
            "m": {"type": "mlflow_model"},
            "default": {"type": "uri_folder"},
        }
        found = runs.data({**VIEW, "outputs": outputs}, "e")["runMetadata"]["outputs"]
        assert found == {
            "o": {"assetId": "azureml://jobs/j/outputs/o", "type": "uri_folder"},
            "m": {"assetId": "azureml://jobs/j/outputs/m", "type": "uri_folder"},
        }

        old = runs.data({**VIEW, "outputs": outputs}, "e", old=True)["runMetadata"]["outputs"]
        assert [body["type"] for body in old.values()] == ["UriFolder", "UriFolder"]

    def test_details_have_logs_warnings_and_the_status_that_is_told(self) -> None:
        view = {**VIEW, "warnings": ["beware"], "duration": 2.0}
        found = runs.details(view, "e", {"user_logs/std_log.txt": "https://x"}, "Finalizing")
        assert found["status"] == "Finalizing"
        assert found["logFiles"] == {"user_logs/std_log.txt": "https://x"}
        assert found["warnings"] == [{"source": "Lazur", "message": "beware"}]
        assert found["duration"] == "00:00:02.0000000"
        assert "error" not in found

    def test_an_error_says_what_to_do_next(self) -> None:
        error = {"code": "X", "message": "It failed.", "hint": "Look."}
        found = runs.run({**VIEW, "error": error}, "e")["error"]["error"]
        assert found["message"] == "It failed. Look."
        assert found["innerError"]["code"] == "X"
        found = runs.run({**VIEW, "error": {"reason": "exit", "code": 3}}, "e")["error"]["error"]
        assert found["message"] == "The command ended with exit code 3."
        found = runs.run({**VIEW, "error": {"reason": "lost"}}, "e")["error"]["error"]
        assert found["message"] == "The job failed: lost."

    def test_changes_are_what_the_service_calls_them(self) -> None:
        body = {"displayName": "d", "hidden": False, "tags": {"a": 1}, "description": None}
        expected = {"display_name": "d", "archived": False, "tags": {"a": "1"}}
        assert runs.changes(body) == expected


class TestSummaries:
    def test_steps_are_told_in_the_order_in_which_it_happened(self) -> None:
        assert runs.summary(PIPELINE).splitlines() == [
            f"[{AT.format(1)}] a (p_a) began, as it was in old.",
            f"[{AT.format(1)}] a (p_a) is Completed.",
            f"[{AT.format(2)}] b (p_b) began.",
            f"[{AT.format(8)}] b (p_b) is Failed: Exit code 1.",
            f"[{AT.format(9)}] p is Failed.",
        ]

    def test_while_it_runs_there_is_no_last_line(self) -> None:
        assert not runs.summary({**PIPELINE, "ended_at": None}).endswith("p is Failed.\n")

    def test_they_have_the_names_that_the_client_looks_for(self) -> None:
        assert runs.summary_name("pipeline") == "logs/azureml/executionlogs.txt"
        assert runs.summary_name("sweep") == "azureml-logs/hyperdrive.txt"
        assert runs.summary_name("command") is None
