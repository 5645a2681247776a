"""What a job may read elsewhere, and what of it is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lazur.engine.plan import Plan
from lazur.errors import Forbidden, Invalid, LazurError, NotFound
from lazur.services.base.access import Grant, Principal
from lazur.services.base.roles import Role
from lazur.services.content import remotes
from lazur.services.jobs import jobs, plans
from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS, DATASTORES
from tests.site import TestSite, call, command

KEY = "c2VjcmV0LWFjY291bnQta2V5LW9mLXRoZS10ZXN0"
BLOB = {
    "type": "azure_blob",
    "account_name": "account",
    "container_name": "files",
    "credentials": {"account_key": KEY},
}
GIT = {
    "type": "git",
    "target": "https://git.example.org",
    "credentials": {"type": "pat", "pat": KEY},
}
PAT = "${{azureml://connections/code/credentials/pat}}"


@pytest.fixture
def stores(site: TestSite) -> TestSite:
    call(site, resources.put, DATASTORES, "default", "raw", BLOB)
    call(site, resources.put, CONNECTIONS, "default", "code", GIT)
    return site


def submit(site: TestSite, spec: dict[str, Any], **more: Any) -> Any:
    made = call(site, jobs.submit, "default", spec, **more)
    with site.db.read() as db:
        return jobs.store.by_name(db, 1, made["name"])


def reading(path: str, **more: Any) -> dict[str, Any]:
    return command(inputs={"d": {"type": "uri_folder", "path": path, **more}})


def may(*actions: str, but: tuple[str, ...] = ()) -> Principal:
    return Principal("eve", "user", (Grant(Role("custom", actions, but)),))


class TestAddresses:
    @pytest.mark.parametrize(
        "uri, kept",
        [
            ("azureml://datastores/RAW/paths/a/b/", "azureml://datastores/raw/paths/a/b/"),
            (
                "wasbs://files@account.blob.core.windows.net/a/b",
                "azureml://datastores/raw/paths/a/b",
            ),
            (
                "abfss://files@account.dfs.core.windows.net/a",
                "azureml://datastores/raw/paths/a",
            ),
            (
                "wasbs://other@account.blob.core.windows.net/a",
                "wasbs://other@account.blob.core.windows.net/a",
            ),
            (
                "wasbs://files@account.blob.core.chinacloudapi.cn/a",
                "wasbs://files@account.blob.core.chinacloudapi.cn/a",
            ),
            ("s3://bucket/a/b", "s3://bucket/a/b"),
            ("gs://bucket", "gs://bucket"),
        ],
    )
    def test_one_that_a_datastore_has_is_its_own(
        self, stores: TestSite, uri: str, kept: str
    ) -> None:
        row = submit(stores, reading(uri))
        assert row.resolved["inputs"][0]["source"]["remote"] == kept

    @pytest.mark.parametrize(
        "uri, settings",
        [
            ("s3://b/x", {"bucket_name": "b"}),
            ("gs://b/x", {"bucket_name": "b"}),
            ("wasbs://c@a.blob.core.windows.net/x", {"account_name": "a", "container_name": "c"}),
            ("abfss://f@a.dfs.core.windows.net/x", {"account_name": "a", "filesystem": "f"}),
            (
                "abfs://f@a.dfs.core.chinacloudapi.cn/x",
                {"account_name": "a", "filesystem": "f", "endpoint": "core.chinacloudapi.cn"},
            ),
        ],
    )
    def test_what_clouds_call_them(self, uri: str, settings: dict[str, str]) -> None:
        found = remotes.parse(uri)
        assert found is not None
        assert (found.settings, found.path) == (settings, "x")

    @pytest.mark.parametrize("uri", ["s3://b/../x", "s3://b/a//b", "gs://b/./a"])
    def test_a_path_that_leads_elsewhere_is_refused(self, stores: TestSite, uri: str) -> None:
        with pytest.raises(Invalid):
            submit(stores, reading(uri))

    def test_what_the_command_fetches_itself_stays_as_it_was(self, stores: TestSite) -> None:
        row = submit(stores, reading("s3://bucket/a", mode="direct"))
        assert row.resolved["inputs"][0]["source"]["uri"] == "s3://bucket/a"

    def test_web_servers_take_no_outputs(self, stores: TestSite) -> None:
        web = {"type": "http", "endpoint": "https://files.example.org"}
        call(stores, resources.put, DATASTORES, "default", "web", web)
        out = {"o": {"path": "azureml://datastores/web/paths/x/"}}
        with pytest.raises(Invalid, match="takes no files"):
            submit(stores, command(outputs=out))


class TestRights:
    def test_who_may_not_see_a_datastore_may_not_read_through_it(self, stores: TestSite) -> None:
        for uri in (
            "azureml://datastores/raw/paths/a",
            "wasbs://files@account.blob.core.windows.net/a",
        ):
            who = may("*", but=("workspaces/datastores/read",))
            with pytest.raises(Forbidden):
                submit(stores, reading(uri), who=who)
        out = {"o": {"path": "azureml://datastores/raw/paths/x/"}}
        with pytest.raises(Forbidden):
            submit(stores, command(outputs=out), who=may("*", but=("workspaces/datastores/read",)))

    def test_who_may_not_see_secrets_is_given_none(self, stores: TestSite) -> None:
        who = may("*", but=("workspaces/connections/listsecrets/action",))
        with pytest.raises(Forbidden):
            submit(stores, command(environment_variables={"T": PAT}), who=who)

    @pytest.mark.parametrize("role", ["AzureML Data Scientist", "Contributor"])
    def test_who_may_is(self, stores: TestSite, role: str) -> None:
        who = Principal.of("sue", "user", role)
        row = submit(stores, command(environment_variables={"T": PAT}), who=who)
        assert row.resolved["secret_variables"] == {"T": PAT}

    def test_a_job_gives_itself_no_more_than_it_has(self, stores: TestSite) -> None:
        with pytest.raises(LazurError):
            submit(
                stores,
                command(environment_variables={"T": PAT}),
                who=Principal.of_job("default", "j"),
            )


class TestPrivate:
    def spec(self) -> dict[str, Any]:
        return {
            **reading("azureml://datastores/raw/paths/a"),
            "environment_variables": {"T": f"token {PAT}", "PLAIN": "1"},
            "outputs": {"o": {"path": "azureml://datastores/raw/paths/${{name}}/"}},
        }

    def test_a_plan_that_is_written_down_has_nothing_of_it(self, stores: TestSite) -> None:
        row = submit(stores, self.spec())
        assert KEY not in json.dumps([row.spec, row.resolved])
        private = plans.private(stores, row)
        assert private.variables == {"T": f"token {KEY}"}
        assert private.masked == [KEY]
        assert private.stores["azureml://datastores/raw/paths/a"]["credentials"] == {
            "account_key": KEY
        }
        plan = Plan(
            job="j", workspace="w", attempt=1, folder="f", artifacts="a", command="c",
            private=private,
        )  # fmt: skip
        assert KEY not in json.dumps(plan.to_dict())
        assert KEY not in repr(plan)
        assert (
            Plan.from_dict({**plan.to_dict(), "private": private.to_dict()}).private.stores == {}
        )

    def test_it_is_what_it_is_when_the_job_starts(self, stores: TestSite) -> None:
        row = submit(stores, self.spec())
        new = {**BLOB, "credentials": {"account_key": KEY[::-1]}}
        call(stores, resources.put, DATASTORES, "default", "raw", new)
        found = plans.private(stores, row).stores["azureml://datastores/raw/paths/a"]
        assert found["credentials"] == {"account_key": KEY[::-1]}

    def test_a_datastore_that_went_meanwhile_is_told(self, stores: TestSite) -> None:
        row = submit(stores, self.spec())
        call(stores, resources.delete, DATASTORES, "default", "raw")
        with pytest.raises(NotFound, match="raw"):
            plans.private(stores, row)

    def test_variables_of_an_environment_are_given_no_secrets(self, stores: TestSite) -> None:
        """Who submits did not write them."""
        spec = command()
        spec["environment"] = {"image": "python:3.11", "environment_variables": {"T": PAT}}
        row = submit(stores, spec)
        assert row.resolved["secret_variables"] == {}
