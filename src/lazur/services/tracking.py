"""Every job is an MLflow run of the same name, from its first line on.

Until a tracking server of our own is there, runs lie in MLflow's file store in the workspace's
folder, which every
MLflow reads and writes without a server; the run is made here, before the job starts, so that a
script that calls
`mlflow.log_metric` and nothing else logs to its own job.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lazur.services.site import Site
from lazur.store.jobs import JobRow

_RUNNING = 1
_LOCAL_SOURCE = 4


def begin(site: Site, row: JobRow) -> dict[str, str]:
    """Make the run, and return the variables by which MLflow finds it. Twice is once."""
    root = site.home.datastore(row.workspace, "mlruns")
    experiment = _experiment_id(row.experiment_name)
    started = int(row.created_at * 1000)
    _write(
        root / experiment / "meta.yaml",
        {
            "artifact_location": (root / experiment).as_uri(),
            "creation_time": started,
            "experiment_id": experiment,
            "last_update_time": started,
            "lifecycle_stage": "active",
            "name": row.experiment_name,
        },
    )
    _write(
        root / experiment / row.name / "meta.yaml",
        {
            "artifact_uri": site.home.artifacts(row.workspace, row.name).as_uri(),
            "end_time": None,
            "entry_point_name": "",
            "experiment_id": experiment,
            "lifecycle_stage": "active",
            "run_id": row.name,
            "run_name": row.display_name or row.name,
            "run_uuid": row.name,
            "source_name": "",
            "source_type": _LOCAL_SOURCE,
            "source_version": "",
            "start_time": started,
            "status": _RUNNING,
            "tags": [],
            "user_id": row.created_by,
        },
    )
    for kept in ("metrics", "params", "tags", "artifacts"):
        (root / experiment / row.name / kept).mkdir(exist_ok=True)
    return {
        "MLFLOW_TRACKING_URI": root.as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_EXPERIMENT_NAME": row.experiment_name,
        "MLFLOW_EXPERIMENT_ID": experiment,
        "MLFLOW_RUN_ID": row.name,
    }


def _experiment_id(name: str) -> str:
    """The same for the same name, so that no two jobs can make one experiment twice."""
    return str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7]))


def _write(path: Path, values: dict[str, object]) -> None:
    """JSON is YAML. A file that is there stays: MLflow may have written to it since."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            json.dump(values, file)
    except FileExistsError:
        return
