"""Replies in the shape in which Azure documents them, over HTTP: MLflow's protocol at the address
that a workspace has for it, and the run history. Where they differ from what our own server says
(names of runs, 64-bit numbers as texts, fields that are left out), whoever reads them has to cope.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ROOM = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/science/providers"
    "/Microsoft.MachineLearningServices/workspaces/lab"
)
MLFLOW = f"/mlflow/v1.0{ROOM}/api/2.0/mlflow/"
HISTORY = f"/history/v1.0{ROOM}/experimentids/"
METRICS = f"/metric/v2.0{ROOM}/runs/"
CREDIT, IDLE, OLD = (f"{n}d9a6c1e-7c1e-4c3f-9a55-2f2f2f2f2f2f" for n in range(3))
PARENT, CHILD, LIVE = "brave_kite_1x2y3z", "brave_kite_1x2y3z_0", "jolly_spoon_9k8j7h"
START = 1_730_000_000_000


def run(name: str, **more: Any) -> dict[str, Any]:
    """As `runs/search` tells it."""
    tags = {
        "mlflow.user": "A Person",
        "mlflow.rootRunId": more.get("root", name),
        "mlflow.runName": more.get("shown", name),
        **more.get("tags", {}),
    }
    info = {
        "run_uuid": name,
        "run_id": name,
        "experiment_id": more.get("experiment", CREDIT),
        "user_id": "",
        "status": more.get("status", "FINISHED"),
        "start_time": str(START),
        "artifact_uri": f"azureml://westeurope.api.azureml.ms/mlflow/v2.0{ROOM}/experiments/"
        f"{CREDIT}/runs/{name}/artifacts",
        "lifecycle_stage": more.get("stage", "active"),
    }
    if info["status"] != "RUNNING":
        info["end_time"] = str(START + 60_000)
    last = [
        {"key": key, **points[-1]} for key, points in more.get("metrics", {}).items() if points
    ]
    data = {
        "metrics": last,
        "params": [{"key": key, "value": value} for key, value in more.get("params", {}).items()],
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    return {"info": info, "data": data, "inputs": {}}


@dataclass
class Azure:
    """One workspace. Tests change what it holds."""

    url: str = ""
    experiments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    runs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    points: dict[tuple[str, str], list[dict[str, Any]]] = field(
        default_factory=dict[tuple[str, str], list[dict[str, Any]]]
    )
    files: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])
    tables: dict[tuple[str, str], list[dict[str, Any]]] = field(
        default_factory=dict[tuple[str, str], list[dict[str, Any]]]
    )
    """Of a run and a name, what SDK v1 has logged: values by column."""
    busy: int = 0
    """So many requests are told to come again."""
    broken: str = ""
    """What has this in its address is refused."""
    unknown: str = ""
    """And this is not known."""
    asked: list[str] = field(default_factory=list[str])

    def answer(self, method: str, target: str, headers: Any, body: Any) -> tuple[int, Any]:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        self.asked.append(f"{method} {parts.path}")
        if parts.path.startswith("/blob/"):
            assert "Authorization" not in headers
            assert query["sig"] == "signed"
            _, _, whose, *rest = parts.path.split("/")
            return 200, self.files[whose, "/".join(rest)]
        if headers.get("Authorization") != "Bearer good":
            return 401, {"error": {"code": "UserError", "message": "Bearer token not provided."}}
        if self.busy:
            self.busy -= 1
            return 429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Slow down."}
        if self.broken and self.broken in target:
            return 403, {"error": {"code": "UserError", "message": "No permission."}}
        if self.unknown and self.unknown in target:
            return 404, {"error": {"code": "UserError", "message": "Not found."}}
        return 200, self._told(parts.path, {**query, **body})

    def _told(self, path: str, asked: dict[str, Any]) -> Any:
        if path == f"{MLFLOW}experiments/search":
            assert asked["view_type"] == "ALL"
            return self._page("experiments", self.experiments, asked)
        if path == f"{MLFLOW}runs/search":
            assert asked["run_view_type"] == "ALL"
            found = [r for r in self.runs if r["info"]["experiment_id"] in asked["experiment_ids"]]
            return self._page("runs", found, asked)
        if path == f"{MLFLOW}metrics/get-history":
            points = self.points[asked["run_id"], asked["metric_key"]]
            named = [{"key": asked["metric_key"], **point} for point in points]
            return self._page("metrics", named, asked)
        if path.startswith(METRICS):
            whose, _, verb = path.removeprefix(METRICS).partition("/")
            return self._metrics(whose, verb, asked)
        found = re.fullmatch(f"{re.escape(HISTORY)}([^/]+)/runs/([^/]+)/artifacts(.*)", path)
        assert found, path
        whose = found[2]
        if found[3] == "/contentinfo":
            signed = f"{self.url}/blob/{whose}/{asked['path']}?sv=2025-01-05&sig=signed"
            return {"contentUri": signed, **self._artifact(whose, asked["path"])}
        listed = [self._artifact(run, name) for run, name in self.files if run == whose]
        return {"value": listed, "continuationToken": None, "nextLink": None}

    def _metrics(self, whose: str, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
        """All of them, numbers too; two at a time."""
        if verb == "list":
            named = {
                **{key: {key: "Double"} for run, key in self.points if run == whose},
                **{
                    key: _columns(rows) for (run, key), rows in self.tables.items() if run == whose
                },
            }
            value = [
                {
                    "metricKey": {"namespace": "", "name": name, "labels": None},
                    "columns": columns,
                    "properties": {"uxMetricType": "azureml.v1.table"},
                }
                for name, columns in named.items()
            ]
        else:
            rows = self.tables[whose, asked["metricName"]]
            value = [{"metricId": str(n), "step": n, "data": row} for n, row in enumerate(rows)]
        at = int(asked.get("continuationToken") or 0)
        token = str(at + 2) if len(value) > at + 2 else None
        return {"value": value[at : at + 2], "continuationToken": token, "nextLink": None}

    def _page(self, what: str, found: list[Any], asked: dict[str, Any]) -> dict[str, Any]:
        """Two at a time."""
        at = int(asked.get("page_token") or 0)
        more = {"next_page_token": str(at + 2)} if len(found) > at + 2 else {}
        return {what: found[at : at + 2], **more}

    def _artifact(self, run: str, path: str) -> dict[str, Any]:
        return {
            "artifactId": f"ExperimentRun/dcid.{run}/{path}",
            "origin": "ExperimentRun",
            "container": f"dcid.{run}",
            "path": path,
            "etag": '"0x8D9"',
            "createdTime": "2024-10-27T03:33:20.0000000+00:00",
            "dataPath": None,
            "tags": {},
        }


def _columns(rows: list[dict[str, Any]]) -> dict[str, str]:
    kinds = {str: "String", float: "Double", int: "Int"}
    return {name: kinds.get(type(value), "Artifact") for name, value in rows[0].items()}


def filled() -> Azure:
    """A workspace in which somebody has worked."""
    made = Azure()
    made.experiments = [
        {
            "experiment_id": CREDIT,
            "name": "credit-default",
            "lifecycle_stage": "active",
            "tags": [
                {"key": "mlflow.note.content", "value": "Who pays"},
                {"key": "team", "value": "risk"},
            ],
        },
        {"experiment_id": IDLE, "name": "idle", "lifecycle_stage": "active", "tags": []},
    ]
    made.tables = {
        (PARENT, "loss by store/region"): [{"store": n, "loss": n / 2} for n in range(3)],
        (PARENT, "note"): [{"note": "as in May"}],
    }
    loss = [{"value": 1.5 - n / 4, "timestamp": START + n, "step": str(n)} for n in range(5)]
    odd = [{"value": "NaN", "timestamp": str(START)}, {"value": "Infinity", "timestamp": START}]
    made.points = {
        (PARENT, "loss"): loss,
        (PARENT, "odd"): odd,
        (CHILD, "loss"): loss[:1],
        (LIVE, "loss"): loss[:2],
    }
    made.runs = [
        run(LIVE, status="RUNNING", metrics={"loss": loss[:2]}),
        run(
            CHILD,
            root=PARENT,
            shown="trial 0",
            status="FAILED",
            tags={"mlflow.parentRunId": PARENT},
            metrics={"loss": loss[:1]},
        ),
        run(
            PARENT,
            shown="Sweep of October",
            tags={"team": "risk", "long": "x" * 9000},
            params={"lr": "0.1"},
            metrics={"loss": loss, "odd": odd},
        ),
    ]
    made.files = {
        (PARENT, "model/MLmodel"): b"flavors: {}\n",
        (PARENT, "plot.png"): b"\x89" * 3000,
    }
    return made


@contextmanager
def served(azure: Azure) -> Iterator[Azure]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            status, told = azure.answer(self.command, self.path, self.headers, body)
            data = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - its name there
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    azure.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield azure
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
