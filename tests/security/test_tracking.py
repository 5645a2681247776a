"""Attacks on runs, models and their files, over the socket of a real server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import Server
from tests.security.wire import Answer, W, Wire, serving, until

API = "/mlflow/api/2.0/mlflow"
OTHER = "/mlflow/workspaces/other/api"
JSON = {"Content_Type": "application/json"}


@dataclass
class Scene:
    owner: Wire
    job: Wire
    """With the token of a job that runs. Another one is called `victim`."""
    run: str
    model: str
    """Of the victim's run."""
    elsewhere: Path
    """A folder that is no workspace's, with files called as those of traces are."""

    def attempt(self, method: str, path: str, body: Any = None) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.job.ask(method, f"{API}/{path}", data, **JSON)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("tracking") / "home"
    elsewhere = home.with_name("elsewhere")
    elsewhere.mkdir()
    for name in ("traces.json", "traces.pb"):
        (elsewhere / name).write_text('{"spans": [], "sesame": 1}')
    with serving(Server(home, port="0")) as server, Wire(server, server.token) as owner:
        owner.run(name="victim")
        name = owner.submit("printenv MLFLOW_TRACKING_TOKEN > outputs/t && sleep 300")
        file = f"{W}/jobs/{name}/files/outputs/t"
        assert until(lambda: owner.get(file).body.startswith(b"lzj_"), 60)
        asked = {
            "experiment_id": "0",
            "name": "m",
            "source_run_id": "victim",
            "tags": [{"key": "k", "value": "v"}],
        }
        made = owner.ask("POST", f"{API}/logged-models", asked, **JSON)
        model = made.json["model"]["info"]["model_id"]
        with Wire(server, owner.get(file).body.decode().strip()) as job:
            yield Scene(owner, job, name, model, elsewhere)
        owner.ask("POST", f"{W}/jobs/{name}/cancel")
        owner.wait(name)


class TestJobToken:
    @pytest.mark.parametrize("times", [1, 2, 3])
    def test_json_as_a_text_of_json_writes_to_no_other_jobs_run(
        self, scene: Scene, times: int
    ) -> None:
        body: Any = {"run_id": "victim", "key": "theirs", "value": "x"}
        for _ in range(times):
            body = json.dumps(body)
        got = scene.attempt("POST", "runs/set-tag", body.encode())
        assert got.status == 403, got.body
        run = scene.owner.get(f"{API}/runs/get?run_id=victim").json["run"]
        assert "theirs" not in {tag["key"] for tag in run["data"]["tags"]}

    def test_what_upstream_answers_changes_no_other_jobs_model(self, scene: Scene) -> None:
        """An unknown field keeps the lane from answering."""
        one, odd = f"logged-models/{scene.model}", {"model_id": scene.model, "unknown": 1}
        pairs = [{"key": "z", "value": "1"}]
        for method, path, body in (
            ("PATCH", one, odd | {"status": "LOGGED_MODEL_READY"}),
            ("PATCH", f"{one}/tags", odd | {"tags": pairs}),
            ("POST", f"{one}/params", odd | {"params": pairs}),
            ("DELETE", f"{one}/tags/k", None),
        ):
            assert scene.attempt(method, path, body).status == 403, (method, path)

    def test_a_body_of_any_depth_is_refused_in_words(self, scene: Scene) -> None:
        deep = b"[" * 50_000 + b"]" * 50_000
        named = b'{"run_id": "%s", "key": "a", "value": "b", "x": %s}'
        got = scene.attempt("POST", "runs/set-tag", named % (scene.run.encode(), deep))
        assert got.status == 400
        assert "deep" in got.json["message"]


class TestConnection:
    def test_no_header_of_ours_can_be_taken_away(self, scene: Scene) -> None:
        """Without the workspace, upstream would take one that all share."""
        made = scene.owner.ask(
            "POST",
            f"{API}/registered-models/create",
            {"name": "here"},
            Connection="x-mlflow-workspace",
            **JSON,
        )
        assert made.status == 200
        found = scene.owner.get(f"{API}/registered-models/get?name=here")
        assert found.status == 200


class TestCost:
    """Quadratic, these would not end."""

    def test_lists_that_do_not_end(self, scene: Scene) -> None:
        got = scene.owner.ask("POST", f"{API}/runs/search", b'"run_id":[' * 400_000, **JSON)
        assert (got.status, got.json) == (200, {}), "to MLflow, what is no JSON asks for nothing"

    def test_filters_of_blanks(self, scene: Scene) -> None:
        asked = {"experiment_ids": ["0"], "filter": "run_id IN ('a'" + " " * 200_000}
        got = scene.owner.ask("POST", f"{API}/runs/search", asked, **JSON)
        assert got.status == 400

    def test_more_orders_than_a_database_joins(self, scene: Scene) -> None:
        order = ",".join(f"metrics.m{number}" for number in range(100))
        assert scene.owner.get(f"{W}/runs?order_by={order}").status == 400


class TestFiles:
    def test_purging_a_job_that_is_called_as_the_folder_of_all_leaves_the_others(
        self, scene: Scene
    ) -> None:
        job = scene.owner.run(name="ExperimentRun")
        assert job["status"] == "Completed"
        assert scene.owner.ask("DELETE", f"{W}/runs/ExperimentRun").status == 200
        purged = scene.owner.ask("POST", f"{W}/runs/purge", {"runs": ["ExperimentRun"]})
        assert purged.status == 200
        got = scene.owner.get(f"{W}/jobs/victim/files/user_logs/std_log.txt")
        assert got.status == 200

    @pytest.mark.parametrize("ending", ["js", "mjs", "cjs", "es"])
    def test_an_artifact_is_no_script_to_a_page(self, scene: Scene, ending: str) -> None:
        path = f"/mlflow/api/2.0/mlflow-artifacts/artifacts/x.{ending}"
        assert scene.owner.ask("PUT", path, b"alert(1)").status == 200
        assert "script" not in scene.owner.get(path).headers["content-type"]


class TestTensorBoard:
    @pytest.mark.parametrize("before", ["", "/experiment/x"])
    def test_what_jobs_wrote_is_inert_by_every_address(self, scene: Scene, before: str) -> None:
        got = scene.owner.get(f"/tensorboard/default/victim{before}/data/environment")
        assert got.status == 200
        assert got.headers["content-security-policy"].startswith("sandbox;")


class TestLocations:
    """Tags of a trace and sources of models say where files lie: no reason to open them."""

    @pytest.fixture
    def trace(self, scene: Scene) -> str:
        """Of another workspace than the victim's."""
        scene.owner.ask("POST", "/api/v1/workspaces", {"name": "other"})
        made = f"tr-{uuid.uuid4().hex}"
        where = {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": self._experiment(scene)},
        }
        info = {
            "trace_id": made,
            "trace_location": where,
            "request_time": "2026-01-01T00:00:00Z",
            "state": "OK",
            "tags": {
                "mlflow.trace.spansLocation": "ARCHIVE_REPO",
                "mlflow.trace.archiveLocation": str(scene.elsewhere),
            },
        }
        path = f"{OTHER}/3.0/mlflow/traces"
        got = scene.owner.ask("POST", path, {"trace": {"trace_info": info}}, **JSON)
        assert got.status == 200, got.body
        return made

    def _experiment(self, scene: Scene) -> str:
        path = f"{OTHER}/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
        return scene.owner.get(path).json["experiment"]["experiment_id"]

    @pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}"])
    def test_no_trace_shows_a_file_of_the_machine(
        self, scene: Scene, trace: str, form: str
    ) -> None:
        self._lead(scene, trace, form.format(scene.elsewhere))
        self._check_hidden(scene, trace)

    @pytest.mark.parametrize("way", ["workspaces/ws-1", "workspaces/ws-2/../ws-1"])
    def test_no_trace_shows_a_file_of_another_workspace(
        self, scene: Scene, trace: str, way: str
    ) -> None:
        path = "/mlflow/api/2.0/mlflow-artifacts/artifacts/t/traces.json"
        assert scene.owner.ask("PUT", path, b'{"spans": [], "sesame": 1}').status == 200
        self._lead(scene, trace, f"mlflow-artifacts:/{way}/t")
        self._check_hidden(scene, trace)
        home = scene.owner.server.home
        self._lead(scene, trace, f"{home}/mlflow/workspaces/ws-1/t")
        self._check_hidden(scene, trace)

    def test_a_trace_that_goes_takes_no_file_elsewhere_along(
        self, scene: Scene, trace: str
    ) -> None:
        asked = {"experiment_id": self._experiment(scene), "request_ids": [trace]}
        scene.owner.ask("POST", f"{OTHER}/3.0/mlflow/traces/delete-traces", asked, **JSON)
        assert (scene.elsewhere / "traces.pb").exists()

    def test_its_own_files_are_shown(self, scene: Scene, trace: str) -> None:
        path = "/mlflow/workspaces/other/api/2.0/mlflow-artifacts/artifacts/t/traces.json"
        assert scene.owner.ask("PUT", path, b'{"spans": [], "own": 1}').status == 200
        self._lead(scene, trace, "mlflow-artifacts:/workspaces/ws-2/t")
        got = self._read(scene, trace)
        assert b"own" in got.body, got.body

    def test_no_model_is_read_from_a_bucket(self, scene: Scene) -> None:
        name = uuid.uuid4().hex
        scene.owner.ask("POST", f"{API}/registered-models/create", {"name": name}, **JSON)
        asked = {"name": name, "source": "s3://bucket/x"}
        made = scene.owner.ask("POST", f"{API}/model-versions/create", asked, **JSON)
        assert made.status == 200
        path = f"/mlflow/model-versions/get-artifact?name={name}&version=1&path=x"
        got = scene.owner.get(path)
        assert got.status == 403
        assert "own credentials" in got.json["message"]

    def _lead(self, scene: Scene, trace: str, place: str) -> None:
        path = f"{OTHER}/3.0/mlflow/traces/{trace}/tags"
        tag = {"key": "mlflow.artifactLocation", "value": place}
        assert scene.owner.ask("PATCH", path, tag, **JSON).status == 200

    def _read(self, scene: Scene, trace: str) -> Answer:
        path = f"{OTHER}/3.0/mlflow/get-trace-artifact?request_id={trace}"
        return scene.owner.get(path.replace("/api/", "/ajax-api/"))

    def _check_hidden(self, scene: Scene, trace: str) -> None:
        got = self._read(scene, trace)
        assert got.status == 403, got.body
        assert b"sesame" not in got.body


class TestProcess:
    def test_it_imports_nothing_that_lies_in_the_home(self, tmp_path: Path) -> None:
        with (
            serving(Server(tmp_path / "home", port="0", role="api")) as server,
            Wire(server, server.token) as owner,
        ):
            (server.home / "uvicorn.py").write_text("raise SystemExit('taken over')")
            assert owner.get(f"{API}/registered-models/search").status == 200
