"""Cancel, update, archive; assets and their versions; workspaces; builds; tokens."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    SpecError,
    Unauthenticated,
)
from lazur.services.assets import assets, builds, environments
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.jobs import jobs
from lazur.services.people import tokens
from lazur.services.resources import computes
from lazur.store.pages import Query
from lazur.testing.fakes import Engine
from tests.site import Clock, Server, TestSite, call, put_tree, submit

KEY = "default/j/1"
READER = Principal.of("rea", "user", "Reader")
IMAGE = {"image": "python:3.11"}


def cancel(site: TestSite, name: str = "j") -> Any:
    return call(site, jobs.cancel, "default", name)


def update(site: TestSite, changes: dict[str, Any], etag: str | None = None) -> Any:
    return call(site, jobs.update, "default", "j", changes, etag)


class TestCancel:
    def test_what_has_not_begun_keeps_its_state_until_a_loop_ends_it(self, site: TestSite) -> None:
        submit(site, name="j")
        assert cancel(site)["status"] == "Preparing"
        Server(site).settle()
        assert call(site, jobs.get, "default", "j")["status"] == "Canceled"

    def test_what_runs_is_asked(self, site: TestSite, engine: Engine) -> None:
        submit(site, name="j")
        Server(site).settle()
        engine.run(KEY)
        assert cancel(site)["status"] == "CancelRequested"

    def test_twice_is_once_and_after_the_end_it_is_silent(self, site: TestSite) -> None:
        submit(site, name="j")
        first = cancel(site)
        assert cancel(site)["etag"] == first["etag"]
        Server(site).settle()
        assert cancel(site)["status"] == "Canceled"
        history = call(site, jobs.history, "default", "j")
        assert [e["type"] for e in history].count("cancel requested") == 1

    def test_a_reader_may_not(self, site: TestSite) -> None:
        submit(site, name="j")
        with pytest.raises(Forbidden, match="cancel"):
            call(site, jobs.cancel, "default", "j", who=READER)


class TestUpdate:
    def test_notes_change_and_what_runs_does_not(self, site: TestSite) -> None:
        before = submit(site, name="j")
        changes = {
            "display_name": "D",
            "description": "d",
            "tags": {"a": 1, "b": True},
            "properties": {"p": "q"},
            "experiment_name": "E",
        }
        after = update(site, changes)
        assert after["tags"] == {"a": "1", "b": "True"}
        assert {k: after[k] for k in ("display_name", "description", "experiment_name")} == {
            "display_name": "D",
            "description": "d",
            "experiment_name": "E",
        }
        assert after["command"] == before["command"]
        assert int(after["etag"]) == int(before["etag"]) + 1

    def test_only_what_may_change(self, site: TestSite) -> None:
        submit(site, name="j")
        for field in ("command", "status", "name", "compute", "created_by", "nope"):
            with pytest.raises(Invalid, match="cannot be changed"):
                update(site, {field: "x"})

    def test_a_stale_tag_is_refused(self, site: TestSite) -> None:
        etag = submit(site, name="j")["etag"]
        update(site, {"description": "1"}, etag)
        with pytest.raises(PreconditionFailed):
            update(site, {"description": "2"}, etag)

    def test_archived_jobs_are_hidden_until_restored(self, site: TestSite) -> None:
        submit(site, name="j")
        update(site, {"archived": True})
        assert call(site, jobs.find, "default", Query())["value"] == []
        assert call(site, jobs.get, "default", "j")["archived"] is True
        update(site, {"archived": False})
        assert len(call(site, jobs.find, "default", Query())["value"]) == 1

    def test_who_did_what_is_kept(self, site: TestSite) -> None:
        submit(site, name="j")
        update(site, {"description": "x"})
        history = call(site, jobs.history, "default", "j")
        assert [(e["type"], e["who"]) for e in history] == [("created", "ann"), ("updated", "ann")]
        assert history[1]["fields"] == ["description"]


class TestAssets:
    def _create(self, site: TestSite, **spec: Any) -> Any:
        return call(site, assets.create, "default", "environments", {"name": "e", **spec})

    def test_versions_are_numbered(self, site: TestSite) -> None:
        made = [self._create(site, image=f"python:3.{n}")["version"] for n in (9, 10, 11)]
        assert made == ["1", "2", "3"]

    def test_a_version_that_was_given_moves_the_number_on(self, site: TestSite) -> None:
        assert self._create(site, image="python:3.9", version="7")["version"] == "7"
        assert self._create(site, image="python:3.10", version="beta")["version"] == "beta"
        assert self._create(site, image="python:3.11")["version"] == "8"

    def test_the_same_content_is_the_same_version(self, site: TestSite) -> None:
        first = self._create(site, **IMAGE, description="a")
        again = self._create(site, **IMAGE, description="b")
        assert (again["version"], again["description"]) == ("1", "a")
        assert first["id"] == again["id"]
        assert self._create(site, **IMAGE, version="1")["version"] == "1"

    def test_other_content_under_a_taken_version_tells_what_differs(self, site: TestSite) -> None:
        self._create(site, **IMAGE, version="1")
        with pytest.raises(Conflict) as caught:
            self._create(site, image="python:3.12", version="1")
        assert "e:1" in caught.value.message
        assert caught.value.details["differs"] == ["image"]

    def test_latest_is_the_newest_that_is_not_archived(self, site: TestSite) -> None:
        for n in (9, 10):
            self._create(site, image=f"python:3.{n}")
        assert self._get(site, "@latest")["version"] == "2"
        call(site, assets.update, "default", "environments", "e", "2", {"archived": True})
        assert self._get(site, "@latest")["version"] == "1"
        call(site, assets.archive_container, "default", "environments", "e", {"archived": True})
        with pytest.raises(NotFound, match="not archived"):
            self._get(site, "@latest")
        assert self._get(site, "1")["archived"] is True
        call(site, assets.archive_container, "default", "environments", "e", {"archived": False})
        assert self._get(site, "@latest")["version"] == "1"

    def test_an_unknown_label_is_told(self, site: TestSite) -> None:
        self._create(site, **IMAGE)
        with pytest.raises(NotFound, match="label 'stable'"):
            self._get(site, "@stable")

    def test_lists_show_the_newest_of_each_and_versions_show_all(self, site: TestSite) -> None:
        for n in (9, 10):
            self._create(site, image=f"python:3.{n}")
        call(site, assets.create, "default", "environments", {"name": "f", **IMAGE})
        listed = call(site, assets.find, "default", "environments", Query())["value"]
        assert [(a["name"], a["version"]) for a in listed] == [("e", "2"), ("f", "1")]
        query = Query(limit=1)
        page = call(site, assets.versions, "default", "environments", "e", query)
        assert (page["value"][0]["version"], page["next"] is None) == ("2", False)
        call(site, assets.update, "default", "environments", "e", "2", {"archived": True})
        for wanted, versions in (("false", ["1"]), ("true", ["2"]), ("all", ["2", "1"])):
            query = Query(filters={"archived": wanted})
            page = call(site, assets.versions, "default", "environments", "e", query)
            assert sorted(a["version"] for a in page["value"]) == sorted(versions)

    def test_only_notes_change(self, site: TestSite) -> None:
        self._create(site, **IMAGE)
        path = ("default", "environments", "e", "1")
        changed = call(site, assets.update, *path, {"description": "d", "tags": {"a": "1"}})
        assert (changed["description"], changed["tags"], changed["etag"]) == ("d", {"a": "1"}, "2")
        for field in ("image", "version", "name"):
            with pytest.raises(Invalid, match="cannot be changed"):
                call(site, assets.update, *path, {field: "x"})
        with pytest.raises(PreconditionFailed):
            call(site, assets.update, *path, {"description": "e"}, "1")

    def test_content_must_have_been_uploaded(self, site: TestSite) -> None:
        spec = {"name": "d", "type": "uri_folder", "path": "./data"}
        with pytest.raises(Invalid, match="your own machine"):
            call(site, assets.create, "default", "data", spec)
        spec["path"] = "tree:" + put_tree(site, {"a": b"1"})
        assert call(site, assets.create, "default", "data", spec)["version"] == "1"

    def test_a_wrong_asset_is_told(self, site: TestSite) -> None:
        with pytest.raises(SpecError):
            call(site, assets.create, "default", "data", {"name": "d", "type": "nope"})

    def _get(self, site: TestSite, version: str) -> Any:
        return call(site, assets.get, "default", "environments", "e", version)


class TestWorkspaces:
    def test_names_that_fold_alike_are_one(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "Team"})
        with pytest.raises(Conflict):
            call(site, workspaces.create, {"name": "TEAM"})
        assert call(site, workspaces.get, "team")["name"] == "Team"


class TestBuilds:
    def test_an_environment_is_built_before_a_job_needs_it(self, site: TestSite) -> None:
        call(site, assets.create, "default", "environments", {"name": "e", **IMAGE})
        asked = call(site, environments.build, "default", "e", "1")
        assert (asked["status"], asked["name"]) == ("waiting", "e:1")
        Server(site).settle()
        assert call(site, builds.get, "default", asked["key"])["status"] == "ready"
        assert submit(site, environment="azureml:e:1")["status"] == "Queued"
        with pytest.raises(Conflict, match="nothing to cancel"):
            call(site, builds.cancel, "default", asked["key"])

    def test_prune_by_age_and_by_size_spares_what_is_used(
        self, site: TestSite, engine: Engine, clock: Clock
    ) -> None:
        submit(site, name="j")
        Server(site).settle()
        engine.run(KEY)
        clock.time += 40 * 86400
        body = {"older_than_days": 30, "dry_run": True}
        assert call(site, environments.prune, body)["removed"] == []
        engine.end(KEY)
        Server(site).settle()
        told = call(site, environments.prune, body)
        assert (len(told["removed"]), told["freed"], told["dry_run"]) == (1, 1000, True)
        assert call(site, environments.prune, {"max_bytes": 10**9})["removed"] == []
        assert len(call(site, environments.prune, {"max_bytes": 0})["removed"]) == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"max_bytes": -1},
            {"max_bytes": "1"},
            {"max_bytes": True},
            {"older_than_days": []},
            {"max_bytes": 1, "dry_run": "no"},
        ],
    )
    def test_a_wrong_wish_to_prune_is_refused(self, site: TestSite, body: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            call(site, environments.prune, body)


class TestComputes:
    def test_slots_in_use_are_shown(self, site: TestSite, engine: Engine) -> None:
        submit(site, name="j")
        Server(site).settle()
        seen = call(site, computes.get, "default", "local")
        assert seen["used"]["cpus"] == 1
        assert seen["running"] == ["j"]
        assert seen["slots"]["cpus"] == 2

    def test_names_of_jobs_are_their_workspaces_own(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "other"})
        submit(site, name="secret")
        Server(site).settle()
        stranger = Principal.of("bob", "user", "Owner", "other")
        seen = call(site, computes.get, "other", "local", who=stranger)
        assert seen["used"]["cpus"] == 1
        assert "secret" not in str(seen)


class TestTokens:
    def test_a_token_is_kept_as_a_digest_only(self, site: TestSite) -> None:
        secret = call(site, tokens.issue, "bob", "Reader", None)
        authenticate = tokens.authenticator(site)
        assert authenticate("bearer", secret) == Principal.of("bob", "user", "Reader")
        assert authenticate("session", secret) is None
        assert authenticate("bearer", tokens.digest(secret)) is None

    @pytest.mark.parametrize(
        "name, role, workspace, error",
        [
            ("bob", "Emperor", None, Invalid),
            ("bob", "Job", None, Invalid),
            ("", "Reader", None, Invalid),
            ("default/j", "Reader", None, Invalid),
            ("bob", "Reader", "nowhere", NotFound),
        ],
    )
    def test_odd_ones_are_refused(
        self, site: TestSite, name: str, role: str, workspace: str | None, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            call(site, tokens.issue, name, role, workspace)

    def test_a_session_lasts_its_time(self, site: TestSite, clock: Clock) -> None:
        call(site, tokens.issue, "ann", "Owner", None)
        code = call(site, tokens.sign_in_code)["code"]
        session = call(site, tokens.open_session, code)
        authenticate = tokens.authenticator(site)
        assert authenticate("session", session) == Principal.of("ann", "user", "Owner")
        with pytest.raises(Unauthenticated):
            call(site, tokens.open_session, code)
        clock.time += tokens.SESSION_SECONDS + 1
        assert authenticate("session", session) is None

    def test_revoking_ends_all_that_lets_a_person_in_and_nobody_else(self, site: TestSite) -> None:
        bob = call(site, tokens.issue, "bob", "Reader", None)
        eve = call(site, tokens.issue, "eve", "Reader", None)
        reader = Principal.of("bob", "user", "Reader")
        code = call(site, tokens.sign_in_code, who=reader)["code"]
        session = call(site, tokens.open_session, code)
        unspent = call(site, tokens.sign_in_code, who=reader)["code"]
        call(site, tokens.revoke, "bob")
        authenticate = tokens.authenticator(site)
        assert authenticate("bearer", bob) is None
        assert authenticate("session", session) is None
        with pytest.raises(Unauthenticated):
            call(site, tokens.open_session, unspent)
        assert authenticate("bearer", eve) is not None
        with pytest.raises(NotFound):
            call(site, tokens.revoke, "bob")

    def test_tokens_are_listed_without_their_secrets(self, site: TestSite) -> None:
        secret = call(site, tokens.issue, "bob", "Reader", None)
        listed = call(site, tokens.find, write=False)["value"]
        assert "bob" in [entry["name"] for entry in listed]
        assert secret not in str(listed)
        assert tokens.digest(secret) not in str(listed)
