"""Datastores. What Azure has no type for is shown as a container of this server's blobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Invalid
from lazur.server.arm.ids import type_of
from lazur.server.arm.translate.common import resource
from lazur.server.arm.translate.places import Here

_FIELDS = {
    "azure_blob": (
        "AzureBlob",
        {"account_name": "accountName", "container_name": "containerName"},
    ),
    "azure_file": (
        "AzureFile",
        {"account_name": "accountName", "file_share_name": "fileShareName"},
    ),
    "azure_data_lake_gen1": ("AzureDataLakeGen1", {"store_name": "storeName"}),
    "azure_data_lake_gen2": (
        "AzureDataLakeGen2",
        {"account_name": "accountName", "filesystem": "filesystem"},
    ),
    "one_lake": ("OneLake", {"one_lake_workspace_name": "oneLakeWorkspaceName"}),
}
_NOTES = ("description", "tags", "properties")
_TYPES = {arm: kind for kind, (arm, _) in _FIELDS.items()}
_BOTH = {"endpoint": "endpoint", "protocol": "protocol"}
_CREDENTIALS = {
    "account_key": ("AccountKey", {"account_key": "key"}),
    "sas_token": ("Sas", {"sas_token": "sasToken"}),
    "service_principal": ("ServicePrincipal", {"client_secret": "clientSecret"}),
    "certificate": ("Certificate", {"certificate": "certificate"}),
}
_KINDS = {arm: kind for kind, (arm, _) in _CREDENTIALS.items()}
_OPEN = {
    "authority_url": "authorityUrl",
    "resource_url": "resourceUrl",
    "tenant_id": "tenantId",
    "client_id": "clientId",
    "thumbprint": "thumbprint",
}
"""Of credentials, what is no secret to Azure's client, which cannot do without."""


def is_ours(view: Mapping[str, Any]) -> bool:
    """Whether clients reach it through this server only."""
    return view["type"] not in _FIELDS


def to_arm(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "description": view.get("description"),
        "tags": dict(view.get("tags") or {}),
        "properties": dict(view.get("properties") or {}),
        "isDefault": bool(view.get("is_default")),
        "serviceDataAccessAuthIdentity": "None",
        **(_as_ours(view, here) if is_ours(view) else _as_azures(view)),
    }
    at = here.ids.resource("datastores", view["name"])
    return resource(view, at, type_of("datastores"), properties)


def from_arm(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The mapping that YAML would give. Raises Invalid for a type that is not known."""
    given: Mapping[str, Any] = body.get("properties") or {}
    kind = _TYPES.get(str(given.get("datastoreType")))
    if kind is None:
        known = ", ".join(sorted(_TYPES))
        raise Invalid(
            f"Datastores of type {str(given.get('datastoreType'))[:50]!r} are not made by this "
            f"way.",
            hint=f"Known: {known}. Others: lazur datastore create -f FILE",
        )
    fields = {**_FIELDS[kind][1], **_BOTH}
    made = {ours: given[theirs] for ours, theirs in fields.items() if given.get(theirs)}
    for note in _NOTES:
        if given.get(note):
            made[note] = given[note]
    if kind == "one_lake" and isinstance(artifact := given.get("artifact"), Mapping):
        made["artifact"] = {"type": "lake_house", "name": artifact.get("artifactName")}
    credentials = _credentials(given.get("credentials") or {})
    return {
        **made,
        "name": name,
        "type": kind,
        "is_default": bool(given.get("isDefault")),
        **({"credentials": credentials} if credentials else {}),
    }


def changes(given: Mapping[str, Any], view: Mapping[str, Any]) -> dict[str, Any]:
    """Of one that is ours: what is said otherwise than it is shown."""
    made = {
        note: given[note]
        for note in _NOTES
        if note in given and (given[note] or None) != (view.get(note) or None)
    }
    if "isDefault" in given and bool(given["isDefault"]) != bool(view.get("is_default")):
        made["is_default"] = bool(given["isDefault"])
    return made


def secrets(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of one that is Azure's."""
    given = found["credentials"]
    name, fields = _CREDENTIALS.get(given["type"], ("None", {}))
    return {"secretsType": name, **{arm: given.get(ours) for ours, arm in fields.items()}}


def _as_ours(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    return {
        "datastoreType": "AzureBlob",
        "accountName": here.account_name,
        "containerName": view["name"],
        "endpoint": here.host,
        "protocol": "https",
        "credentials": {"credentialsType": "AccountKey"},
    }


def _as_azures(view: Mapping[str, Any]) -> dict[str, Any]:
    arm, fields = _FIELDS[view["type"]]
    credentials: Mapping[str, Any] = view.get("credentials") or {}
    name = _CREDENTIALS.get(str(credentials.get("type")), ("None", {}))[0]
    told: dict[str, Any] = {"credentialsType": name}
    if name in ("ServicePrincipal", "Certificate"):
        told |= dict.fromkeys(_OPEN.values(), "")
    made = {
        "datastoreType": arm,
        **{theirs: view.get(ours) for ours, theirs in {**fields, **_BOTH}.items()},
        "credentials": told,
    }
    if (artifact := view.get("artifact")) is not None:
        made["artifact"] = {"artifactType": "LakeHouse", "artifactName": artifact.get("name")}
    return made


def _credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = _KINDS.get(str(given.get("credentialsType")))
    if kind is None:
        return {}
    held: Mapping[str, Any] = given.get("secrets") or {}
    hidden = {ours: held.get(arm) for ours, arm in _CREDENTIALS[kind][1].items()}
    shown = {ours: given.get(arm) for ours, arm in _OPEN.items()}
    return {"type": kind, **{key: text for key, text in {**shown, **hidden}.items() if text}}
