"""Upstream's own server and ours, side by side, and how they are asked: as upstream's client
asks."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench._load import Load, Report
from lazur.store.db import Database, sqlite_url
from lazur.store.mlflow import schema
from lazur.testing.server import Server
from tests import postgresql

API = "/api/2.0/mlflow"
OURS = "Lazur"
_LOAD = Path(__file__).with_name("_load.py")
_HEADERS = (
    "Host: {host}\r\n"
    "User-Agent: mlflow-python-client/3.17.2\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Accept: */*\r\n"
    "Connection: keep-alive\r\n"
    "X-MLflow-Client-Version: 3.17.2\r\n"
    "Authorization: Bearer {token}\r\n"
)
"""What upstream's client sends, as it was recorded."""
_JSON = "Content-Type: application/json\r\n"
_POOL = "64"
"""Connections to the database that upstream may keep: of the 15 that are its default, sixteen
clients who create runs take one each and wait for a second one, for ever."""


@dataclass(frozen=True)
class Side:
    """A server that speaks MLflow, and the database behind it."""

    name: str
    url: str
    token: str
    database: str
    pid: int
    folder: Path
    experiment: str = ""


@contextlib.contextmanager
def sides(
    folder: Path, workers: Sequence[int] = (1,), databases: Sequence[str] = ()
) -> Generator[list[Side]]:
    """Ours and then upstream's, once with each number of workers, each on a database of its
    own: those that are named, or files."""
    first, *others = databases or [""] * (1 + len(workers))
    with contextlib.ExitStack() as stack:
        present = [stack.enter_context(ours(folder / "ours", first))]
        for count, database in zip(workers, others, strict=True):
            made = theirs(folder / f"theirs-{count}", count, database)
            present.append(stack.enter_context(made))
        yield present


@contextlib.contextmanager
def ours(folder: Path, database: str = "") -> Generator[Side]:
    folder.mkdir(parents=True)
    server = Server(folder / "home", **({"database": database} if database else {}))
    server.start()
    try:
        file = sqlite_url(folder / "home" / "lazur.db")
        url = server.url + "/mlflow"
        side = Side(OURS, url, server.token, database or file, server.pid, folder)
        yield _with_experiment(side)
    finally:
        server.stop()


@contextlib.contextmanager
def theirs(folder: Path, workers: int = 1, database: str = "") -> Generator[Side]:
    """uvicorn with upstream's app and nothing else: faster than `mlflow server`, which also keeps
    processes for jobs."""
    folder.mkdir(parents=True)
    database = database or sqlite_url(folder / "mlflow.db")
    _create_tables(database)
    port = _free_port()
    argv = ["uvicorn", "mlflow.server.fastapi_app:app", "--log-level", "warning"]
    argv += ["--port", str(port), "--workers", str(workers)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *argv],
            cwd=folder,
            env=_environment(folder, database),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, workers, folder / "log")
        name = f"MLflow, {workers} worker{'s' * (workers > 1)}"
        yield _with_experiment(Side(name, url, "none", database, process.pid, folder))
    finally:
        process.terminate()
        process.wait(30)


def ask(side: Side, method: str, path: str, body: Any = None) -> Any:
    """One request of its own, and its JSON."""
    headers = {"Authorization": f"Bearer {side.token}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body)
    status, data = _exchange(side.url, method, path, sent, headers)
    if status != 200:
        raise OSError(f"{side.name}: {method} {path}: {status} {data[:500]!r}")
    return json.loads(data)


def load(side: Side, method: str, path: str, body: str = "", **more: Any) -> Report:
    """Send it many times, from a process of its own. Any failure is an error: a rate of what was
    answered would flatter who answers with errors."""
    where = urlsplit(side.url)
    headers = _HEADERS.format(host=where.netloc, token=side.token) + (_JSON if body else "")
    made = Load(
        host=where.hostname or "",
        port=where.port or 0,
        head=f"{method} {where.path}{path} HTTP/1.1\r\n{headers}",
        body=body,
        **more,
    )
    done = subprocess.run(
        [sys.executable, str(_LOAD)],
        input=json.dumps(vars(made)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = Report(**json.loads(done.stdout))
    if report.failures:
        told = f"{report.failures} of {report.failures + report.count} failed: {report.failure}"
        raise OSError(f"{side.name}: {method} {path}: {told}")
    return report


def seconds(side: Side, method: str, path: str, body: Any = None) -> float:
    """From the first byte that is sent to the last one that comes."""
    sent = "" if body is None else json.dumps(body)
    return load(side, method, path, sent, count=1).latencies[0]


def new_run(side: Side) -> str:
    body = {"experiment_id": side.experiment, "start_time": 1}
    return str(ask(side, "POST", f"{API}/runs/create", body)["run"]["info"]["run_id"])


def without_mlflow() -> dict[str, str]:
    """This process's environment, without what would tell MLflow anything."""
    return {k: v for k, v in os.environ.items() if "MLFLOW_" not in k} | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _with_experiment(side: Side) -> Side:
    made = ask(side, "POST", f"{API}/experiments/create", {"name": "bench"})
    return replace(side, experiment=str(made["experiment_id"]))


def _create_tables(database: str) -> None:
    """Upstream's, as its own tool makes them, without our indexes."""
    db = Database(database)
    with db.write() as connection:
        for statement in schema.script(connection.dialect.name):
            connection.exec_driver_sql(statement)
    db.close()


def _environment(folder: Path, database: str) -> dict[str, str]:
    return {
        **without_mlflow(),
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": _POOL,
        "_MLFLOW_SERVER_FILE_STORE": postgresql.for_mlflow(database),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }


def _wait(process: subprocess.Popen[bytes], url: str, workers: int, log: Path) -> None:
    """Until each worker has answered, or nearly surely so."""
    give_up = time.monotonic() + 120
    answered = 0
    while answered < workers * 5:
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(log.read_text()[-2000:])
        try:
            _exchange(url, "GET", f"{API}/experiments/get?experiment_id=0")
            answered += 1
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)


def _exchange(
    url: str,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    where = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(where.netloc, timeout=120)) as connection:
        connection.request(method, where.path + path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
