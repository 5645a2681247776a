"""What a job's token may write, in every write that the lane knows, and what follows for the job
whose run was written to."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lazur.engine.plan import Exit
from lazur.errors import Conflict, Forbidden
from lazur.server.mlflow import lane
from lazur.server.mlflow.call import Call, Space
from lazur.services.base.access import Principal
from lazur.store.queue import WriteQueue
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import OWNER, Clock, Server, open_site, submit

MINE = Principal.of_job("default", "mine")
PARENT, CHILD, SIBLING, STRANGER, FREE = "parent", "child", "sibling", "stranger", "free"
TAGS = [{"key": "t", "value": "1"}]
DATA = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
MODEL = (
    '{"run_id": "r", "artifact_path": "a", "utc_time_created": "2026-01-01 00:00:00",'
    ' "flavors": {"f": {}}}'
)
WRITES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "2.0/mlflow/runs/update"): {"status": "FINISHED"},
    ("POST", "2.0/mlflow/runs/log-metric"): {"key": "m", "value": 1, "timestamp": 1},
    ("POST", "2.0/mlflow/runs/log-parameter"): {"key": "p", "value": "1"},
    ("POST", "2.0/mlflow/runs/set-tag"): TAGS[0],
    ("POST", "2.0/mlflow/runs/delete-tag"): {"key": "there"},
    ("POST", "2.0/mlflow/runs/log-batch"): {"tags": TAGS},
    ("POST", "2.0/mlflow/runs/log-inputs"): {"datasets": [{"dataset": DATA}]},
    ("POST", "2.0/mlflow/runs/outputs"): {"models": [{"model_id": "m-1"}]},
    ("POST", "2.0/mlflow/runs/log-model"): {"model_json": MODEL},
    ("POST", "2.0/mlflow/runs/restore"): {},
}
"""Those that every run takes; what they carry beside its id."""
ENDS: dict[tuple[str, str], dict[str, Any]] = {("POST", "2.0/mlflow/runs/delete"): {}}
OF_MODELS: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "2.0/mlflow/logged-models/*"): {"status": "LOGGED_MODEL_READY"},
    ("POST", "2.0/mlflow/logged-models/*/params"): {"params": TAGS},
    ("PATCH", "2.0/mlflow/logged-models/*/tags"): {"tags": TAGS},
}
OF_HISTORY = ("PATCH", "/experimentids/*/runs/*")
NAMES_A_RUN = {("POST", "2.0/mlflow/logged-models")}
NAMES_NONE = {
    ("POST", "2.0/mlflow/runs/create"),
    ("POST", "2.0/mlflow/runs/search"),
    ("POST", "2.0/mlflow/experiments/create"),
    ("POST", "2.0/mlflow/experiments/search"),
    ("POST", "2.0/mlflow/experiments/set-experiment-tag"),
}


class Lane:
    """Runs of jobs: mine, my parent's, my child's, my parent's other child's, a stranger's; and
    one that no job has."""

    def __init__(self, server: Server, queue: WriteQueue) -> None:
        self.server = server
        self.site = server.site
        self._queue = queue

    def ask(
        self, method: str, path: str, body: Any = None, who: Principal = OWNER, query: str = ""
    ) -> lane.Answer:
        call = Call(
            site=self.site,
            queue=self._queue,
            who=who,
            space=Space(1, "default", "ws-1"),
            method=method,
            path=path,
            query=query.encode(),
            body=b"" if body is None else json.dumps(body).encode(),
        )
        answer = asyncio.run(lane.answer(call))
        assert answer is not None, f"the lane left {method} {path} to upstream"
        return answer

    def post(self, path: str, who: Principal = OWNER, **body: Any) -> Any:
        answer = self.ask("POST", f"2.0/mlflow/{path}", body, who)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def told(self, run: str) -> Any:
        return json.loads(self.ask("GET", "2.0/mlflow/runs/get", query=f"run_id={run}").body)[
            "run"
        ]

    def model_of(self, run: str) -> str:
        experiment = self.told(run)["info"]["experiment_id"]
        made = self.post("logged-models", experiment_id=experiment, source_run_id=run)
        return made["model"]["info"]["model_id"]


@pytest.fixture
def jobs(ready_database_url: str, tmp_path: Path) -> Iterator[Lane]:
    site = open_site(tmp_path, ready_database_url, Engine(Clock(time.time())), FakeBuilder("/env"))
    queue = WriteQueue(site.db)
    made = Lane(Server(site), queue)
    for name in (PARENT, "mine", CHILD, SIBLING, STRANGER):
        submit(site, name=name)
    with site.db.write() as db:
        for name, parent in (("mine", PARENT), (SIBLING, PARENT), (CHILD, "mine")):
            db.execute(
                text(
                    "UPDATE lazur_jobs SET parent_id ="
                    " (SELECT id FROM lazur_jobs WHERE name = :parent) WHERE name = :name"
                ),
                {"name": name, "parent": parent},
            )
        db.execute(
            text(
                "INSERT INTO runs (run_uuid, name, user_id, status, start_time, lifecycle_stage,"
                " artifact_uri, experiment_id)"
                " SELECT 'free', 'free', 'ann', 'RUNNING', 1, 'active', '', experiment_id"
                " FROM runs WHERE run_uuid = 'mine'"
            )
        )
        db.execute(
            text("INSERT INTO tags (key, value, run_uuid) SELECT 'there', '1', run_uuid FROM runs")
        )
    yield made
    queue.stop()
    site.db.close()


class TestRights:
    def test_every_write_of_the_lane_is_looked_at_here(self) -> None:
        known = {*WRITES, *ENDS, *OF_MODELS, OF_HISTORY, *NAMES_A_RUN, *NAMES_NONE}
        assert {route for route in lane.ROUTES if route[0] != "GET"} - known == set()

    @pytest.mark.parametrize("run", [STRANGER, SIBLING])
    def test_another_jobs_run_is_not_written_to(self, jobs: Lane, run: str) -> None:
        before = jobs.told(run)
        for (method, path), more in {**WRITES, **ENDS}.items():
            with pytest.raises(Forbidden):
                jobs.ask(method, path, {"run_id": run, **more}, MINE)
        assert jobs.told(run) == before

    @pytest.mark.parametrize("run", ["mine", PARENT, CHILD, FREE])
    def test_its_own_its_familys_and_nobodys_are(self, jobs: Lane, run: str) -> None:
        for (method, path), more in WRITES.items():
            assert jobs.ask(method, path, {"run_id": run, **more}, MINE).status == 200, path

    def test_properties_are_told_to_its_own_run_alone(self, jobs: Lane) -> None:
        asked = {"runId": "mine", "properties": {"output": "5", "list": [1]}}
        answer = jobs.ask("PATCH", "/experimentids/1/runs/mine", asked, MINE)
        assert json.loads(answer.body) == asked
        tags = {tag["key"]: tag["value"] for tag in jobs.told("mine")["data"]["tags"]}
        assert (tags["output"], tags["list"]) == ("5", "[1]")
        with pytest.raises(Forbidden):
            jobs.ask("PATCH", f"/experimentids/1/runs/{STRANGER}", asked, MINE)

    def test_a_person_writes_to_any(self, jobs: Lane) -> None:
        for (method, path), more in WRITES.items():
            assert jobs.ask(method, path, {"run_id": STRANGER, **more}).status == 200, path

    def test_models_of_another_jobs_run_are_not_written_to(self, jobs: Lane) -> None:
        model = jobs.model_of(STRANGER)
        before = jobs.ask("GET", f"2.0/mlflow/logged-models/{model}")
        for (method, path), more in OF_MODELS.items():
            with pytest.raises(Forbidden):
                jobs.ask(method, path.replace("*", model), {"model_id": model, **more}, MINE)
        assert jobs.ask("GET", f"2.0/mlflow/logged-models/{model}") == before

    def test_models_of_its_own_are(self, jobs: Lane) -> None:
        model = jobs.model_of("mine")
        for (method, path), more in OF_MODELS.items():
            body = {"model_id": model, **more}
            assert jobs.ask(method, path.replace("*", model), body, MINE).status == 200, path

    def test_no_model_is_made_in_anothers_name(self, jobs: Lane) -> None:
        experiment = jobs.told(STRANGER)["info"]["experiment_id"]
        with pytest.raises(Forbidden):
            jobs.post("logged-models", MINE, experiment_id=experiment, source_run_id=STRANGER)
        jobs.post("logged-models", MINE, experiment_id=experiment, source_run_id="mine")


class TestHooks:
    def test_a_killed_run_cancels_its_job(self, jobs: Lane) -> None:
        jobs.post("runs/update", run_id="mine", status="KILLED")
        jobs.server.settle()
        assert jobs.server.show("mine")["status"] == "Canceled"
        assert jobs.server.show(STRANGER)["status"] != "Canceled"

    @pytest.mark.parametrize(
        "path, body",
        [
            ("runs/update", {"run_name": "better"}),
            ("runs/set-tag", {"key": "mlflow.runName", "value": "better"}),
            ("runs/log-batch", {"tags": [{"key": "mlflow.runName", "value": "better"}]}),
        ],
    )
    def test_a_renamed_run_renames_its_job(
        self, jobs: Lane, path: str, body: dict[str, Any]
    ) -> None:
        jobs.post(path, run_id="mine", **body)
        assert jobs.server.show("mine")["display_name"] == "better"

    def test_its_note_is_the_jobs_description(self, jobs: Lane) -> None:
        jobs.post("runs/set-tag", run_id="mine", key="mlflow.note.content", value="a thought")
        assert jobs.server.show("mine")["description"] == "a thought"
        jobs.post("runs/delete-tag", run_id="mine", key="mlflow.note.content")
        assert jobs.server.show("mine")["description"] is None

    def test_a_live_jobs_run_is_not_deleted(self, jobs: Lane) -> None:
        with pytest.raises(Conflict, match="has not ended"):
            jobs.post("runs/delete", run_id="mine")
        assert jobs.told("mine")["info"]["lifecycle_stage"] == "active"

    def test_deletion_archives_its_job_and_return_brings_it_back(self, jobs: Lane) -> None:
        end(jobs, "mine")
        jobs.post("runs/delete", run_id="mine")
        assert jobs.server.show("mine")["archived"] is True
        jobs.post("runs/restore", run_id="mine")
        assert jobs.server.show("mine")["archived"] is False

    def test_it_is_all_or_nothing(self, jobs: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
        """What follows for the job fails: the run is as it was."""

        def fails(*_: Any, **__: Any) -> None:
            raise OSError("no space left")

        monkeypatch.setattr("lazur.store.jobs.change", fails)
        with pytest.raises(OSError, match="no space"):
            jobs.post("runs/update", run_id="mine", run_name="better")
        assert jobs.told("mine")["info"]["run_name"] != "better"


def end(jobs: Lane, name: str) -> None:
    key, engine = f"default/{name}/1", jobs.site.engine
    jobs.server.settle()
    engine.run(key)
    jobs.server.settle()
    engine.finalize(key)
    engine.end(key, Exit("ok", code=0))
    jobs.server.settle()
    assert jobs.server.show(name)["status"] == "Completed"
