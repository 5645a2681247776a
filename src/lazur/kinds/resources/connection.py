"""A connection: an address outside of the server, with what opens it, for jobs to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.resources.common import FIELDS, Credentials, mapping, refuse_secrets_in, require
from lazur.kinds.resources.datastore import OneLakeArtifact
from lazur.spec.checking import Check
from lazur.spec.model import Map, Spec, spelled, squashed
from lazur.spec.names import Name

_Type = Literal[
    "git",
    "container_registry",
    "python_feed",
    "s3",
    "snowflake",
    "azure_sql_db",
    "azure_synapse_analytics",
    "azure_my_sql_db",
    "azure_postgres_db",
    "custom",
    "azure_data_lake_gen2",
    "azure_blob",
    "azure_one_lake",
    "api_key",
    "open_ai",
    "azure_open_ai",
    "azure_ai_search",
    "azure_ai_services",
    "azure_content_safety",
    "azure_speech_services",
    "serp",
    "serverless",
]
NEEDED: Mapping[str, tuple[str, ...]] = {
    "azure_blob": ("account_name", "container_name"),
    "api_key": ("api_base",),
    "serverless": ("endpoint",),
    "git": ("target",),
    "python_feed": ("target",),
    "container_registry": ("target",),
    "s3": ("target",),
    "snowflake": ("target",),
    "azure_sql_db": ("target",),
    "azure_synapse_analytics": ("target",),
    "azure_my_sql_db": ("target",),
    "azure_postgres_db": ("target",),
    "azure_data_lake_gen2": ("target",),
}
_KEYED = frozenset({"api_key", "open_ai", "serp", "serverless"})
"""Nothing without their key."""


class Connection(Spec):
    """An address outside of the server, with what opens it."""

    name: Name = Field()
    type: Annotated[_Type, spelled(_Type)]
    id: str | None = None
    description: str | None = None
    tags: Map[Any] = Field(default_factory=dict)
    properties: Map[Any] = Field(default_factory=dict)
    metadata: Map[Any] = Field(default_factory=dict)
    is_shared: bool = True
    target: str | Map[Any] | None = None
    credentials: Credentials | None = None
    """Kept sealed."""
    api_key: str | None = None
    """Kept sealed, as `credentials` of type api_key."""
    api_base: str | None = None
    api_version: str | None = None
    endpoint: str | None = None
    azure_endpoint: str | None = None
    open_ai_resource_id: str | None = None
    ai_services_resource_id: str | None = None
    url: str | None = None
    account_name: str | None = None
    container_name: str | None = None
    one_lake_workspace_name: str | None = None
    artifact: OneLakeArtifact | None = None


ADDRESSES = ("target", "api_base", "endpoint", "azure_endpoint", "url")


def check_connection(check: Check) -> None:
    value = mapping(check.value)
    word = squashed(value.get("type"))
    kind = next((name for name in NEEDED if squashed(name) == word), "")
    require(check, value, NEEDED.get(kind, ()), (), f"a connection of type {kind}")
    for field in (*ADDRESSES, "metadata"):
        refuse_secrets_in(check, (field,), value.get(field))
    _check_credentials(check, value, keyed=word in {squashed(name) for name in _KEYED})


def _check_credentials(check: Check, value: Mapping[str, Any], *, keyed: bool) -> None:
    given = value.get("credentials")
    if not isinstance(given, dict):
        if keyed and not value.get("api_key"):
            check.error("`api_key` is missing", ("api_key",))
        return
    if value.get("api_key"):
        check.error("both `api_key` and `credentials` are given", ("api_key",), key=True)
    if Credentials.kind_in(given) is None:
        known = ", ".join((*FIELDS, "managed_identity", "aad", "none"))
        message = "these credentials are of no kind that is known, or lack a part"
        check.error(message, ("credentials",), key=True, hint=f"Known: {known}.")
