"""Which artifacts upstream's code may open: those of the workspace that asks.

Where a trace's files lie is a tag, which whoever writes traces sets; where a model version's lie
says whoever registers it. What upstream would open there, it would open with the server's rights.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

_LEAD_ON = frozenset({"mlflow-artifacts", "runs", "models"})
"""What these lead to is looked at in its turn, or lies behind the server's own routes."""
_LOCAL = frozenset({"", "file"})


def restrict(destination: Path | None = None) -> None:
    """From now on, for this process and for good. Below `destination`, each workspace has its own
    files; where there is none, no file of this machine is opened."""
    registry: Any = importlib.import_module(
        "mlflow.store.artifact.artifact_repository_registry"
    )._artifact_repository_registry
    open_ = registry.get_artifact_repository

    def look(artifact_uri: Any, *more: Any, **named: Any) -> Any:
        _check(str(artifact_uri), destination)
        return open_(artifact_uri, *more, **named)

    registry.get_artifact_repository = look


def is_beneath(root: Path, path: str) -> bool:
    """After links were followed: a job may have made some."""
    return Path(os.path.realpath(root)) in Path(os.path.realpath(path)).parents


def _check(uri: str, destination: Path | None) -> None:
    scheme = importlib.import_module("mlflow.utils.uri").get_uri_scheme(uri)
    if scheme in _LEAD_ON or (scheme in _LOCAL and destination and _is_own(uri, destination)):
        return
    raise importlib.import_module("mlflow.exceptions").MlflowException(
        f"These artifacts lie at {uri[:200]!r}, which is not this workspace's place on this "
        "server, so the server does not open it. Read them from there with your own credentials.",
        error_code=importlib.import_module("mlflow.protos.databricks_pb2").PERMISSION_DENIED,
    )


def _is_own(uri: str, destination: Path) -> bool:
    space = importlib.import_module("mlflow.utils.workspace_context").get_request_workspace()
    path = importlib.import_module("mlflow.utils.file_utils").local_file_uri_to_path(uri)
    return bool(space) and is_beneath(destination / "workspaces" / space, path)
