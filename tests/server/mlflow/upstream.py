"""Upstream's own server, unchanged: what the lane is compared with."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests import postgresql

_WHAT = ("mlflow.server.fastapi_app:app", "--log-level", "warning", "--timeout-keep-alive", "600")
_STARTS_WITHIN = 90.0
_FOREIGN = ("MLFLOW_", "_MLFLOW_", "LAZUR_")


class Upstream:
    """A child process, on a Unix socket in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self._socket = folder / "upstream"
        self._log = folder / "upstream.log"
        self._connection: http.client.HTTPConnection | None = None
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", *_WHAT, "--uds", str(self._socket)],
                cwd=folder,
                env=_environment(url, folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Until it answers."""
        give_up = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise RuntimeError(f"Upstream's server did not start:\n{self._log.read_text()}")
            time.sleep(0.1)

    def ask(self, space: str, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        connection = self._connection or self._connect()
        headers = {"X-MLFLOW-WORKSPACE": space, "Host": "localhost"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        if not self._socket.exists():
            return False
        try:
            return self.ask("ws-1", "GET", "/health", None)[0] == 200
        except OSError:
            self._connection = None
            return False

    def _connect(self) -> http.client.HTTPConnection:
        self._connection = _Connection(str(self._socket))
        return self._connection


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _environment(url: str, folder: Path) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    inherited.pop("PYTEST_CURRENT_TEST", None)  # upstream behaves differently under it
    return {
        **inherited,
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "_MLFLOW_SERVER_FILE_STORE": postgresql.for_mlflow(url),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
