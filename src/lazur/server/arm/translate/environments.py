"""Environments: an image, conda's file as text, a folder to build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from lazur.server.arm.translate.cases import mapping
from lazur.server.arm.translate.places import Here
from lazur.spec.yaml import load

_ROUTES = {
    "liveness_route": "livenessRoute",
    "readiness_route": "readinessRoute",
    "scoring_route": "scoringRoute",
}


def from_arm(given: Mapping[str, Any], here: Here) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if given.get("image"):
        made["image"] = given["image"]
    if given.get("condaFile"):
        made["conda_file"] = _conda(given["condaFile"])
    if build := mapping(given.get("build")):
        made["build"] = {"dockerfile_path": build.get("dockerfilePath") or "Dockerfile"}
        if uri := build.get("contextUri"):
            made["build"]["path"] = here.written(str(uri))
    if config := mapping(given.get("inferenceConfig")):
        routes = {ours: mapping(config.get(arm)) for ours, arm in _ROUTES.items()}
        made["inference_config"] = {ours: route for ours, route in routes.items() if route}
    if given.get("osType"):
        made["os_type"] = str(given["osType"]).lower()
    return made


def to_arm(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    conda = view.get("conda_file")
    made: dict[str, Any] = {
        "environmentType": "Curated" if view.get("registry") == "azureml" else "UserCreated",
        "image": view.get("image"),
        "condaFile": _text(conda) if isinstance(conda, Mapping) else conda,
        "osType": str(view.get("os_type") or "linux").capitalize(),
        "autoRebuild": "Disabled",
    }
    if build := mapping(view.get("build")):
        made["build"] = {
            "contextUri": here.address(build.get("path")),
            "dockerfilePath": build.get("dockerfile_path") or "Dockerfile",
        }
    if config := mapping(view.get("inference_config")):
        made["inferenceConfig"] = {
            arm: config[ours] for ours, arm in _ROUTES.items() if ours in config
        }
    return {key: value for key, value in made.items() if value is not None}


def container(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _conda(text: Any) -> Any:
    return load(text, "condaFile").value if isinstance(text, str) else text


def _text(conda: Any) -> str:
    return yaml.safe_dump(dict(conda), sort_keys=False, allow_unicode=True)
