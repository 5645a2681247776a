"""Computes: a cluster or an instance of a workspace's own; and the server's, as a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.server.arm.ids import PROVIDER, Ids
from lazur.server.arm.translate.cases import duration, given, mapping, pascal, seconds, snake
from lazur.server.arm.translate.common import resource
from lazur.spec.model import squashed

_CLUSTER, _INSTANCE = "amlcompute", "computeinstance"
_SPELLED = {_CLUSTER: "AmlCompute", _INSTANCE: "ComputeInstance"}
_PLAIN = {
    "vmSize": "size",
    "enableNodePublicIp": "enable_node_public_ip",
    "enableSso": "enable_sso",
    "enableRootAccess": "enable_root_access",
    "releaseQuotaOnStop": "release_quota_on_stop",
    "enableOSPatching": "enable_os_patching",
    "idleTimeBeforeShutdown": "idle_time_before_shutdown",
}
"""Azure's names, and YAML's, of what both have in one place."""


def from_arm(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """As its YAML."""
    outer = mapping(body.get("properties"))
    inner = mapping(outer.get("properties"))
    kind = squashed(outer.get("computeType"))
    spec = given(
        name=name,
        type=kind or None,
        description=outer.get("description"),
        tags=body.get("tags"),
        location=body.get("location"),
        resource_id=outer.get("resourceId"),
        tier=snake(str(inner["vmPriority"])) if inner.get("vmPriority") else None,
        schedules=mapping(inner.get("schedules")) or None,
        setup_scripts=inner.get("setupScripts"),
        custom_applications=inner.get("customServices"),
    )
    spec |= given(**{ours: inner.get(theirs) for theirs, ours in _PLAIN.items()})
    if kind == _CLUSTER:
        spec |= _scale(mapping(inner.get("scaleSettings")))
    access = inner.get("remoteLoginPortPublicAccess")
    if access in {"Enabled", "Disabled"}:
        spec["ssh_public_access_enabled"] = access == "Enabled"
    return spec


def to_arm(view: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    name = view["name"]
    kind = squashed(view["type"])
    made = mapping(view.get("creation_context"))
    instance = kind == _INSTANCE
    properties = {
        "computeType": _SPELLED.get(kind, "AmlCompute"),
        "computeLocation": "local",
        "description": view.get("description"),
        "provisioningState": view.get("provisioning_state") or "Succeeded",
        "provisioningErrors": None,
        "createdOn": made.get("created_at"),
        "modifiedOn": made.get("last_modified_at") or made.get("created_at"),
        "disableLocalAuth": True,
        "isAttachedCompute": False,
        "resourceId": view.get("resource_id"),
        "properties": _instance(view) if instance else _cluster(view),
    }
    return {
        **resource(
            view, ids.resource("computes", name), f"{PROVIDER}/workspaces/computes", properties
        ),
        "location": view.get("location") or "local",
        "tags": dict(view.get("tags") or {}),
    }


def _scale(settings: Mapping[str, Any]) -> dict[str, Any]:
    return given(
        min_instances=settings.get("minNodeCount"),
        max_instances=settings.get("maxNodeCount"),
        idle_time_before_scale_down=seconds(settings.get("nodeIdleTimeBeforeScaleDown")),
    )


def _cluster(view: Mapping[str, Any]) -> dict[str, Any]:
    running = mapping(view.get("jobs")).get("Running", 0)
    least = view.get("min_instances") or 0
    return {
        **_plain(view),
        "vmSize": view.get("size") or "local",
        "vmPriority": pascal(view.get("tier") or "dedicated"),
        "osType": "Linux",
        "scaleSettings": {
            "minNodeCount": least,
            "maxNodeCount": view.get("max_instances", 1),
            "nodeIdleTimeBeforeScaleDown": duration(view.get("idle_time_before_scale_down"))
            or "PT2M",
        },
        "remoteLoginPortPublicAccess": _access(view),
        "allocationState": "Steady",
        "currentNodeCount": running,
        "targetNodeCount": running,
        "nodeStateCounts": {"runningNodeCount": running, "idleNodeCount": 0},
    }


def _instance(view: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_plain(view),
        "vmSize": view.get("size") or "local",
        "state": view.get("state") or "Running",
        "applicationSharingPolicy": "Shared",
        "computeInstanceAuthorizationType": "personal",
        "sshSettings": {"sshPublicAccess": "Disabled"},
    }


def _plain(view: Mapping[str, Any]) -> dict[str, Any]:
    return {theirs: view[ours] for theirs, ours in _PLAIN.items() if view.get(ours) is not None}


def _access(view: Mapping[str, Any]) -> str:
    asked = view.get("ssh_public_access_enabled")
    return "NotSpecified" if asked is None else "Enabled" if asked else "Disabled"
