from __future__ import annotations

from typing import Any

from azure.ai.ml.entities import (
    AccountKeyConfiguration,
    AzureBlobDatastore,
    AzureDataLakeGen2Datastore,
    AzureFileDatastore,
    SasTokenConfiguration,
    ServicePrincipalConfiguration,
)
from azure.core.exceptions import ResourceNotFoundError

from tests.parity.cases.operations import operation, raises
from tests.parity.local import fresh


@operation("datastores.list")
@operation("datastores.get_default")
def those_of_the_workspace_are_there(client: Any) -> None:
    found = {one.name for one in client.datastores.list()}
    assert {"workspaceblobstore", "workspaceartifactstore"} <= found
    assert client.datastores.get_default().name == "workspaceblobstore"


@operation("datastores.get", "with its secrets")
def what_is_reached_by_this_server_has_a_signature(client: Any) -> None:
    found = client.datastores.get("workspaceblobstore", include_secrets=True)
    assert "sig=" in found.credentials.sas_token


@operation("datastores.create_or_update", "containers of blobs, with a key or a signature")
@operation("datastores.delete")
def a_container_is_named(client: Any) -> None:
    name = fresh("blobs").replace("-", "_")
    for credentials in (
        AccountKeyConfiguration(account_key="a2V5"),
        SasTokenConfiguration(sas_token="sv=1&sig=x"),
    ):
        asked = AzureBlobDatastore(
            name=name, account_name="acct", container_name="c", credentials=credentials
        )
        assert client.datastores.create_or_update(asked).container_name == "c"
        found = client.datastores.get(name, include_secrets=True)
        assert found.credentials == credentials
    client.datastores.delete(name)
    with raises(ResourceNotFoundError, name):
        client.datastores.get(name)


@operation("datastores.create_or_update", "a data lake and a file share")
def other_types_of_azures(client: Any) -> None:
    principal = ServicePrincipalConfiguration(tenant_id="t", client_id="c", client_secret="s")
    lake = fresh("lake").replace("-", "_")
    made = client.datastores.create_or_update(
        AzureDataLakeGen2Datastore(
            name=lake, account_name="acct", filesystem="fs", credentials=principal
        )
    )
    assert made.filesystem == "fs"
    share = fresh("share").replace("-", "_")
    key = AccountKeyConfiguration(account_key="a2V5")
    shared = client.datastores.create_or_update(
        AzureFileDatastore(name=share, account_name="acct", file_share_name="s", credentials=key)
    )
    assert shared.file_share_name == "s"
