"""A training script as it was written for MLflow 2. It runs in an environment of its own, with an
older MLflow and nothing of this repository, and prints what it saw."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow import artifacts
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LogisticRegression

WANTED = "metrics.loss < 0.5 AND params.kind = 'é'"
NAME = f"older-{mlflow.__version__}"
ROWS = [[float(n), float(n % 3)] for n in range(12)]
LABELS = [n % 2 for n in range(12)]


def main() -> None:
    mlflow.set_experiment(NAME)
    with mlflow.start_run(run_name="a run") as run:
        log()
        fitted = LogisticRegression(C=0.5).fit(ROWS, LABELS)
        mlflow.sklearn.log_model(fitted, "model", registered_model_name=NAME)  # type: ignore[attr-defined]
    print(json.dumps(seen(run.info.run_id), sort_keys=True, default=str))


def log() -> None:
    mlflow.log_params({"rate": 0.1, "kind": "é"})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"a": 1.0, "b": float("nan")}, step=1)
    mlflow.set_tags({"owner": "me", "mlflow.note.content": "# said"})
    mlflow.log_text("text", "texts/a.txt")
    mlflow.log_dict({"a": [1]}, "a.json")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("one", "two"):
            Path(folder, name).write_text(name * 1000)
        mlflow.log_artifacts(folder, "files")


def seen(run_id: str) -> dict[str, Any]:
    client = MlflowClient()
    run = client.get_run(run_id)
    client.set_registered_model_alias(NAME, "champion", "1")
    client.transition_model_version_stage(NAME, "1", "Production")
    loaded = [
        mlflow.pyfunc.load_model(uri).predict(ROWS).tolist()
        for uri in (f"runs:/{run_id}/model", f"models:/{NAME}/1", f"models:/{NAME}@champion")
    ]
    found = mlflow.search_runs([run.info.experiment_id], WANTED)
    return {
        "status": run.info.status,
        "params": run.data.params,
        "metrics": {key: str(value) for key, value in run.data.metrics.items()},
        "tags": sorted(run.data.tags),
        "history": [(m.step, m.value) for m in client.get_metric_history(run_id, "loss")],
        "files": sorted((f.path, f.file_size) for f in client.list_artifacts(run_id, "files")),
        "text": artifacts.load_text(f"runs:/{run_id}/texts/a.txt"),
        "found": len(found),
        "loaded": loaded,
        "version": client.get_model_version(NAME, "1").current_stage,
    }


if __name__ == "__main__":
    main()
