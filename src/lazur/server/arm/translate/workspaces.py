"""Workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Unsupported
from lazur.server.arm.ids import PROVIDER, Ids
from lazur.server.arm.translate import promises
from lazur.server.arm.translate.cases import given, mapping
from lazur.server.arm.translate.common import resource


def to_arm(
    view: Mapping[str, Any], ids: Ids, base: str, *, tenant: str, number: str
) -> dict[str, Any]:
    """What of Azure a workspace here has no counterpart of is named after it."""
    name = view["name"]
    vendor = f"{ids.group}/providers"
    properties = {
        "friendlyName": view.get("display_name") or name,
        "description": view.get("description") or "",
        "workspaceId": number,
        "storageAccount": f"{vendor}/Microsoft.Storage/storageAccounts/{name}",
        "keyVault": f"{vendor}/Microsoft.KeyVault/vaults/{name}",
        "applicationInsights": f"{vendor}/Microsoft.Insights/components/{name}",
        "discoveryUrl": f"{base}/discovery",
        "mlFlowTrackingUri": f"{base}/mlflow/workspaces/{name}",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": view.get("public_network_access") or "Enabled",
        "hbiWorkspace": bool(view.get("hbi_workspace")),
        "v1LegacyMode": False,
        "tenantId": tenant,
        "workspaceHubConfig": {},
    }
    return {
        **resource(view, ids.workspace(name), f"{PROVIDER}/workspaces", properties),
        "location": view.get("location") or "local",
        "kind": "Default",
        "identity": {"type": "SystemAssigned", "principalId": number, "tenantId": tenant},
        "sku": {"name": "Basic", "tier": "Basic"},
        "tags": dict(view.get("tags") or {}),
    }


def from_arm(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """As its YAML."""
    _refuse(str(body.get("kind") or "Default"))
    return {"name": name, **notes(body)}


def notes(body: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What may be changed, of one that is `known`."""
    properties = mapping(body.get("properties"))
    promises.check(properties, known)
    return given(
        display_name=properties.get("friendlyName"),
        description=properties.get("description"),
        tags=body.get("tags"),
    )


def from_template(values: Mapping[str, Any]) -> dict[str, Any]:
    """By the parameters of the template that Azure's client sends."""
    _refuse(str(values.get("kind") or "Default"))
    promises.check(values)
    name = values.get("workspaceName")
    if not isinstance(name, str) or not name:
        raise Unsupported(
            "Of templates, only those that Azure's client makes workspaces by are taken.",
            hint="Make it with ml_client.workspaces.begin_create, or: lazur workspace create",
        )
    tags = mapping(values.get("tagValues"))
    return given(
        name=name,
        display_name=values.get("friendlyName") or None,
        description=values.get("description") or None,
        tags={key: str(value) for key, value in tags.items()} or None,
    )


def _refuse(kind: str) -> None:
    if kind.lower() != "default":
        raise Unsupported(
            f"Workspaces of the kind {kind[:40]!r} are not there.",
            hint="Hubs, projects and feature stores of Azure have no counterpart yet: make a "
            "workspace without a kind.",
        )
