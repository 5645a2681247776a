"""Connections. Azure has another name for some types, and keeps some fields among the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Invalid
from lazur.server.arm.ids import PROVIDER, Ids
from lazur.server.arm.translate.cases import given, mapping
from lazur.server.arm.translate.common import resource
from lazur.spec.model import squashed

_CATEGORIES = {
    "python_feed": "PythonFeed",
    "container_registry": "ContainerRegistry",
    "git": "Git",
    "s3": "S3",
    "snowflake": "Snowflake",
    "azure_sql_db": "AzureSqlDb",
    "azure_synapse_analytics": "AzureSynapseAnalytics",
    "azure_my_sql_db": "AzureMySqlDb",
    "azure_postgres_db": "AzurePostgresDb",
    "azure_data_lake_gen2": "ADLSGen2",
    "azure_blob": "AzureBlob",
    "azure_one_lake": "AzureOneLake",
    "api_key": "ApiKey",
    "open_ai": "OpenAI",
    "azure_open_ai": "AzureOpenAI",
    "azure_ai_services": "AIServices",
    "azure_ai_search": "CognitiveSearch",
    "azure_content_safety": "CognitiveService",
    "azure_speech_services": "CognitiveService",
    "serp": "Serp",
    "serverless": "Serverless",
    "custom": "CustomKeys",
}
_KINDS = {"azure_content_safety": "Content Safety", "azure_speech_services": "speech"}
"""Of what Azure has one category for."""
_TARGETS = {
    "api_key": "api_base",
    "serverless": "endpoint",
    "azure_open_ai": "azure_endpoint",
    "azure_ai_services": "endpoint",
    "azure_ai_search": "endpoint",
    "azure_content_safety": "endpoint",
    "azure_speech_services": "endpoint",
    "azure_blob": "url",
}
"""What YAML calls `target` there."""
_METADATA = {
    "AccountName": "account_name",
    "ContainerName": "container_name",
    "ApiVersion": "api_version",
    "ResourceId": "ai_services_resource_id",
}
_AUTH = {
    "pat": "PAT",
    "sas_token": "SAS",
    "username_password": "UsernamePassword",
    "managed_identity": "ManagedIdentity",
    "service_principal": "ServicePrincipal",
    "access_key": "AccessKey",
    "api_key": "ApiKey",
    "account_key": "AccountKey",
    "aad": "AAD",
    "none": "None",
}
_FIELDS = {
    "pat": {"pat": "pat"},
    "sas_token": {"sas": "sas_token"},
    "username_password": {"username": "username", "password": "password"},
    "managed_identity": {"clientId": "client_id", "resourceId": "resource_id"},
    "service_principal": {
        "clientId": "client_id",
        "clientSecret": "client_secret",
        "tenantId": "tenant_id",
    },
    "access_key": {"accessKeyId": "access_key_id", "secretAccessKey": "secret_access_key"},
    "api_key": {"key": "key"},
    "account_key": {"key": "account_key"},
}
"""Azure's names and ours of the parts of each kind."""


def from_arm(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """As its YAML."""
    given_properties = mapping(body.get("properties"))
    metadata = mapping(given_properties.get("metadata"))
    kind = _type(str(given_properties.get("category") or ""), metadata)
    fields = {ours: metadata.pop(theirs, None) for theirs, ours in _METADATA.items()}
    if kind == "azure_open_ai":
        fields["open_ai_resource_id"] = fields.pop("ai_services_resource_id")
    return given(
        name=name,
        type=kind,
        is_shared=given_properties.get("isSharedToAll"),
        credentials=_credentials(given_properties),
        metadata={key: value for key, value in metadata.items() if value is not None} or None,
        **{_TARGETS.get(kind, "target"): given_properties.get("target") or None},
        **fields,
    )


def to_arm(view: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    kind = view["type"]
    credential = mapping(view.get("credentials")).get("type") or "none"
    metadata = {**mapping(view.get("metadata"))}
    metadata |= {k: view[ours] for k, ours in _METADATA.items() if view.get(ours)}
    if view.get("open_ai_resource_id"):
        metadata["ResourceId"] = view["open_ai_resource_id"]
    if kind in _KINDS:
        metadata["Kind"] = _KINDS[kind]
    auth = _AUTH.get(credential, "None")
    properties = {
        "category": _CATEGORIES.get(kind, kind),
        "authType": auth,
        "target": view.get(_TARGETS.get(kind, "target")) or view.get("target") or "",
        "isSharedToAll": view.get("is_shared", True),
        "metadata": metadata,
        **({} if auth in {"None", "AAD"} else {"credentials": secrets({}, credential)}),
    }
    kind_of = f"{PROVIDER}/workspaces/connections"
    return resource(view, ids.resource("connections", view["name"]), kind_of, properties)


def secrets(values: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """In Azure's names; without values, the fields that there are, empty."""
    return {theirs: values.get(ours) for theirs, ours in _FIELDS.get(kind, {}).items()}


def _type(category: str, metadata: dict[str, Any]) -> str:
    told = str(metadata.pop("Kind", ""))
    for ours, theirs in _CATEGORIES.items():
        if squashed(theirs) != squashed(category):
            continue
        if ours in _KINDS and squashed(_KINDS[ours]) != squashed(told):
            continue
        return ours
    raise Invalid(
        f"A connection of the category {category[:60]!r} is not known here.",
        hint=f"Known: {', '.join(sorted(set(_CATEGORIES.values())))}.",
    )


def _credentials(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    told = squashed(properties.get("authType") or "none")
    kind = next((ours for ours, theirs in _AUTH.items() if squashed(theirs) == told), None)
    if kind is None:
        raise Invalid(
            f"Credentials of the kind {str(properties.get('authType'))[:60]!r} are not known.",
            hint=f"Known: {', '.join(_AUTH.values())}.",
        )
    if kind == "none":
        return None
    written = mapping(properties.get("credentials"))
    parts = given(**{ours: written.get(theirs) for theirs, ours in _FIELDS.get(kind, {}).items()})
    return {"type": kind, **parts}
