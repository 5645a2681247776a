from __future__ import annotations

import uuid
from typing import Any

from azure.ai.ml.entities import (
    AccessKeyConfiguration,
    PatTokenConfiguration,
    UsernamePasswordConfiguration,
    WorkspaceConnection,
)
from azure.core.exceptions import ResourceNotFoundError

from tests.parity.cases.operations import operation, raises


@operation("connections.create_or_update", "with a token")
@operation("connections.get")
@operation("connections.list")
@operation("connections.delete")
def a_connection_is_made_and_deleted(client: Any) -> None:
    name = f"git-{uuid.uuid4().hex[:8]}"
    asked = WorkspaceConnection(
        name=name,
        type="git",
        target="https://example.org/team/code",
        credentials=PatTokenConfiguration(pat="very-secret"),
        metadata={"team": "blue"},
    )
    made = client.connections.create_or_update(asked)
    assert made.name == name
    found = client.connections.get(name)
    assert (found.type, found.target) == ("git", "https://example.org/team/code")
    assert found.metadata == {"team": "blue"}
    assert found.credentials.pat is None
    assert name in {one.name for one in client.connections.list()}
    assert name in {one.name for one in client.connections.list(connection_type="git")}
    assert name not in {one.name for one in client.connections.list(connection_type="s3")}
    client.connections.delete(name)
    with raises(ResourceNotFoundError):
        client.connections.get(name)


@operation("connections.create_or_update", "of other kinds")
def connections_of_other_kinds_are_made(client: Any) -> None:
    for kind, credentials in (
        ("s3", AccessKeyConfiguration(access_key_id="a", secret_access_key="b")),
        ("snowflake", UsernamePasswordConfiguration(username="u", password="p")),
        ("python_feed", UsernamePasswordConfiguration(username="u", password="p")),
    ):
        name = f"{kind.replace('_', '-')}-{uuid.uuid4().hex[:8]}"
        asked = WorkspaceConnection(
            name=name, type=kind, target="https://example.org/x", credentials=credentials
        )
        client.connections.create_or_update(asked)
        found = client.connections.get(name)
        assert found.type == kind
        assert found.credentials.type.lower().replace("_", "") in {"accesskey", "usernamepassword"}
        client.connections.delete(name)
