"""A real server process on a home of its own, and clients that speak plain HTTP: for tests and
benchmarks that look from outside."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lazur.testing.ports import port_of

W = "/api/v1/workspaces/default"
FINAL = ("Completed", "Failed", "Canceled")


class Server:
    """Started, killed and started again on one home and one port."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("LAZUR_")}
        self.environ |= {f"LAZUR_{key.upper()}": value for key, value in settings.items()}
        if self.environ.get("LAZUR_PORT", "0") == "0":
            self.environ["LAZUR_PORT"] = str(port_of(home))
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self, patience: float = 120.0) -> float:
        """Returns the seconds until it answered."""
        began = time.monotonic()
        with (self.home.parent / "server.out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lazur.server.daemon", "--home", str(self.home)],
                env=self.environ,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        while time.monotonic() - began < patience:
            if self._process.poll() is not None:
                raise AssertionError((self.home.parent / "server.out").read_text()[-2000:])
            if self._answers():
                return time.monotonic() - began
            time.sleep(0.02)
        raise AssertionError("the server did not answer")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Nothing is asked, nothing is flushed."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    def client(self, token: str | None = None) -> Client:
        """The administrator's own, or of whom `token` is."""
        return Client(self, token)

    def _answers(self) -> bool:
        assert self._process is not None
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, KeyError):
            facts = json.loads((self.home / "server.json").read_text())
            if facts["pid"] != self._process.pid:
                return False
            self.url = facts["url"]
            connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
        return False


class Client:
    """Repeats a call until it is answered; creates carry a key, so that repeating is safe. Close
    it."""

    def __init__(self, server: Server, token: str | None = None) -> None:
        self._server = server
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    def submit(self, spec: dict[str, Any], patience: float = 60.0) -> str:
        status, body = self.call("POST", f"{W}/jobs", spec, patience)
        assert status == 201, body
        return str(body["name"])

    def get(self, name: str) -> dict[str, Any]:
        status, body = self.call("GET", f"{W}/jobs/{name}")
        assert status == 200, (name, body)
        return body

    def cancel(self, name: str) -> None:
        status, body = self.call("POST", f"{W}/jobs/{name}/cancel")
        assert status == 202, body

    def log(self, name: str) -> str:
        status, body = self.call("GET", f"{W}/jobs/{name}/files/user_logs/std_log.txt")
        return body if status == 200 else ""

    def unfinished(self) -> int:
        states = "NotStarted,Preparing,Queued,Starting,Running,Finalizing,CancelRequested"
        _, body = self.call("GET", f"{W}/jobs?status={states}&limit=1000")
        return len(body["value"])

    def call(
        self, method: str, path: str, body: Any = None, patience: float = 60.0
    ) -> tuple[int, Any]:
        key = uuid.uuid4().hex
        until = time.monotonic() + patience
        while True:
            try:
                return self._once(method, path, body, key)
            except (OSError, http.client.HTTPException):
                self.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                urlsplit(self._server.url).netloc, timeout=30
            )
        headers = {
            "Authorization": f"Bearer {self._token or self._server.token}",
            "Idempotency-Key": key,
        }
        self._connection.request(
            method, path, json.dumps(body) if body is not None else None, headers
        )
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status == 503:
            raise OSError("busy")
        if answer.headers.get_content_type() == "application/json":
            return answer.status, json.loads(data)
        return answer.status, data.decode()
