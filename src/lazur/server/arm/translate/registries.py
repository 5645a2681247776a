"""Registries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.server.arm.ids import PROVIDER, Ids
from lazur.server.arm.translate import promises
from lazur.server.arm.translate.cases import mapping
from lazur.server.arm.translate.common import resource


def from_arm(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    given = mapping(body.get("properties"))
    made: dict[str, Any] = {"name": name}
    for field in ("description", "tags", "location"):
        if body.get(field):
            made[field] = body[field]
    promises.check(given)
    if given.get("publicNetworkAccess"):
        made["public_network_access"] = given["publicNetworkAccess"]
    regions = [mapping(one).get("location") for one in given.get("regionDetails") or []]
    if regions := [one for one in regions if one]:
        made["replication_locations"] = [{"location": one} for one in regions]
    return made


def to_arm(view: Mapping[str, Any], ids: Ids, base: str) -> dict[str, Any]:
    location = view.get("location") or "local"
    regions = [mapping(one).get("location") for one in view.get("replication_locations") or []]
    properties = {
        "publicNetworkAccess": view.get("public_network_access") or "Enabled",
        "discoveryUrl": discovery_url(base, view["name"]),
        "intellectualPropertyPublisher": None,
        "managedResourceGroup": {"resourceId": ids.group},
        "mlFlowRegistryUri": None,
        "regionDetails": [_region(one) for one in regions or [location]],
        "provisioningState": "Succeeded",
    }
    return {
        **resource(view, ids.registry(view["name"]), f"{PROVIDER}/registries", properties),
        "location": location,
        "tags": mapping(view.get("tags")),
        "identity": {"type": "SystemAssigned"},
    }


def discovery(name: str, ids: Ids, base: str) -> dict[str, Any]:
    """Where its assets are asked for: a path is glued to the address."""
    return {
        "registryName": name,
        "primaryRegion": "local",
        "primaryRegionResourceProviderUri": f"{base}/",
        "resourceGroup": ids.place.group,
        "subscriptionId": ids.place.subscription,
        "regions": ["local"],
    }


def discovery_url(base: str, name: str) -> str:
    return f"{base}/registrymanagement/v1.0/registries/{name}/discovery"


def _region(location: Any) -> dict[str, Any]:
    return {"location": location, "acrDetails": [], "storageAccountDetails": []}
