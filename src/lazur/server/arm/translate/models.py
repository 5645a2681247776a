"""Models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.server.arm.translate.cases import mapping
from lazur.server.arm.translate.places import Here
from lazur.server.arm.translate.references import written

_TEMPLATES = {
    "default_deployment_template": "defaultDeploymentTemplate",
    "allowed_deployment_templates": "allowedDeploymentTemplates",
}


def from_arm(given: Mapping[str, Any], here: Here) -> dict[str, Any]:
    """The job is told by the path, and not taken from who says it."""
    made: dict[str, Any] = {"type": given.get("modelType") or "custom_model"}
    if isinstance(uri := given.get("modelUri"), str) and uri:
        made["path"] = here.stored(uri)
    flavors = mapping(given.get("flavors"))
    if flavors:
        made["flavors"] = {name: mapping(one).get("data") or {} for name, one in flavors.items()}
    if given.get("stage"):
        made["stage"] = given["stage"]
    if metadata := mapping(given.get("systemMetadata")):
        made["system_metadata"] = metadata
    if template := mapping(given.get(_TEMPLATES["default_deployment_template"])):
        made["default_deployment_template"] = {"asset_id": _asset(template)}
    if several := given.get(_TEMPLATES["allowed_deployment_templates"]):
        made["allowed_deployment_templates"] = [{"asset_id": _asset(one)} for one in several]
    return made


def to_arm(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    flavors = mapping(view.get("flavors"))
    made: dict[str, Any] = {
        "modelType": view.get("type") or "custom_model",
        "modelUri": here.uri(view.get("path")),
        "flavors": {name: {"data": mapping(one)} for name, one in flavors.items()},
        "jobName": view.get("job_name"),
        "stage": view.get("stage"),
    }
    if metadata := mapping(view.get("system_metadata")):
        made["systemMetadata"] = metadata
    if template := mapping(view.get("default_deployment_template")):
        made["defaultDeploymentTemplate"] = {"assetId": template.get("asset_id")}
    if several := view.get("allowed_deployment_templates"):
        made["allowedDeploymentTemplates"] = [{"assetId": one.get("asset_id")} for one in several]
    return made


def container(view: Mapping[str, Any]) -> dict[str, Any]:
    return {"modelType": view.get("type") or "custom_model"}


def _asset(template: Any) -> str | None:
    body = mapping(template)
    return written(body.get("assetId") or body.get("asset_id"))
