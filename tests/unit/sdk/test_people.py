from __future__ import annotations

from pathlib import Path

import pytest

from lazur.errors import Invalid, NotFound, ServerUnreachable
from lazur.sdk.client import Client
from lazur.sdk.http import Http
from lazur.sdk.places import within, words, workspace_in
from lazur.sdk.views import Token
from tests.unit.sdk.conftest import Handler, Stage, says

_AZURES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices"


@pytest.fixture
def client(stage: Stage, tmp_path: Path) -> Client:
    return Client(Http(stage.address), workspace="my lab", home=tmp_path)


class TestPlaces:
    @pytest.mark.parametrize(
        "scope, workspace",
        [
            ("/", None),
            ("lab", "lab"),
            ("/workspaces/lab", "lab"),
            ("/workspaces/lab/", "lab"),
            (f"{_AZURES}/workspaces/lab", "lab"),
            (f"{_AZURES.lower()}/workspaces/lab", "lab"),
        ],
    )
    def test_are_a_workspace_or_the_server(self, scope: str, workspace: str | None) -> None:
        assert workspace_in(scope) == workspace

    @pytest.mark.parametrize(
        "scope",
        [
            "",
            "//",
            "/subscriptions/s",
            "/subscriptions/s/resourceGroups/g",
            f"{_AZURES}/workspaces/lab/jobs/x",
            f"{_AZURES}/registries/r",
            "/workspaces/",
            "lab/x",
        ],
    )
    def test_are_never_more_than_was_meant(self, scope: str) -> None:
        with pytest.raises(Invalid, match="no place"):
            workspace_in(scope)

    def test_in_words(self) -> None:
        assert words("/") == "the whole server"
        assert words("/registries/shared") == "the registry shared"
        assert within("lab") == "in the workspace lab"
        assert within("/") == "on the whole server"


class TestAssignments:
    def test_are_made_in_the_clients_workspace(self, client: Client, stage: Stage) -> None:
        stage.plays(says(201, {"id": "1"}))
        client.role_assignments.create("bea", "Reader")
        client.role_assignments.create("bea", "Reader", scope="/")
        assert [seen.path for seen in stage.seen] == [
            "/api/v1/workspaces/my%20lab/role-assignments",
            "/api/v1/role-assignments",
        ]

    def test_a_workspace_is_never_the_server(self, stage: Stage, tmp_path: Path) -> None:
        stage.plays(says(201, {"id": "1"}))
        client = Client(Http(stage.address), workspace="/", home=tmp_path)
        client.role_assignments.create("bea", "Owner")
        client.audit.verify()
        assert [seen.path for seen in stage.seen] == [
            "/api/v1/workspaces/%2F/role-assignments",
            "/api/v1/workspaces/%2F/audit/verify",
        ]

    def test_hold_in_registries(self, client: Client, stage: Stage) -> None:
        stage.plays(says(201, {"id": "1"}))
        client.role_assignments.create("bea", "Reader", scope="/registries/a b")
        assert stage.seen[0].path == "/api/v1/registries/a%20b/role-assignments"
        with pytest.raises(Invalid, match="is a registry"):
            client.tokens.create("x", scope="/registries/a")

    def test_of_the_server_are_told_apart_from_all(self, client: Client, stage: Stage) -> None:
        items = [{"id": "1", "scope": "/"}, {"id": "2", "scope": "/workspaces/lab"}]
        stage.plays(says(200, {"value": items, "next": None}))
        assert [a.id for a in client.role_assignments.list(scope="/")] == ["1"]
        assert [a.id for a in client.role_assignments.list(everywhere=True)] == ["1", "2"]


class TestNames:
    def test_lead_nowhere_else(self, client: Client, stage: Stage) -> None:
        stage.plays(says(200, {}))
        client.users.get("a/../b")
        client.groups.add_member("a/b", "c?d")
        assert [seen.path for seen in stage.seen] == [
            "/api/v1/users/a%2F..%2Fb",
            "/api/v1/groups/a%2Fb/members/c%3Fd",
        ]

    def test_a_role_that_is_not_there_is_not_found(self, client: Client, stage: Stage) -> None:
        stage.plays(says(200, {"value": [{"name": "Reader"}], "next": None}))
        assert client.roles.get("reader").name == "Reader"
        with pytest.raises(NotFound, match="no role 'nope'"):
            client.roles.get("nope")


class TestTokens:
    def test_a_secret_is_not_printed_by_accident(self) -> None:
        token = Token({"id": "1", "label": "ci", "token": "lzr_secret"})
        assert token.token == "lzr_secret"
        assert "secret" not in f"{token} {token!r}"


class TestAudit:
    def test_an_export_that_breaks_off_is_no_export(self, client: Client, stage: Stage) -> None:
        stage.plays(breaks_off)
        with pytest.raises(ServerUnreachable, match="broke off"):
            list(client.audit.export())


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"3\r\n{}\n\r\n")
    handler.close_connection = True
