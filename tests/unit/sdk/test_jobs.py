from __future__ import annotations

import json
from pathlib import Path

import pytest

import lazur
from lazur.sdk.client import Client
from lazur.sdk.http import Http
from lazur.sdk.jobs import Jobs
from lazur.sdk.scope import Scope
from tests.unit.sdk.conftest import Stage, says

SENT = {"name": "x", "status": "Completed", "tags": {"a": "1"}, "properties": {}}


class TestCreateOrUpdate:
    def test_of_a_job_that_the_server_gave_sends_what_may_change(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        http = Http(stage.address)
        jobs = Jobs(Scope(http, "default", tmp_path))
        stage.plays(says(200, SENT))
        job = jobs.get("x")
        job.tags["b"] = "2"
        job.description = "second"
        jobs.create_or_update(job, display_name="shown")
        http.close()
        sent = stage.seen[-1]
        assert (sent.method, sent.path) == ("PATCH", "/api/v1/workspaces/default/jobs/x")
        assert json.loads(sent.body) == {
            "tags": {"a": "1", "b": "2"},
            "properties": {},
            "description": "second",
            "display_name": "shown",
        }

    def test_says_what_the_server_warns_of(
        self, stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with Client(Http(stage.address), home=tmp_path) as client:
            stage.plays(says(201, {**SENT, "warnings": ["`comput` is not a known field."]}))
            client.jobs.create_or_update(lazur.command(command="true", environment="azureml:e:1"))
        assert caplog.messages == ["`comput` is not a known field."]

    def test_takes_a_sweep(self, stage: Stage, tmp_path: Path) -> None:
        job = lazur.command(command="echo ${{inputs.x}}", environment="azureml:e:1")
        sweep = job(x=lazur.Choice([1, 2])).sweep(primary_metric="m", goal="minimize")
        with Client(Http(stage.address), workspace="default", home=tmp_path) as client:
            stage.plays(says(201, SENT))
            assert client.create_or_update(sweep).name == "x"
        sent = stage.seen[-1]
        assert (sent.method, sent.path) == ("POST", "/api/v1/workspaces/default/jobs")
        body = json.loads(sent.body)
        assert (body["type"], body["search_space"]["x"]["values"]) == ("sweep", [1, 2])
