"""Prints every route of the installed MLflow: `python -m tests.server.mlflow.introspection`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    os.environ |= {
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'x.db'}",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    from mlflow.server import app as flask_app  # noqa: PLC0415 - after its settings
    from mlflow.server.fastapi_app import app  # noqa: PLC0415

    found = {
        (method, str(rule))
        for rule in flask_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}
    }
    print(json.dumps(sorted(found | set(_walk(app.routes)))))


@cache
def routes() -> list[tuple[str, str]]:
    """Of the installed MLflow, as (method, path)."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.server.mlflow.introspection"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


def sample(path: str, value: str = "x1") -> str:
    """The path with something in its places."""
    return re.sub(r"<[^>]*>|{[^}]*}", value, path)


def _walk(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if (inner := getattr(route, "original_router", None)) is not None:
            below = getattr(route.include_context, "prefix", "")
            yield from _walk(inner.routes, prefix + below)
        else:
            for method in getattr(route, "methods", None) or ():
                yield method, prefix + route.path


if __name__ == "__main__":
    main()
