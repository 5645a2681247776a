"""Every route that upstream serves, asked for what is not there or makes no sense."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.conformance.scene import Scene
from tests.conformance.surface import Route, routes

_LEFT_OUT = re.compile(
    r"/(?:ajax-)?api/3\.0/mlflow/(?:assistant|demo|workspaces)\b|/build/|/static-files/"
)
"""Not served here on purpose (differences.py), or no API."""
_ABSENT = "0" * 32


def of_nothing(scene: Scene) -> None:
    for route, path in _asked():
        scene.http(route.method, path)


def of_nonsense(scene: Scene) -> None:
    """Fields that nobody knows."""
    for route, path in _asked():
        scene.http(route.method, path, **_told(route, {"nonsense": 1}))


def of_the_absent(scene: Scene) -> None:
    """Well-formed, and about nothing that exists."""
    fields: dict[str, object] = {
        "run_id": _ABSENT,
        "run_uuid": _ABSENT,
        "experiment_id": "987654",
        "name": "absent",
        "version": "1",
        "key": "absent",
        "value": "1",
        "path": "absent",
        "trace_id": f"tr-{_ABSENT}",
        "model_id": f"m-{_ABSENT}",
    }
    for route, path in _asked():
        scene.http(route.method, path, **_told(route, fields))


def of_no_json(scene: Scene) -> None:
    headers = {"content-type": "application/json"}
    for route, path in _asked():
        if route.method != "GET":
            scene.http(route.method, path, data=b"{not json", headers=headers)


def of_other_types(scene: Scene) -> None:
    """Known fields that hold something else."""
    fields = {"run_id": 5, "experiment_id": ["1"], "name": {"a": 1}, "key": None, "metrics": "x"}
    for route, path in _asked():
        if route.method != "GET":
            scene.http(route.method, path, json=fields)


def _told(route: Route, fields: dict[str, object]) -> dict[str, object]:
    return {"params" if route.method == "GET" else "json": fields}


def _asked() -> Iterator[tuple[Route, str]]:
    for route in routes():
        if not _LEFT_OUT.match(route.path):
            yield route, route.at("absent")
