"""Where what members set up may make the server connect to: webhooks, the gateway, judges."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lazur.testing.server import Server
from tests.security.wire import Wire, serving
from tests.server.mlflow.filled import Filled

PROGRAM = """
import asyncio, sys, aiohttp, requests
from lazur.server.mlflow import egress

egress.restrict(("127.0.0.1", int(sys.argv[1])))

async def get(url):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
        await session.get(url)

def tried(call):
    try:
        call()
    except Exception as error:
        return "not a public address" in repr(error)
    return None

for url in sys.argv[2:]:
    print(tried(lambda: requests.get(url, timeout=5)), tried(lambda: asyncio.run(get(url))))
"""


@pytest.mark.parametrize("call", ["sendto(b'', to)", "sendmsg([b''], [], 0, to)"])
def test_datagrams_do_not_go_there_either(call: str) -> None:
    program = f"""
import socket
from lazur.server.mlflow import egress
egress.restrict()
to = ("127.0.0.1", 9)
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).{call}
except PermissionError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"refused\n"


class TestProcess:
    def test_it_connects_to_nobody_private_but_the_door(self) -> None:
        """By number, by name, and through both libraries that upstream uses."""
        with (
            closing(socket.create_server(("127.0.0.1", 0))) as door,
            closing(socket.create_server(("127.0.0.1", 0))) as other,
        ):
            door.listen()
            allowed, refused = door.getsockname()[1], other.getsockname()[1]
            urls = [f"http://{host}:{refused}/" for host in ("127.0.0.1", "localhost", "[::1]")]
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, str(allowed), *urls],
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.split() == ["True"] * 6
            other.setblocking(False)
            with pytest.raises(BlockingIOError):
                other.accept()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    home: Path = tmp_path_factory.mktemp("egress") / "home"
    with (
        serving(Server(home, port="0", role="api")) as server,
        Wire(server, server.token) as wire,
    ):
        yield Filled(wire, "/mlflow", "m", "s")


class TestServer:
    @pytest.mark.parametrize(
        "url",
        [
            "http://93.184.216.34/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
            "file:///etc/passwd",
        ],
    )
    def test_no_webhook_leads_there(self, scene: Filled, url: str) -> None:
        events = [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]
        hook = {"name": "hook", "url": url, "events": events}
        got = scene.wire.ask("POST", "/mlflow/api/2.0/mlflow/webhooks", hook, **JSON)
        assert got.status == 400, got.body

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_no_endpoint_does(self, scene: Filled, scheme: str, host: str) -> None:
        secret = {
            "secret_name": f"{scheme}-{host}",
            "secret_value": {"api_key": "x"},
            "provider": "openai",
            "auth_config": {"api_base": f"{scheme}://{host}/v1"},
        }
        path = "/mlflow/api/3.0/mlflow/gateway/secrets/create"
        got = scene.wire.ask("POST", path, secret, **JSON)
        assert got.status == 400, got.body

    @pytest.mark.parametrize("scheme", ["http", "ftp", "sftp", "hdfs", "file", "s3"])
    def test_no_experiments_artifacts_do(self, scene: Filled, scheme: str) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            place = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/x"
            made = {"name": f"at {scheme}", "artifact_location": place}
            got = scene.wire.ask("POST", "/mlflow/api/2.0/mlflow/experiments/create", made, **JSON)
            if got.status == 200:
                run = scene.post(
                    "2.0/mlflow/runs/create", experiment_id=got.json["experiment_id"]
                )["run"]["info"]["run_id"]
                scene.wire.get(f"/mlflow/api/2.0/mlflow/artifacts/list?run_id={run}")
            listening.setblocking(False)
            with pytest.raises(BlockingIOError):
                listening.accept()


JSON = {"Content_Type": "application/json"}
