"""The two servers that are compared, each on a folder of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lazur.testing.ports import unused_port
from lazur.testing.server import Server
from tests import postgresql

ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE = 120.0
_SAME_ORDER = {"PYTHONHASHSEED": "0"}
"""Some of upstream's messages list a set."""
_PASSPHRASE = "a-passphrase-of-the-tests-alone"
_FERNET = "dGVzdHMgYW5kIG5vdGhpbmcgZWxzZSB1c2UgdGhpcyE="


@dataclass(frozen=True)
class Side:
    name: str
    uri: str
    token: str
    database: str
    folder: Path

    def environ(self) -> dict[str, str]:
        """What a person exports, and what makes two runs of a client comparable."""
        kept = {n: os.environ[n] for n in ("PATH", "LANG", "TMPDIR") if n in os.environ}
        return {
            **kept,
            **_SAME_ORDER,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_TOKEN": self.token,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "MPLBACKEND": "agg",
            "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
        }


@contextmanager
def upstream(folder: Path, database: str = "") -> Iterator[Side]:
    """MLflow's own server, on SQLite if nothing else is said, and local files."""
    folder.mkdir(parents=True)
    port = unused_port()
    database = database or f"sqlite:///{folder / 'mlflow.db'}"
    with (folder / "server.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.reference", str(port)],
            cwd=ROOT,
            env=_upstream_environ(folder, database),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _wait(port, process, folder / "server.out")
        yield Side("upstream", f"http://127.0.0.1:{port}", "nobody-asks", database, folder)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def ours(folder: Path, database: str = "") -> Iterator[Side]:
    """Lazur as a person starts it."""
    folder.mkdir(parents=True)
    home = folder / "home"
    server = Server(home, mlflow_private_urls="true", database=database)
    server.environ |= _SAME_ORDER
    server.start()
    try:
        _wake(server)
        database = database or f"sqlite:///{home / 'lazur.db'}"
        yield Side("lazur", f"{server.url}/mlflow", server.token, database, folder)
    finally:
        server.stop()


def _wake(server: Server) -> None:
    """Upstream's server behind ours is started by the first who needs it; it then writes a little
    of its own, which is no case's doing."""
    with contextlib.closing(server.client()) as client:
        status, said = client.call("GET", "/mlflow/health")
    assert status == 200, said


def _upstream_environ(folder: Path, database: str) -> dict[str, str]:
    kept = {n: os.environ[n] for n in ("PATH", "LANG", "TMPDIR") if n in os.environ}
    return {
        **kept,
        **_SAME_ORDER,
        "HOME": str(folder),
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "_MLFLOW_SERVER_FILE_STORE": postgresql.for_mlflow(database),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_MODEL_CATALOG_URI": "",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS": "false",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "https,http",
        "MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES": "https,http",
        "MLFLOW_CRYPTO_KEK_PASSPHRASE": _PASSPHRASE,
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": _FERNET,
    }


def _wait(port: int, process: subprocess.Popen[bytes], out: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(out.read_text()[-3000:])
        if _healthy(port):
            return
        time.sleep(0.1)
    raise AssertionError("upstream's server did not answer")


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False
