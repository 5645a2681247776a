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
from typing import Any, cast

from lazur.engine.states import State
from lazur.errors import LazurError
from lazur.safe import SafeRoot
from lazur.services.site import Site
from lazur.spec import yaml
from lazur.store.jobs import JobRow

_RUNNING = 1
_ENDS = {State.COMPLETED: 3, State.FAILED: 4, State.CANCELED: 5}
"""MLflow's FINISHED, FAILED, KILLED."""
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


def end(site: Site, row: JobRow, state: State, ended: float) -> None:
    """A run that its script did not end, since it never used MLflow or was killed, ends as its job
    did. What the script said itself stays. Twice is once."""
    root = site.home.datastore(row.workspace, "mlruns")
    path = f"{_experiment_id(row.experiment_name)}/{row.name}/meta.yaml"
    try:
        with SafeRoot(root) as safe:
            with safe.open(path) as file:
                found = yaml.load(file.read(yaml.MAX_BYTES + 1)).value
            run = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
            if run.get("status") != _RUNNING:
                return
            run |= {"status": _ENDS[state], "end_time": int(ended * 1000)}
            with safe.open(f"{path}.new", "wb") as file:
                file.write(json.dumps(run).encode())
            safe.rename(f"{path}.new", path)
    except (LazurError, FileNotFoundError):
        # It never began, or the job left something else in its place: not ours to judge.
        return


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
