"""Artifacts through a real server: large ones, a server killed at the worst moment, and upstream's
own client."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lazur.services.base.home import ARTIFACTSTORE, Home
from lazur.services.tracking.artifacts import DRAFTS, Artifacts
from lazur.testing.server import Server
from tests.security.wire import until
from tests.server.mlflow.test_artifacts import files_in

FILES = "/mlflow/api/2.0/mlflow-artifacts/artifacts"
BLOCK = os.urandom(1 << 20)
MOST_GROWN = 64 << 10
"""Kilobytes."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "home", port="0")
    made.start()
    yield made
    with contextlib.suppress(ProcessLookupError):
        made.stop()


@pytest.fixture
def store(server: Server) -> Path:
    return Home(server.home).datastore("default", ARTIFACTSTORE)


def connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=120)


def begin(server: Server, path: str, size: int) -> http.client.HTTPConnection:
    connection = connect(server)
    connection.putrequest("PUT", f"{FILES}/{path}")
    connection.putheader("Authorization", f"Bearer {server.token}")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    return connection


def peak(server: Server) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


class TestStreaming:
    @pytest.mark.slow
    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
    def test_a_gigabyte_up_and_down_needs_no_memory(self, server: Server, store: Path) -> None:
        with contextlib.closing(begin(server, "1/r/small", 1)) as connection:
            connection.send(b"x")
            assert connection.getresponse().status == 200
        before = peak(server)
        with contextlib.closing(begin(server, "1/r/big", 1 << 30)) as connection:
            for _ in range(1 << 10):
                connection.send(BLOCK)
            assert connection.getresponse().status == 200
        assert self._downloaded(server) == hashlib.sha256(BLOCK * 1024).hexdigest()
        assert peak(server) - before < MOST_GROWN

    def _downloaded(self, server: Server) -> str:
        found = hashlib.sha256()
        with contextlib.closing(connect(server)) as connection:
            headers = {"Authorization": f"Bearer {server.token}"}
            connection.request("GET", f"{FILES}/1/r/big", headers=headers)
            answer = connection.getresponse()
            while block := answer.read(1 << 20):
                found.update(block)
        return found.hexdigest()


class TestInterrupted:
    def test_a_killed_server_leaves_nothing_visible_and_what_it_left_is_swept(
        self, server: Server, store: Path
    ) -> None:
        with contextlib.closing(begin(server, "1/r/x", 8 << 20)) as connection:
            for _ in range(4):
                connection.send(BLOCK)
            assert until(lambda: any((store / DRAFTS).glob("*")))
            server.kill()
        assert [path for path in files_in(store) if not path.startswith(DRAFTS)] == []
        for draft in (store / DRAFTS).iterdir():
            os.utime(draft, (1, 1))
        assert Artifacts(store).sweep() == 1
        assert files_in(store) == set()

    def test_an_upload_that_breaks_off_leaves_nothing_and_the_old_file_stays(
        self, server: Server, store: Path
    ) -> None:
        with contextlib.closing(begin(server, "1/r/x", 3)) as connection:
            connection.send(b"old")
            assert connection.getresponse().status == 200
        with contextlib.closing(begin(server, "1/r/x", 8 << 20)) as connection:
            connection.send(BLOCK * 3)
            assert until(lambda: any((store / DRAFTS).glob("*")))
        assert until(lambda: files_in(store) == {"1/r/x"})
        assert (store / "1/r/x").read_bytes() == b"old"


class TestClient:
    @pytest.mark.slow
    def test_upstreams_own_client_logs_lists_loads_and_deletes(
        self, server: Server, tmp_path: Path
    ) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
        environment |= {
            "MLFLOW_TRACKING_URI": f"{server.url}/mlflow",
            "MLFLOW_TRACKING_TOKEN": server.token,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        ran = subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.split() == ["ok"]


_SCRIPT = """
import pathlib, mlflow
from mlflow.artifacts import download_artifacts, list_artifacts
pathlib.Path("folder/sub").mkdir(parents=True)
pathlib.Path("folder/a é.txt").write_text("1")
pathlib.Path("folder/sub/100%.bin").write_bytes(b"2" * 3_000_000)
pathlib.Path("folder/sub/empty").touch()
client = mlflow.MlflowClient()
run = client.create_run("0").info
client.log_artifacts(run.run_id, "folder", "top")
client.log_text(run.run_id, "said", "notes/n.txt")
assert [f.path for f in client.list_artifacts(run.run_id)] == ["notes", "top"]
found = {(f.path, f.file_size) for f in client.list_artifacts(run.run_id, "top/sub")}
assert found == {("top/sub/100%.bin", 3_000_000), ("top/sub/empty", None)}, found
where = pathlib.Path(download_artifacts(artifact_uri=f"runs:/{run.run_id}/top", dst_path="got"))
assert (where / "sub/100%.bin").read_bytes() == b"2" * 3_000_000
assert (where / "a é.txt").read_text() == "1" and (where / "sub/empty").read_bytes() == b""
assert mlflow.artifacts.load_text(f"{run.artifact_uri}/notes/n.txt") == "said"
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
get_artifact_repository(run.artifact_uri).delete_artifacts("top")
assert [f.path for f in client.list_artifacts(run.run_id)] == ["notes"]
print("ok")
"""
