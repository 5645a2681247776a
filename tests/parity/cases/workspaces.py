from __future__ import annotations

import uuid
from typing import Any

from azure.ai.ml.entities import Workspace
from azure.core.exceptions import ResourceNotFoundError

from tests.parity.cases.operations import operation, raises


@operation("workspaces.get")
def a_workspace_is_shown(client: Any) -> None:
    found = client.workspaces.get(client.workspace_name)
    assert found.name == client.workspace_name
    assert found.mlflow_tracking_uri.startswith("https://")


@operation("workspaces.list")
def workspaces_are_listed(client: Any) -> None:
    assert client.workspace_name in {one.name for one in client.workspaces.list()}


@operation("workspaces.get", "one that is not there")
def an_absent_workspace_is_not_found(client: Any) -> None:
    with raises(ResourceNotFoundError, "nowhere"):
        client.workspaces.get("nowhere")


@operation("workspaces.begin_create")
@operation("workspaces.begin_update")
@operation("workspaces.begin_delete")
def a_workspace_is_made_changed_and_deleted(client: Any) -> None:
    name = f"w{uuid.uuid4().hex[:8]}"
    asked = Workspace(name=name, description="first", display_name="One", tags={"a": "b"})
    made = client.workspaces.begin_create(asked).result()
    assert made.name == name
    assert made.description == "first"
    assert made.display_name == "One"
    assert made.tags["a"] == "b"
    client.workspaces.begin_update(Workspace(name=name, description="second")).result()
    assert client.workspaces.get(name).description == "second"
    client.workspaces.begin_delete(name, delete_dependent_resources=False).wait()
    with raises(ResourceNotFoundError):
        client.workspaces.get(name)


@operation("workspaces.get_keys")
@operation("workspaces.begin_sync_keys")
@operation("workspaces.begin_diagnose")
def what_asks_for_keys_is_answered(client: Any) -> None:
    keys = client.workspaces.get_keys(client.workspace_name)
    assert not keys.user_storage_key
    client.workspaces.begin_sync_keys(client.workspace_name).wait()
    assert client.workspaces.begin_diagnose(client.workspace_name).result() is not None


@operation(
    "workspaces.begin_provision_network",
    lacks="a workspace has no network of its own: the answer is that it is inactive",
)
def there_is_no_network_of_its_own(client: Any) -> None:
    told = client.workspaces.begin_provision_network(workspace_name=client.workspace_name)
    assert told.result().status == "Inactive"
