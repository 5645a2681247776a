"""A datastore: where data lies outside of the server, and what lets it in there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.resources.common import Credentials, mapping, refuse_secrets_in, require
from lazur.spec.checking import Check
from lazur.spec.model import Map, Spec, Tags, spelled, squashed
from lazur.spec.names import Name

_Type = Literal[
    "azure_blob",
    "azure_file",
    "azure_data_lake_gen1",
    "azure_data_lake_gen2",
    "one_lake",
    "hdfs",
    "s3",
    "gcs",
    "http",
]
_Addressing = Literal["auto", "path", "virtual"]
_Lake = Literal["lake_house"]

NEEDED: Mapping[str, tuple[str, ...]] = {
    "azure_blob": ("account_name", "container_name"),
    "azure_file": ("account_name", "file_share_name"),
    "azure_data_lake_gen1": ("store_name",),
    "azure_data_lake_gen2": ("account_name", "filesystem"),
    "one_lake": ("one_lake_workspace_name", "endpoint", "artifact"),
    "hdfs": ("name_node_address",),
    "s3": ("bucket_name",),
    "gcs": ("bucket_name",),
    "http": ("endpoint",),
}
"""Fields without which a datastore of the type is nowhere."""
_STORAGE = ("account_key", "sas_token", "service_principal", "certificate")
TAKES: Mapping[str, tuple[str, ...]] = {
    "azure_blob": _STORAGE,
    "azure_file": _STORAGE,
    "azure_data_lake_gen1": ("service_principal", "certificate"),
    "azure_data_lake_gen2": _STORAGE,
    "one_lake": ("service_principal",),
    "hdfs": ("kerberos_password", "kerberos_keytab"),
    "s3": ("access_key",),
    "gcs": ("service_account",),
    "http": ("token", "username_password"),
}
"""Credentials that open it, beside none at all."""


class OneLakeArtifact(Spec):
    type: Annotated[_Lake, spelled(_Lake)] = "lake_house"
    name: str


class Datastore(Spec):
    """Data that lies outside of the server."""

    name: Name = Field()
    type: Annotated[_Type, spelled(_Type)]
    id: str | None = None
    description: str | None = None
    tags: Tags = Field(default_factory=dict)
    properties: Map[Any] = Field(default_factory=dict)
    is_default: bool = False
    credentials: Credentials | None = None
    """Kept sealed. Without them, what everybody may read is read."""
    account_name: str | None = None
    container_name: str | None = None
    file_share_name: str | None = None
    filesystem: str | None = None
    store_name: str | None = None
    endpoint: str | None = None
    """A suffix of hosts, or the URL of an emulator or of a service that is your own."""
    protocol: str | None = None
    one_lake_workspace_name: str | None = None
    artifact: OneLakeArtifact | None = None
    name_node_address: str | None = None
    hdfs_server_certificate: str | None = None
    bucket_name: str | None = None
    region: str | None = None
    addressing: Annotated[_Addressing, spelled(_Addressing)] | None = None


def check_datastore(check: Check) -> None:
    value = mapping(check.value)
    kind = next((name for name in NEEDED if squashed(name) == squashed(value.get("type"))), None)
    if kind is None:
        return
    require(check, value, NEEDED[kind], (), f"a datastore of type {kind}")
    refuse_secrets_in(check, ("endpoint",), value.get("endpoint"))
    given = value.get("credentials")
    found = Credentials.kind_in(given) if isinstance(given, dict) else "none"
    takes = ", ".join((*TAKES[kind], "none"))
    if found is None:
        message = "these credentials are of no kind that is known, or lack a part"
        check.error(message, ("credentials",), key=True, hint=f"Of type {kind}: {takes}.")
    elif found != "none" and found not in TAKES[kind]:
        message = f"a datastore of type {kind} takes no {found}"
        check.error(message, ("credentials",), key=True, hint=f"It takes: {takes}.")
