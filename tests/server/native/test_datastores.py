"""Datastores and connections over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.services.people import people
from tests.server.native.conftest import Api, W
from tests.site import ENVIRONMENT, call

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


class TestFiles:
    PLACE = f"{W}/datastores/workspaceblobstore/files"

    @pytest.fixture
    def files(self, api: Api) -> Api:
        """The api, with two files in the workspace's store."""
        root = api.site.home.datastore("default", "workspaceblobstore")
        for path in ("a/one.csv", "a/b/two.csv"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(path)
        (root / "a" / "link").symlink_to("/etc/hosts")
        return api

    @pytest.mark.parametrize(
        "prefix, wanted",
        [
            ("", ["a/b/two.csv", "a/one.csv"]),
            ("a/", ["a/b/two.csv", "a/one.csv"]),
            ("a/b", ["a/b/two.csv"]),
            ("a/one.csv", ["a/one.csv"]),
            ("a/o", []),
            ("z", []),
            ("a/link", []),
        ],
    )
    def test_what_is_below_a_folder(self, files: Api, prefix: str, wanted: list[str]) -> None:
        found = files.get(self.PLACE, params={"prefix": prefix}).json()["value"]
        assert [file["path"] for file in found] == wanted
        assert all(file["size"] == len(file["path"]) for file in found)

    def test_bytes_of_one(self, files: Api) -> None:
        assert files.get(f"{self.PLACE}/a/one.csv").text == "a/one.csv"
        assert files.get(f"{self.PLACE}/a/one.csv?offset=2").text == "one.csv"
        for path in ("a", "a/none", "a/link", "..%2f..%2fserver.json"):
            assert files.get(f"{self.PLACE}/{path}").status_code in (400, 404), path

    def test_a_job_reads_what_its_submitter_may(self, files: Api) -> None:
        scientist = files.as_("AzureML Data Scientist")
        spec = {"type": "command", "command": "true", "environment": ENVIRONMENT, "name": "j"}
        assert scientist.post(f"{W}/jobs", spec).status_code == 201
        job = files.as_job("j")
        assert job.get(f"{self.PLACE}/a/one.csv").status_code == 200
        call(files.site, people.update, "user", "AzureML-person", {"disabled": True})
        assert job.get(f"{self.PLACE}/a/one.csv").status_code == 404
        assert job.get(self.PLACE).status_code == 404
