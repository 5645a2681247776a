"""MLflow's address on a real server: who comes in, on which routes, and what becomes of upstream's
process."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lazur.server.mlflow.access import Rule, rule
from lazur.testing.server import Server
from tests.conformance.surface import routes
from tests.rights import allows
from tests.security.wire import W, Wire, serving, until
from tests.server.mlflow.filled import Filled, fill

AZURE = "subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
CLIENT = """
import mlflow, sys

mlflow.set_experiment("from " + sys.argv[1])
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.5, step=3)
    mlflow.log_param("p", "x")
    mlflow.log_text("text", "a/b.txt")
found = mlflow.get_run(run.info.run_id)
assert found.data.metrics == {"m": 1.5} and found.data.params == {"p": "x"}
assert found.info.status == "FINISHED"
assert mlflow.artifacts.load_text(found.info.artifact_uri + "/a/b.txt") == "text"
print(mlflow.search_runs().shape[0])
"""


@dataclass
class Scene:
    server: Server
    owner: Wire
    filled: Filled
    routes: list[tuple[str, str, Rule]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("entry") / "home"
    with serving(Server(home, port="0")) as server, Wire(server, server.token) as owner:
        owner.ask("POST", "/api/v1/workspaces", {"name": "w"})
        filled = fill(owner, "w", "mark", "sesame5ecret")
        served = [
            (route.method, route.at(), found)
            for route in routes()
            if (found := rule(route.method, route.at()))
        ]
        yield Scene(server, owner, filled, served)


class TestAddress:
    @pytest.mark.parametrize("version", ["v1.0", "v2.0"])
    def test_azures_is_understood_with_upstreams_client(self, scene: Scene, version: str) -> None:
        url = f"{scene.server.url}/mlflow/{version}/{AZURE}"
        environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LAZUR_"))},
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_TRACKING_TOKEN": scene.server.token,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, version],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[-1] == "1"
        found = scene.filled.ask(
            "GET", f"api/2.0/mlflow/experiments/get-by-name?experiment_name=from%20{version}"
        )
        assert found.status == 200

    def test_one_that_leads_nowhere_says_so(self, scene: Scene) -> None:
        got = scene.owner.get("/mlflow/api/2.0/mlflow/nothing")
        assert got.status == 404
        assert "lazur mlflow-uri" in got.json["message"]

    def test_a_client_that_knows_the_server_alone_is_led_there(self, scene: Scene) -> None:
        got = scene.owner.get("/api/2.0/mlflow/experiments/search")
        assert (got.status, got.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
        assert "`lazur mlflow-uri` prints it" in got.json["message"]

    def test_people_get_a_page_where_mlflows_own_cannot_be_shown(self, scene: Scene) -> None:
        target = "/mlflow/workspaces/%3Cb%3E/"
        got = scene.owner.get(target, Accept="text/html,*/*")
        assert (got.status, got.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert b"There is no workspace &#x27;&lt;b&gt;&#x27;." in got.body
        assert "script-src 'self';" in got.headers["content-security-policy"]
        assert scene.owner.get(target).json["error_code"] == "RESOURCE_DOES_NOT_EXIST"

    def test_who_has_no_token_learns_where_mlflow_takes_it_from(self, scene: Scene) -> None:
        with Wire(scene.server, "wrong") as stranger:
            got = stranger.get("/mlflow/api/2.0/mlflow/experiments/get?experiment_id=0")
            elsewhere = stranger.get("/api/v1/workspaces")
        assert (got.status, got.json["error_code"]) == (401, "UNAUTHENTICATED")
        assert "MLFLOW_TRACKING_TOKEN" in got.json["message"]
        assert "MLFLOW" not in elsewhere.json["error"]["hint"]

    def test_the_demo_that_takes_a_minute_is_not_served(self, scene: Scene) -> None:
        got = scene.owner.ask("POST", "/mlflow/ajax-api/3.0/mlflow/demo/generate")
        assert got.status == 501
        assert "busy for a minute" in got.json["message"]

    def test_what_its_database_says_is_not_passed_on(self, scene: Scene) -> None:
        target = "/mlflow/workspaces/w/api/2.0/mlflow/experiments/create"
        kind = {"Content_Type": "application/json"}
        assert scene.owner.ask("POST", target, {"name": "twice"}, **kind).status == 200
        got = scene.owner.ask("POST", target, {"name": "twice"}, **kind)
        assert (got.status, got.json["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS"), got.body
        assert "already exists" in got.json["message"]
        assert b"SQL" not in got.body
        assert b"IntegrityError" not in got.body

    def test_workspaces_are_not_upstreams(self, scene: Scene) -> None:
        got = scene.owner.get("/mlflow/api/3.0/mlflow/workspaces")
        assert got.status == 501
        assert "lazur workspace create" in got.json["message"]
        told = scene.owner.get("/mlflow/api/3.0/mlflow/server-info").json
        assert told["workspaces_enabled"] is False


class TestWho:
    def test_nobody_comes_in_anywhere(self, scene: Scene) -> None:
        with Wire(scene.server) as nobody:
            for method, path, _ in scene.routes:
                got = nobody.ask(method, "/mlflow/workspaces/w" + path)
                assert got.status == 401, (method, path)

    def test_a_reader_reads_and_no_more(self, scene: Scene) -> None:
        self._check_role(scene, "Reader")

    def test_a_data_scientist_sets_up_nothing_that_reaches_out(self, scene: Scene) -> None:
        self._check_role(scene, "AzureML Data Scientist")

    def test_a_job_does_what_jobs_do(self, scene: Scene) -> None:
        """With the token that a running job was given."""
        name = scene.owner.submit("printenv MLFLOW_TRACKING_TOKEN > outputs/t && sleep 100")
        file = f"{W}/jobs/{name}/files/outputs/t"
        assert until(lambda: scene.owner.get(file).body.startswith(b"lzj_"), 60)
        with Wire(scene.server, scene.owner.get(file).body.decode().strip()) as job:
            self._check(scene, job, "Job", "/mlflow")
            theirs = "/mlflow/workspaces/w/api/2.0/mlflow/experiments/get?experiment_id=0"
            assert job.get(theirs).status == 404
        scene.owner.ask("POST", f"{W}/jobs/{name}/cancel")
        scene.owner.wait(name)

    def _check_role(self, scene: Scene, role: str) -> None:
        body = {"name": role.rsplit(maxsplit=1)[-1], "role": role, "workspace": "w"}
        token = scene.owner.ask("POST", "/api/v1/tokens", body).json["token"]
        with Wire(scene.server, token) as wire:
            self._check(scene, wire, role, "/mlflow/workspaces/w")

    def _check(self, scene: Scene, wire: Wire, role: str, base: str) -> None:
        """Only what the role's rights forbid is refused, and it is refused before it is read. What
        may be done is asked of nothing that is there."""
        for method, path, found in scene.routes:
            got = wire.ask(method, base + path, b"{}", Content_Type="application/json")
            may = allows(role, found.action) and not (role == "Job" and _changes_file(found))
            assert (got.status != 403) == may, (role, method, path, got.body[:300])
            assert may or got.json["error_code"] == "PERMISSION_DENIED"

    def test_a_socket_is_refused(self, scene: Scene) -> None:
        """Upstream has none: whoever may come in is answered as if he had not asked for one."""
        for token, status in ((None, 401), (scene.server.token, 200)):
            asked = http.client.HTTPConnection(urlsplit(scene.server.url).netloc)
            headers = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            }
            asked.request("GET", "/mlflow/", headers=headers)
            with closing(asked), asked.getresponse() as answer:
                assert answer.status == status


class TestChild:
    def test_it_is_one_process_and_comes_back(self, scene: Scene) -> None:
        """Nothing beside it was started by the requests above."""
        (first,) = children(scene.server)
        os.kill(first, signal.SIGKILL)
        assert scene.filled.ask("GET", "api/2.0/mlflow/registered-models/search").status == 200
        (second,) = children(scene.server)
        assert second != first

    def test_it_goes_when_idle_and_when_the_server_is_killed(self, tmp_path: Path) -> None:
        server = Server(tmp_path / "home", port="0", role="api", mlflow_idle_minutes="0")
        upstreams = "/mlflow/api/2.0/mlflow/registered-models/search"
        with serving(server), Wire(server, server.token) as wire:
            assert children(server) == []
            assert wire.get(upstreams).status == 200
            assert until(lambda: children(server) == [])
            server.stop()
            del server.environ["LAZUR_MLFLOW_IDLE_MINUTES"]
            server.start()
            wire.close()
            assert wire.get(upstreams).status == 200
            assert len(children(server)) == 1
            server.kill()
            assert until(lambda: children(server) == [])
            server.start()


def _changes_file(found: Rule) -> bool:
    """Of no run of the job's."""
    return found.path.startswith("2.0/mlflow-artifacts/artifacts/") and not found.reads


def children(server: Server) -> list[int]:
    """Processes that were started with the server's home as their folder, but the server."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            here = (entry / "cwd").readlink() == server.home
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if here and state != "Z":
            found.append(int(entry.name))
    return found
