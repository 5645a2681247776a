"""Runs that a script would have made, by MLflow's own API."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.cli.conftest import Cli


@dataclass(frozen=True)
class Tracker:
    """What an MLflow client is to a server."""

    uri: str
    token: str

    @classmethod
    def of(cls, lazur: Cli, workspace: str = "default") -> Tracker:
        """By what `lazur mlflow-uri` prints."""
        told = ("mlflow-uri", "-w", workspace)
        return cls(lazur(*told).out.strip(), lazur(*told, "--token").out.strip())

    def run(
        self,
        name: str,
        metrics: dict[str, list[float]] | None = None,
        params: dict[str, str] | None = None,
        experiment: str | None = None,
    ) -> str:
        """Its id; it has ended."""
        number = self._experiment(experiment) if experiment else "0"
        asked = {"experiment_id": number, "run_name": name, "start_time": 1_700_000_000_000}
        run = self.post("runs/create", asked)["run"]["info"]["run_id"]
        points = [
            {"key": key, "value": value, "step": step, "timestamp": 1_700_000_000_000 + step}
            for key, values in (metrics or {}).items()
            for step, value in enumerate(values)
        ]
        pairs = [{"key": key, "value": value} for key, value in (params or {}).items()]
        self.post("runs/log-batch", {"run_id": run, "metrics": points, "params": pairs})
        ended = {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_002_000}
        self.post("runs/update", ended)
        return run

    def upload(self, run: str, path: str, data: bytes) -> None:
        artifacts = f"{self.uri}/api/2.0/mlflow-artifacts/artifacts"
        info = self._ask("GET", f"{self.uri}/api/2.0/mlflow/runs/get?run_id={run}")["run"]["info"]
        place = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
        self._ask("PUT", f"{artifacts}/{place}/{path}", data)

    def register(self, name: str, run: str) -> None:
        self.post("registered-models/create", {"name": name})
        version = {"name": name, "source": f"runs:/{run}/model", "run_id": run}
        self.post("model-versions/create", version)

    def post(self, verb: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", f"{self.uri}/api/2.0/mlflow/{verb}", json.dumps(body).encode())

    def _experiment(self, name: str) -> str:
        return self.post("experiments/create", {"name": name})["experiment_id"]

    def _ask(self, method: str, url: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"{}")
