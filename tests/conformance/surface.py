"""What upstream offers: the public functions of its client and the routes of its server, found by
looking at the installed MLflow.

    python -m tests.conformance.surface      as JSON; run in a process of its own: mlflow is heavy
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

MODULES = (
    "mlflow",
    "mlflow.artifacts",
    "mlflow.genai",
    "mlflow.genai.datasets",
    "mlflow.tracing",
)
"""Where the fluent API's functions are, for people to call."""
_CONVERTERS = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>|\{\w+(?::(\w+))?\}")

_PLACE = re.compile(r"<[^>]*>|\{[^}]*\}")


@dataclass(frozen=True)
class Route:
    method: str
    path: str

    @property
    def short(self) -> str:
        """The same for its twins below `/api/` and `/ajax-api/`, by Flask and by FastAPI."""
        path = _CONVERTERS.sub("*", re.sub(r"^/(ajax-)?api/", "", self.path))
        return f"{self.method} {path}"

    def at(self, value: str = "x1") -> str:
        """The path with something in its places."""
        return filled(self.path, value)


def filled(path: str, value: str = "x1") -> str:
    return _PLACE.sub(value, path)


@cache
def functions() -> list[str]:
    """`MlflowClient.create_run`, `mlflow.log_metric`, …"""
    return _asked()["functions"]


@cache
def routes() -> list[Route]:
    return [Route(*pair) for pair in _asked()["routes"]]


def matching(method: str, path: str) -> Route | None:
    """Which route upstream takes for a request: its first, with the plainest path."""
    method = "GET" if method == "HEAD" else method
    found = [r for r in routes() if r.method == method and _pattern(r.path).fullmatch(path)]
    return min(found, key=_plainness, default=None)


@cache
def _asked() -> dict[str, Any]:
    argv = [sys.executable, "-W", "ignore", "-m", "tests.conformance.surface"]
    return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    literal = _CONVERTERS.split(path)[::3]
    kinds = [found[1] or found[2] for found in _CONVERTERS.finditer(path)]
    parts = [".+" if kind == "path" else "[^/]+" for kind in kinds]
    text = "".join(re.escape(a) + b for a, b in zip(literal, [*parts, ""], strict=True))
    return re.compile(text, re.DOTALL)


def _plainness(route: Route) -> tuple[int, int]:
    return -len(_CONVERTERS.sub("", route.path)), len(_CONVERTERS.findall(route.path))


def main() -> None:
    found = {
        "functions": sorted(_functions()),
        "routes": sorted(set(_routes())),
    }
    print(json.dumps(found))


def _functions() -> Iterator[str]:
    client = importlib.import_module("mlflow").MlflowClient
    for name, member in inspect.getmembers(client):
        if not name.startswith("_") and not inspect.isclass(member):
            yield f"MlflowClient.{name}"
    for path in MODULES:
        module = importlib.import_module(path)
        yield from (f"{path}.{name}" for name in _public(module))


def _public(module: ModuleType) -> Iterator[str]:
    """By `__all__`; a module without it means what it defines."""
    declared = getattr(module, "__all__", None)
    for name in declared or [n for n in dir(module) if not n.startswith("_")]:
        found = getattr(module, name)
        if inspect.isfunction(found) and (declared or found.__module__ == module.__name__):
            yield name


def _routes() -> Iterator[tuple[str, str]]:
    app = importlib.import_module("mlflow.server.fastapi_app").app
    yield from _native(app.routes, "")
    for rule in importlib.import_module("mlflow.server").app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, rule.rule


def _native(found: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """FastAPI keeps the routers that were included, each with routes of its own."""
    for route in found:
        if inner := getattr(route, "original_router", None):
            yield from _native(inner.routes, prefix + route.include_context.prefix)
        for method in (getattr(route, "methods", None) or set()) - {"HEAD", "OPTIONS"}:
            yield method, prefix + route.path


if __name__ == "__main__":
    main()
