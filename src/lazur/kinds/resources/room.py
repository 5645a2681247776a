"""Workspaces and registries: rooms that hold other things. What Azure's files say beside a name
and a few notes is about its cloud; it is kept where nothing else is hurt, and named."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lazur.kinds.resources.common import mapping
from lazur.spec.checking import Check
from lazur.spec.model import Map, Spec, Tags
from lazur.spec.names import Name, Title

_STORES = "what it holds lies with the server, or in datastores of yours"
_NETWORK = "it closes nothing off: jobs and the server are in the network of their machine"
_WORKSPACE = {
    "storage_account": _STORES,
    "container_registry": "environments are kept by the server",
    "key_vault": "secrets are sealed under the server's root key",
    "application_insights": "logs and metrics are the server's",
    "customer_managed_key": "credentials are sealed under the server's root key; files lie open",
    "hbi_workspace": "nothing is encrypted beyond what the disk is",
    "image_build_compute": "environments are built by the server",
    "public_network_access": _NETWORK,
    "network_acls": _NETWORK,
    "managed_network": _NETWORK,
    "private_endpoints": _NETWORK,
    "system_datastores_auth_mode": _STORES,
    "identity": "jobs act for who submitted them",
    "primary_user_assigned_identity": "jobs act for who submitted them",
    "workspace_hub": "each workspace is on its own",
    "serverless_compute": _NETWORK,
    "enable_data_isolation": "workspaces are always apart",
}
_REGISTRY = {
    "replication_locations": "a registry is where the server is",
    "container_registry": "environments are kept by the server",
    "managed_resource_group": "there is nothing to manage",
    "managed_resource_group_tags": "there is nothing to manage",
    "public_network_access": _NETWORK,
    "intellectual_property": "what is shared is seen by all who may read the registry",
    "identity": "nothing acts for it",
}
"""Each of them, and what is so instead."""


class _Room(Spec):
    name: Name = Field()
    display_name: Title | None = None
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    location: str | None = None
    id: str | None = None
    identity: Map[Any] | None = None
    container_registry: Any = None
    public_network_access: str | None = None


class Workspace(_Room):
    """A room that keeps jobs and assets apart from those of others."""

    resource_group: str | None = None
    discovery_url: str | None = None
    hbi_workspace: bool | None = None
    storage_account: str | None = None
    key_vault: str | None = None
    application_insights: str | None = None
    customer_managed_key: Map[Any] | None = None
    image_build_compute: str | None = None
    network_acls: Map[Any] | None = None
    system_datastores_auth_mode: str | None = None
    primary_user_assigned_identity: str | None = None
    workspace_hub: str | None = None
    managed_network: Map[Any] | None = None
    private_endpoints: Map[Any] | None = None
    provision_network_now: bool | None = None
    enable_data_isolation: bool | None = None
    allow_roleassignment_on_rg: bool | None = None
    serverless_compute: Map[Any] | None = None
    mlflow_tracking_uri: str | None = None
    param: Map[Any] | None = None


class Registry(_Room):
    """A room whose assets several workspaces use."""

    replication_locations: Any = None
    managed_resource_group: Any = None
    managed_resource_group_tags: Map[Any] | None = None
    intellectual_property: Map[Any] | None = None
    mlflow_registry_uri: str | None = None
    discovery_url: str | None = None


def check_workspace(check: Check) -> None:
    _warn(check, _WORKSPACE)


def check_registry(check: Check) -> None:
    _warn(check, _REGISTRY)


def _warn(check: Check, without_effect: dict[str, str]) -> None:
    value = mapping(check.value)
    for field, instead in without_effect.items():
        if value.get(field):
            check.warning(f"`{field}` has no effect here: {instead}", (field,), key=True)
