"""Jobs and their runs agree, whichever side did it: the table of contributing/tracking.md, by the
program and by MLflow's own client over HTTP."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.journeys.test_life import until
from tests.journeys.tracking import Scientist, mlflow

pytestmark = pytest.mark.slow

SLEEP = "import time; time.sleep(60)"


def job(scientist: Scientist, name: str) -> dict[str, Any]:
    return scientist.person.ok("job", "show", "-n", name)


def live(scientist: Scientist) -> str:
    """Name of a job that runs until it is ended."""
    name = scientist.submit(SLEEP)
    until(lambda: job(scientist, name)["status"] == "Running")
    return name


@pytest.fixture
def over(scientist: Scientist) -> str:
    return scientist.train("pass", experiment_name="agreement", tags={"team": "red"})


class TestLife:
    def test_a_waiting_jobs_run_is_scheduled_and_then_runs(self, scientist: Scientist) -> None:
        first = scientist.submit(SLEEP, resources={"properties": {"cpus": cores()}})
        until(lambda: job(scientist, first)["status"] == "Running")
        waiting = scientist.submit("pass", resources={"properties": {"cpus": cores()}})
        assert scientist.run(waiting).info.status == "SCHEDULED"
        running = scientist.run(first).info
        assert (running.status, running.end_time) == ("RUNNING", None)
        assert scientist.person("job", "cancel", "-n", first).code == 0
        assert scientist.end(waiting)["status"] == "Completed"
        assert scientist.run(waiting).info.status == "FINISHED"


class TestCancel:
    def test_a_cancelled_job_is_a_killed_run(self, scientist: Scientist) -> None:
        name = live(scientist)
        assert scientist.person("job", "cancel", "-n", name).code == 0
        assert scientist.end(name)["status"] == "Canceled"
        run = scientist.run(name).info
        assert run.status == "KILLED"
        assert run.end_time >= run.start_time

    def test_a_killed_run_is_a_cancelled_job(self, scientist: Scientist) -> None:
        name = live(scientist)
        scientist.client.set_terminated(name, "KILLED")
        assert scientist.end(name)["status"] == "Canceled"
        assert scientist.run(name).info.status == "KILLED"

    def test_a_run_ended_otherwise_by_somebody_leaves_the_job_running(
        self, scientist: Scientist
    ) -> None:
        name = live(scientist)
        scientist.client.set_terminated(name, "FINISHED")
        assert job(scientist, name)["status"] == "Running"
        assert scientist.person("job", "cancel", "-n", name).code == 0
        scientist.end(name)
        assert scientist.run(name).info.status == "KILLED"


class TestLater:
    def test_what_is_logged_later_is_kept_and_the_end_stays(self, scientist: Scientist) -> None:
        name = scientist.submit("raise SystemExit(1)")
        assert scientist.end(name)["status"] == "Failed"
        ended = scientist.run(name).info.end_time
        scientist.client.update_run(name, status="RUNNING")
        scientist.client.log_metric(name, "later", 1)
        scientist.client.set_terminated(name)
        run = scientist.run(name)
        assert (run.info.status, run.info.end_time) == ("FAILED", ended)
        assert run.data.metrics["later"] == 1


class TestArchive:
    def test_an_archived_job_is_a_deleted_run_and_comes_back(
        self, scientist: Scientist, over: str
    ) -> None:
        assert scientist.person("job", "archive", "-n", over).code == 0
        assert scientist.run(over).info.lifecycle_stage == "deleted"
        assert scientist.person("job", "restore", "-n", over).code == 0
        assert scientist.run(over).info.lifecycle_stage == "active"

    def test_a_deleted_run_is_an_archived_job_and_comes_back(
        self, scientist: Scientist, over: str
    ) -> None:
        scientist.client.delete_run(over)
        assert job(scientist, over)["archived"] is True
        scientist.client.restore_run(over)
        assert job(scientist, over)["archived"] is False

    def test_a_live_jobs_run_is_not_deleted(self, scientist: Scientist) -> None:
        name = live(scientist)
        with pytest.raises(mlflow().MlflowException, match="which has not ended"):
            scientist.client.delete_run(name)
        assert scientist.run(name).info.lifecycle_stage == "active"
        assert job(scientist, name)["archived"] is False
        assert scientist.person("job", "cancel", "-n", name).code == 0


class TestWords:
    def test_a_job_takes_its_run_along(self, scientist: Scientist, over: str) -> None:
        words = ("--display-name", "better", "--description", "why", "--tags", "team=blue")
        assert scientist.person("job", "update", "-n", over, *words).code == 0
        run = scientist.run(over)
        assert run.info.run_name == "better"
        assert run.data.tags["mlflow.note.content"] == "why"
        assert run.data.tags["team"] == "blue"

    def test_a_run_takes_its_job_along(self, scientist: Scientist, over: str) -> None:
        scientist.client.update_run(over, name="better")
        scientist.client.set_tag(over, "mlflow.note.content", "why")
        scientist.client.set_tag(over, "team", "blue")
        found = job(scientist, over)
        assert (found["display_name"], found["description"]) == ("better", "why")
        assert found["tags"] == {"team": "blue"}
        scientist.client.delete_tag(over, "team")
        scientist.client.delete_tag(over, "mlflow.note.content")
        found = job(scientist, over)
        assert (found["description"], found["tags"]) == (None, {})

    def test_a_name_of_many_characters_is_cut_once(self, scientist: Scientist, over: str) -> None:
        long = "n" * 300
        assert scientist.person("job", "update", "-n", over, "--display-name", long).code == 0
        scientist.client.set_tag(over, "mlflow.note.content", "why")
        assert scientist.run(over).info.run_name == long[:250]
        assert job(scientist, over)["display_name"] == long


class TestExperiment:
    def test_a_job_takes_its_run_to_another(self, scientist: Scientist, over: str) -> None:
        change = ("job", "update", "-n", over, "--set", "experiment_name=elsewhere")
        assert scientist.person(*change).code == 0
        experiment = scientist.client.get_experiment_by_name("elsewhere")
        assert scientist.run(over).info.experiment_id == experiment.experiment_id

    def test_a_deleted_one_takes_its_jobs_along_and_they_come_back(
        self, scientist: Scientist
    ) -> None:
        over = scientist.train("pass", experiment_name="short-lived")
        experiment = scientist.run(over).info.experiment_id
        scientist.client.delete_experiment(experiment)
        assert job(scientist, over)["archived"] is True
        spec = ("job", "create", "-f", "job.yml", "--experiment-name", "short-lived")
        refused = scientist.person(*spec)
        assert "The experiment 'short-lived' is deleted" in refused.err
        assert f"restore_experiment('{experiment}')" in refused.err
        scientist.client.restore_experiment(experiment)
        assert job(scientist, over)["archived"] is False


def cores() -> int:
    """All that this machine lends to jobs."""
    return os.cpu_count() or 1
