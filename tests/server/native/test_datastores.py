"""Datastores and connections over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.native.conftest import Api, W

KEY = "b25lLW9mLWEtZGF0YXN0b3Jl"
BLOB = {
    "type": "azure_blob",
    "account_name": "a",
    "container_name": "c",
    "credentials": {"account_key": KEY},
}
GIT = {"type": "git", "target": "https://x.org", "credentials": {"type": "pat", "pat": KEY}}
BOTH = pytest.mark.parametrize("kind, spec", [("datastores", BLOB), ("connections", GIT)])


class TestWire:
    @BOTH
    def test_from_the_first_to_the_last(self, api: Api, kind: str, spec: dict[str, Any]) -> None:
        path = f"{W}/{kind}/x"
        made = api.request("PUT", path, json=spec)
        assert (made.status_code, made.json()["etag"]) == (200, "1")
        assert made.headers["ETag"] == '"1"'
        assert api.get(path, headers={"If-None-Match": '"1"'}).status_code == 304
        changed = api.patch(path, {"description": "d"}, headers={"If-Match": '"1"'})
        assert changed.json()["description"] == "d"
        stale = api.patch(path, {"description": "e"}, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        listed = api.get(f"{W}/{kind}?type={spec['type']}").json()["value"]
        assert [item["name"] for item in listed] == ["x"]
        assert api.request("DELETE", path).status_code == 204
        assert api.get(path).status_code == 404

    @BOTH
    def test_secrets_leave_for_who_may_see_them(
        self, api: Api, kind: str, spec: dict[str, Any]
    ) -> None:
        api.request("PUT", f"{W}/{kind}/x", json=spec)
        for role, status in (
            ("Owner", 200),
            ("AzureML Data Scientist", 200),
            ("Reader", 403),
        ):
            answer = api.as_(role).post(f"{W}/{kind}/x/list-secrets")
            assert answer.status_code == status
            assert (KEY in answer.text) == (status == 200)
            assert "no-store" in answer.headers["Cache-Control"]
        assert KEY not in api.get(f"{W}/{kind}/x").text + api.get(f"{W}/{kind}").text
        assert api.as_job("j").post(f"{W}/{kind}/x/list-secrets").status_code in (403, 404)

    def test_a_reader_of_connections_secrets_reads_those_alone(self, api: Api) -> None:
        api.request("PUT", f"{W}/datastores/x", json=BLOB)
        api.request("PUT", f"{W}/connections/x", json=GIT)
        person = api.as_("Workspace Connection Secrets Reader")
        assert person.post(f"{W}/connections/x/list-secrets").status_code == 200
        assert person.post(f"{W}/datastores/x/list-secrets").status_code == 403

    def test_the_same_name_elsewhere_is_another(self, api: Api, other: str) -> None:
        api.request("PUT", f"{W}/datastores/x", json=BLOB)
        theirs = f"/api/v1/workspaces/{other}/datastores/x"
        assert api.get(theirs).status_code == 404
        stranger = api.as_("Owner", other)
        assert stranger.request("PUT", theirs, json=BLOB).status_code == 200
        assert stranger.post(f"{W}/datastores/x/list-secrets").status_code == 404

    def test_lists_are_paged(self, api: Api) -> None:
        first = api.get(f"{W}/datastores?limit=3").json()
        rest = api.get(f"{W}/datastores?limit=3&cursor={first['next']}").json()
        names = [item["name"] for item in first["value"] + rest["value"]]
        assert len(names) == len(set(names)) == 4
        assert rest["next"] is None
