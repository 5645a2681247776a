"""Upstream's jobs: a real judge calls a model behind the gateway, in a process that exists for
this job alone; and where their calls may go."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.server.mlflow.door import PORT
from lazur.testing.server import Server
from tests.security.wire import Wire, serving, until
from tests.server.mlflow.filled import Filled

VERDICT = '{"rationale": "It is polite.", "result": "yes"}'
JUDGE: dict[str, Any] = {
    "name": "polite",
    "builtin_scorer_class": "Guidelines",
    "builtin_scorer_pydantic_data": {
        "name": "polite",
        "guidelines": ["Be polite."],
    },
}


class Model(http.server.ThreadingHTTPServer):
    """Speaks OpenAI's API, and waits before it answers while `held` is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []
        self.go = threading.Event()
        self.go.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Model)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append(self.path)
        self.server.go.wait(60)
        said = {"role": "assistant", "content": VERDICT}
        body = json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "toy",
                "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def model() -> Iterator[Model]:
    with Model() as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.go.set()
        made.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("workers") / "home"
    with serving(Server(home, port="0", role="api", mlflow_private_urls="true")) as made:
        yield made


@pytest.fixture
def scene(server: Server) -> Iterator[Filled]:
    with Wire(server, server.token) as wire:
        yield Filled(wire, "/mlflow", "m", "s")


class TestJudge:
    def test_it_is_asked_in_a_process_of_its_own(
        self, server: Server, scene: Filled, model: Model
    ) -> None:
        trace = prepare(scene, model)
        assert workers(server) == []
        model.go.clear()
        job = invoke(scene, trace, model)
        assert until(lambda: model.asked, 90)
        assert len(workers(server)) == 1
        model.go.set()
        done = ended(scene, job)
        assert done["status"] == "SUCCEEDED", done
        assert until(lambda: workers(server) == [])
        assert not list((server.home / "run" / "mlflow-jobs").iterdir())
        info = scene.ask("GET", f"api/3.0/mlflow/traces/{trace}").json["trace"]["trace_info"]
        assert info["assessments"][0]["feedback"]["value"] == "yes"


class TestEnd:
    def test_a_job_that_nobody_has_any_more_failed(self, tmp_path: Path, model: Model) -> None:
        """The server is killed while its job waits for the model."""
        server = Server(tmp_path / "home", port="0", role="api", mlflow_private_urls="true")
        with serving(server), Wire(server, server.token) as wire:
            scene = Filled(wire, "/mlflow", "m", "s")
            trace = prepare(scene, model)
            model.go.clear()
            job = invoke(scene, trace, model)
            assert until(lambda: model.asked, 90)
            server.kill()
            assert until(lambda: workers(server) == [])
            server.start()
            wire.close()
            failed = ended(scene, job)
            assert failed["status"] == "FAILED"
            assert "Start it again" in failed["error_message"]
            assert len(model.asked) == 1

    def test_nobody_is_idle_while_it_runs(self, tmp_path: Path, model: Model) -> None:
        server = Server(tmp_path / "home", port="0", role="api", mlflow_private_urls="true")
        with serving(server), Wire(server, server.token) as wire:
            scene = Filled(wire, "/mlflow", "m", "s")
            trace = prepare(scene, model)
            server.stop()
            server.environ["LAZUR_MLFLOW_IDLE_MINUTES"] = "0"
            server.start()
            wire.close()
            model.go.clear()
            job = invoke(scene, trace, model)
            assert until(lambda: model.asked, 90)
            model.go.set()
            assert until(lambda: workers(server) == [], 30)
            assert ended(scene, job)["status"] == "SUCCEEDED"


class TestDoor:
    def test_it_wants_the_key(self, server: Server, scene: Filled, model: Model) -> None:
        trace = prepare(scene, model)
        model.go.clear()
        job = invoke(scene, trace, model)
        assert until(lambda: model.asked, 90)
        environ = (Path("/proc") / str(workers(server)[0]) / "environ").read_bytes()
        told = dict(part.split(b"=", 1) for part in environ.split(b"\0") if part)
        host, port = "127.0.0.1", int(told[PORT.encode()])
        key = told[b"MLFLOW_TRACKING_PASSWORD"]
        for user, given, status in ((b"job", key, 200), (b"job", b"x", 401), (b"x", key, 401)):
            asked = http.client.HTTPConnection(host, port)
            credentials = base64.b64encode(user + b":" + given).decode()
            asked.request("GET", "/version", headers={"Authorization": f"Basic {credentials}"})
            assert asked.getresponse().status == status
            asked.close()
        model.go.set()
        ended(scene, job)


def prepare(scene: Filled, model: Model) -> str:
    """The trace to judge, and an endpoint that leads to the model."""
    sealed = scene.post(
        "3.0/mlflow/gateway/secrets/create",
        secret_name=f"key-{name(model)}",
        secret_value={"api_key": "x"},
        provider="openai",
        auth_config={"api_base": model.url},
    )
    definition = scene.post(
        "3.0/mlflow/gateway/model-definitions/create",
        name=name(model),
        secret_id=sealed["secret"]["secret_id"],
        provider="openai",
        model_name="toy",
    )
    chosen = definition["model_definition"]["model_definition_id"]
    scene.post(
        "3.0/mlflow/gateway/endpoints/create",
        name=name(model),
        model_configs=[{"model_definition_id": chosen, "linkage_type": "PRIMARY", "weight": 1.0}],
    )
    return scene.log_span("Hello?", "Hello, my dear.")


def name(model: Model) -> str:
    return f"judge-{model.server_port}"


def invoke(scene: Filled, trace: str, model: Model) -> str:
    data = {**JUDGE["builtin_scorer_pydantic_data"], "model": f"gateway:/{name(model)}"}
    asked = {
        "experiment_id": "0",
        "serialized_scorer": json.dumps({**JUDGE, "builtin_scorer_pydantic_data": data}),
        "trace_ids": [trace],
        "log_assessments": True,
    }
    made = scene.ask("POST", "ajax-api/3.0/mlflow/scorer/invoke", asked).json
    return str(made["jobs"][0]["job_id"])


def ended(scene: Filled, job: str) -> Any:
    give_up = time.monotonic() + 90
    while True:
        found = scene.ask("GET", f"ajax-api/3.0/mlflow/jobs/{job}").json
        if found["status"] not in {"PENDING", "RUNNING"}:
            return found
        assert time.monotonic() < give_up, found
        time.sleep(0.2)


def workers(server: Server) -> list[int]:
    """Processes of upstream's jobs below the server."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes()
            environ = (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"lazur.server.mlflow.work" in said and os.fsencode(server.home) in environ:
            found.append(int(entry.name))
    return found
