from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from lazur.testing.ports import port_of
from tests.server.edge import TOKEN

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


class Running:
    def __init__(self, home: Path, *flags: str, **env: str) -> None:
        self.home = home
        self.open = contextlib.ExitStack()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.small", "--home", str(home), *flags],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> Running:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "is ready at" in line, self.process.communicate()
        return self

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads((self.home / "server.json").read_text())

    @property
    def port(self) -> int:
        return int(self.facts["url"].rpartition(":")[2])

    @property
    def log(self) -> str:
        return (self.home / "logs" / "server.log").read_text()

    def client(self, **how: Any) -> httpx.Client:
        made = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE,
            trust_env=False,
            **how,
        )
        return self.open.enter_context(made)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Running] = []

    def start(*flags: str, home: str = "home", **env: str) -> Running:
        if not (tmp_path / home).exists():
            _settle(tmp_path / home)
        made.append(Running(tmp_path / home, *flags, **env))
        return made[-1]

    yield start
    for running in made:
        running.open.close()
        running.process.kill()
        running.process.communicate()


def _settle(home: Path) -> None:
    """As if a server had run there: on a port that others take only in these tests."""
    home.mkdir(mode=0o700)
    lock = home / "server.lock"
    lock.touch(0o600)
    lock.write_text(json.dumps({"port": port_of(home)}))


def request(target: str) -> bytes:
    head = f"GET {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    return head.encode()


class TestStart:
    def test_it_announces_itself_when_it_answers(self, start: Start) -> None:
        running = start().ready()
        facts = running.facts
        assert facts["pid"] == running.process.pid
        assert set(facts) == {"url", "pid", "started", "version"}
        assert running.client().get(facts["url"] + "/healthz").status_code == 200
        assert "ready at" in running.log

    def test_what_it_writes_is_the_owners(self, start: Start) -> None:
        running = start().ready()
        assert running.home.stat().st_mode & 0o777 == 0o700
        for path in running.home.rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path

    def test_it_listens_on_loopback_only(self, start: Start) -> None:
        """The written list of what listens: one port, on 127.0.0.1."""
        running = start().ready()
        inodes = {
            str(path.readlink()).partition("[")[2].strip("]")
            for path in Path(f"/proc/{running.process.pid}/fd").iterdir()
            if str(path.readlink()).startswith("socket:")
        }
        listening = [
            line.split()[1]
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[9] in inodes
        ]
        assert listening == [f"0100007F:{running.port:04X}"]

    def test_a_second_one_says_who_runs_there(self, start: Start) -> None:
        first = start().ready()
        second = start()
        _, said = second.process.communicate(timeout=PATIENCE)
        assert second.process.returncode == 3
        assert f"pid {first.process.pid}, {first.facts['url']}" in said
        assert first.client().get("/slow").status_code == 200
        assert first.facts["pid"] == first.process.pid

    def test_another_home_is_another_server(self, start: Start) -> None:
        assert start().ready().port != start(home="other").ready().port

    def test_the_loops_have_a_lock_of_their_own_and_no_port(self, start: Start) -> None:
        api = start("--role", "api").ready()
        loops = start("--role", "loops").ready()
        assert api.facts["pid"] == api.process.pid
        assert loops.stop() == 0
        assert (api.home / "logs" / "loops.log").exists()

    def test_wrong_settings_are_told(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "config.toml").write_text("prot = 1")
        running = start()
        _, said = running.process.communicate(timeout=PATIENCE)
        assert running.process.returncode == 2
        assert "Did you mean port?" in said

    def test_an_open_bind_without_tls_is_refused(self, start: Start) -> None:
        running = start("--host", "0.0.0.0")
        _, said = running.process.communicate(timeout=PATIENCE)
        assert running.process.returncode == 2
        assert "without encryption" in said
        assert not (running.home / "server.json").exists()

    def test_a_taken_port_is_told(self, start: Start) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            running = start("--port", str(other.getsockname()[1]))
            _, said = running.process.communicate(timeout=PATIENCE)
        assert running.process.returncode == 1
        assert "cannot listen on 127.0.0.1" in said

    @pytest.mark.parametrize("where, said", [("create", "on holiday"), ("start", "server.log")])
    def test_a_failed_start_is_told_and_leaves_nothing(
        self, start: Start, where: str, said: str
    ) -> None:
        running = start(SMALL_FAILS=where)
        _, told = running.process.communicate(timeout=PATIENCE)
        assert running.process.returncode == 1
        assert said in told
        assert not (running.home / "server.json").exists()

    def test_the_port_stays_over_restarts(self, start: Start) -> None:
        first = start().ready()
        port = first.port
        first.stop()
        assert start().ready().port == port

    def test_a_port_that_somebody_took_meanwhile_is_warned_about(self, start: Start) -> None:
        running = start().ready()
        port = running.port
        running.stop()
        with socket.create_server(("127.0.0.1", port)):
            again = start().ready()
            assert again.port != port
            assert f"port {port}, where this server was, is taken" in again.log

    def test_a_killed_servers_home_is_free(self, start: Start) -> None:
        first = start().ready()
        port = first.port
        first.process.kill()
        first.process.wait()
        second = start().ready()
        assert second.port == port
        assert second.facts["pid"] == second.process.pid

    def test_flags_reach_the_settings(self, start: Start) -> None:
        running = start("--max-body", "10", "--log-level", "warning").ready()
        assert running.client().post("/size", content=b"x" * 11).status_code == 413


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_tidies_up(self, start: Start, number: int) -> None:
        running = start().ready()
        assert (running.home / "loops-run").exists()
        assert running.stop(number) == 0
        assert not (running.home / "loops-run").exists()
        assert not (running.home / "server.json").exists()
        assert running.log.rstrip().endswith("stopped")

    def test_running_requests_finish(self, start: Start) -> None:
        running = start().ready()
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(running.client().get, "/slow")
            time.sleep(0.15)
            running.process.terminate()
            assert answer.result().json() == {"done": True}
        assert running.process.wait(PATIENCE) == 0

    def test_open_streams_end_as_unfinished(self, start: Start, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text("first\n")
        running = start().ready()
        with running.client().stream("GET", f"/tail?path={log}") as answer:
            chunks = answer.iter_bytes()
            assert next(chunks) == b"first\n"
            running.process.terminate()
            with pytest.raises(httpx.RemoteProtocolError):
                next(chunks)
        assert running.process.wait(PATIENCE) == 0
        assert "Traceback" not in running.log

    @pytest.mark.parametrize("what", ["request", "hooks"])
    def test_what_hangs_does_not_hold_it(self, start: Start, what: str) -> None:
        """The wait in `stop` is half of the minute that the hanging part takes."""
        running = start(SMALL_FAILS="stop" if what == "hooks" else "").ready()
        if what == "request":
            with pytest.raises(httpx.ReadTimeout):
                running.client().get("/stuck", timeout=0.3)
            sock = running.open.enter_context(
                socket.create_connection(("127.0.0.1", running.port))
            )
            sock.sendall(request("/stuck"))
            time.sleep(0.2)
        assert running.stop() == 0


class TestWire:
    def raw(self, running: Running, *parts: bytes) -> bytes:
        got = b""
        address = ("127.0.0.1", running.port)
        with (
            socket.create_connection(address, timeout=PATIENCE) as sock,
            contextlib.suppress(ConnectionError),
        ):
            for part in parts:
                sock.sendall(part)
            while data := sock.recv(65536):
                got += data
        return got

    def test_endless_headers_are_cut_off(self, start: Start) -> None:
        running = start("--max-headers", "1000", "--max-url", "1000").ready()
        got = self.raw(running, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ", b"y" * 2500)
        assert got.startswith(b"HTTP/1.1 400 ")
        assert b"headers are too large" in got

    def test_slow_headers_are_cut_off(self, start: Start) -> None:
        running = start("--header-seconds", "0.2").ready()
        assert self.raw(running, b"GET /healthz HTTP/1.1\r\nhost: loc") == b""
        assert self.raw(running) == b""

    def test_slow_headers_of_a_second_request_too(self, start: Start) -> None:
        running = start("--header-seconds", "0.3").ready()
        whole = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
        assert self.raw(running, whole + b"GET /hea").count(b"200 OK") == 1

    def test_what_is_no_http_is_told(self, start: Start) -> None:
        got = self.raw(start().ready(), b"\x16\x03\x01 hello\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 400 ")
        assert b'"code": "Invalid"' in got

    def test_head_and_body_are_one_packet(self, start: Start) -> None:
        """Two writes would be two wake-ups, and 40 ms with a delayed ACK."""
        running = start().ready()
        with socket.create_connection(("127.0.0.1", running.port)) as sock:
            for _ in range(20):
                sock.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
                assert sock.recv(65536).endswith(b'{"status":"ok"}')

    def test_nothing_tells_which_software_answers(self, start: Start) -> None:
        got = self.raw(start().ready(), b"GET /x HTTP/1.0\r\nhost: localhost\r\n\r\n")
        assert b"uvicorn" not in got.lower()
        assert b"server:" not in got.lower()

    def test_a_large_upload_is_not_kept_in_memory(self, start: Start) -> None:
        client = start().ready().client()
        before = client.post("/size").json()["rss"]
        parts = (b"x" * (1 << 20) for _ in range(200))
        after = client.post("/api/v1/workspaces/default/blobs", content=parts).json()
        assert after["size"] == 200 << 20
        assert after["rss"] - before < 50 << 20

    def test_idle_connections_disturb_nobody(self, start: Start) -> None:
        running = start().ready()
        with contextlib.ExitStack() as stack:
            for _ in range(400):
                address = ("127.0.0.1", running.port)
                stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
            assert running.client().get("/slow").json() == {"done": True}

    def test_a_stuck_reader_costs_no_memory(self, start: Start, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_bytes(b"x" * (1 << 20))
        running = start().ready()
        client = running.client()
        before = client.post("/size").json()["rss"]
        with socket.create_connection(("127.0.0.1", running.port)) as stuck:
            stuck.sendall(request(f"/tail?path={log}"))
            with log.open("ab") as file:
                for _ in range(100):
                    file.write(b"y" * (1 << 20))
            time.sleep(0.3)
            after = client.post("/size").json()["rss"]
        assert after - before < 30 << 20


class TestTls:
    def test_clients_that_trust_our_authority_get_in(self, start: Start) -> None:
        running = start("--tls").ready()
        assert running.facts["url"].startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(running.home / "tls" / "ca.pem"))
        client = running.client(verify=context)
        for name in ("localhost", "127.0.0.1"):
            assert client.get(f"https://{name}:{running.port}/slow").status_code == 200

    def test_others_are_warned(self, start: Start) -> None:
        running = start("--tls").ready()
        client = running.client()
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get(f"https://localhost:{running.port}/healthz")


class TestSecretsStayInside:
    def test_no_token_is_in_the_home_or_the_output(self, start: Start) -> None:
        """Headers, addresses and faults with a canary; then everything written is searched."""
        running = start("--log-level", "debug").ready()
        canary = "canary-90210"
        client = running.client()
        for path in ("/healthz", "/slow", f"/x?token={canary}", "/tail"):
            headers = {"Authorization": f"Bearer {canary}", "Cookie": f"lazur-session={canary}"}
            client.get(path, headers=headers)
        fault = client.get(f"/tail?token={canary}", headers={"Cookie": canary})
        assert fault.status_code == 500
        assert running.stop() == 0
        written = [p for p in running.home.rglob("*") if p.is_file()]
        assert "incident" in running.log
        assert [p for p in written if canary in p.read_text(errors="replace")] == []
