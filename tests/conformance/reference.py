"""Upstream's own server, one worker, in the workspace that ours would be: `X-MLFLOW-WORKSPACE` is
set here as our server sets it. Nothing else about upstream is touched.

    python -m tests.conformance.reference PORT     (its settings are in the environment)
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import uvicorn

SPACE = "ws-1"
_HEADER = b"x-mlflow-workspace"


def main() -> None:
    _make_space()
    app = importlib.import_module("mlflow.server.fastapi_app").app
    uvicorn.run(_placed(app), port=int(sys.argv[1]), log_level="warning")


def _make_space() -> None:
    """With the experiment that each of our workspaces begins with."""
    handlers = importlib.import_module("mlflow.server.handlers")
    helpers = importlib.import_module("mlflow.server.workspace_helpers")
    entities = importlib.import_module("mlflow.entities")
    context = importlib.import_module("mlflow.utils.workspace_context")
    tracking = handlers._get_tracking_store()
    helpers._get_workspace_store().create_workspace(entities.Workspace(name=SPACE))
    with context.WorkspaceContext(SPACE):
        tracking.create_experiment("Default")


def _placed(app: Any) -> Any:
    async def place(scope: Any, receive: Any, send: Any) -> None:
        if "headers" in scope:
            others = [pair for pair in scope["headers"] if pair[0] != _HEADER]
            scope = {**scope, "headers": [*others, (_HEADER, SPACE.encode())]}
        await app(scope, receive, send)

    return place


if __name__ == "__main__":
    main()
