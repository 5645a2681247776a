"""Every route asks who is calling and what they may do, whichever way it is called."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter

from lazur.errors import LazurError
from lazur.server import app
from lazur.server.app import OPEN_ROUTES, create_api
from lazur.server.settings import Settings
from lazur.services.assets import assets
from lazur.services.base import roles
from lazur.services.base.access import Principal, Resource
from lazur.services.jobs import jobs
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.testing.fakes import Engine, FakeBuilder
from tests.server.native.conftest import Api
from tests.site import Clock, Server, TestSite, call, command, open_site, put_tree, submit

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
VALUES = {
    "workspace": "default",
    "name": "j",
    "version": "1",
    "key": "k",
    "sha256": "0" * 64,
    "registry": "shared",
    "path": "user_logs/std_log.txt",
    "board": "0" * 16,
    "member": "k",
    "number": "1",
    "token": "0" * 12,
    "code": "BCDF-GHJK",
    "output": "model",
}


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    action: str | None

    @property
    def kinds(self) -> list[str]:
        return list(assets.KINDS) if "{kind}" in self.template else [""]

    @property
    def looks(self) -> bool:
        """Changes nothing, whichever way it is asked."""
        return self.method == "GET" or (self.action or "").endswith("/read")

    def path(self, kind: str = "environments", **values: str) -> str:
        return self.template.format(kind=kind, **{**VALUES, **values})

    def wanted(self, kind: str) -> str:
        assert self.action is not None
        return self.action.format(kind=kind)


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    return list(_routes(tmp_path_factory.mktemp("routes")))


def _routes(folder: Path) -> Iterator[Route]:
    site = open_site(
        folder / "home", f"sqlite:///{folder}/l.db", Engine(Clock()), FakeBuilder(str(folder))
    )
    described = create_api(site, Settings(home=site.home.path, role="api")).openapi()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield Route(
                method.upper(), path.replace("{path}", "{path}"), operation.get("x-lazur-action")
            )
    site.db.close()


@pytest.fixture
def ready_database_url(tmp_path: Path, ready_file: Path) -> str:
    """Rights do not depend on the database, and there are many routes."""
    return f"sqlite:///{shutil.copy(ready_file, tmp_path / 'lazur.db')}"


class TestDecisions:
    def test_every_route_declares_its_action(self, routes: list[Route]) -> None:
        assert len(routes) > 30
        undecided = {route.template for route in routes if route.action is None}
        assert undecided <= OPEN_ROUTES

    def test_a_route_without_a_decision_stops_the_start(
        self, site: TestSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoiled = APIRouter()
        spoiled.add_api_route("/open-door", lambda: None, methods=["GET"])
        part = SimpleNamespace(routes=spoiled)
        monkeypatch.setattr(app, "PARTS", (*app.PARTS, part))
        with pytest.raises(LazurError, match="open-door"):
            create_api(site, Settings(home=site.home.path, role="api"))

    def test_every_action_is_in_some_role_and_not_in_all(self, routes: list[Route]) -> None:
        for route in routes:
            for kind in route.kinds if route.action else []:
                assert roles.allows(roles.BUILT_IN["Owner"], route.wanted(kind))
                assert not roles.allows(roles.Role("Nobody", ()), route.wanted(kind))


class TestAnonymous:
    @pytest.mark.parametrize("secret", [None, "", "wrong", "lzr_" + "x" * 43])
    def test_every_route_and_method_is_closed(
        self, api: Api, routes: list[Route], secret: str | None
    ) -> None:
        nobody = api.with_(secret)
        for path in {route.path() for route in routes} - OPEN_ROUTES:
            for method in METHODS:
                answer = nobody.request(method, path)
                assert answer.status_code == 401, (method, path)
                if method != "HEAD":
                    assert answer.json()["error"]["code"] == "Unauthenticated"

    @pytest.mark.parametrize("spelling", ["{}/", "/{}", "{}//", "{}/.", "{}?x=1", "{}%2f"])
    def test_no_spelling_of_a_path_opens_it(
        self, api: Api, routes: list[Route], spelling: str
    ) -> None:
        nobody = api.with_(None)
        for path in {route.path() for route in routes} - OPEN_ROUTES:
            assert nobody.get(spelling.format(path)).status_code in (400, 401), path

    def test_unknown_verbs_are_refused(self, api: Api, routes: list[Route]) -> None:
        for verb in ("OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X"):
            for path in ("/healthz", "/api/v1/me", "/api/v1/workspaces/default/jobs"):
                answer = api.with_(None).http.request(verb, path)
                assert answer.status_code in (401, 405), (verb, path)

    def test_a_method_cannot_be_overridden(self, api: Api) -> None:
        headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
        assert api.get("/api/v1/workspaces/default", headers=headers).status_code == 200
        assert api.get("/api/v1/workspaces/default?_method=DELETE").status_code == 200
        assert api.get("/api/v1/workspaces/default").status_code == 200

    def test_only_these_are_open(self, api: Api) -> None:
        nobody = api.with_(None)
        assert nobody.get("/healthz").status_code == 200
        assert nobody.post("/api/v1/sessions", {"code": "wrong"}).status_code == 401
        assert nobody.get("/api/v1/openapi.json").status_code == 401


class TestRoles:
    def test_without_the_action_every_route_is_forbidden(
        self, api: Api, routes: list[Route], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The service behind each route asks for the very action that the route declares."""
        person = api.as_("Reader")
        _fill(api.site)
        for route in routes:
            for kind in route.kinds if route.action else []:
                wanted = route.wanted(kind)
                monkeypatch.setattr(roles, "allows", lambda _, asked, no=wanted: asked != no)
                answer = person.request(route.method, route.path(kind), **_body(route))
                assert answer.status_code == 403, (route, kind, answer.text)
                assert wanted in answer.json()["error"]["message"]

    def test_with_the_action_alone_no_route_is_forbidden(
        self, api: Api, routes: list[Route], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person = api.as_("Reader")
        _fill(api.site)
        for route in routes:
            for kind in route.kinds if route.action else []:
                allowed = (route.wanted(kind), "workspaces/read")
                monkeypatch.setattr(roles, "allows", lambda _, asked, yes=allowed: asked in yes)
                answer = person.request(route.method, route.path(kind), **_body(route))
                assert answer.status_code not in (401, 403), (route, kind, answer.text)

    def test_a_reader_changes_nothing(self, api: Api, routes: list[Route]) -> None:
        reader = api.as_("Reader")
        _fill(api.site)
        own = ("/api/v1/sign-in-", "/api/v1/device-codes", "/api/v1/sessions", "/api/v1/me/")
        for route in routes:
            if route.looks or not route.action or route.template.startswith(own):
                continue
            for kind in route.kinds:
                answer = reader.request(route.method, route.path(kind), **_body(route))
                assert answer.status_code == 403, (route, kind, answer.text)

    @pytest.mark.parametrize("role", ["Contributor", "AzureML Data Scientist", "Reader"])
    def test_nobody_grants_more_than_they_hold(self, api: Api, role: str) -> None:
        body = {"name": "me-again", "role": "Owner"}
        assert api.as_(role).post("/api/v1/tokens", body).status_code == 403

    def test_an_owner_of_a_workspace_grants_there_only(self, api: Api, other: str) -> None:
        owner = api.as_("Owner", other)
        for workspace, status in ((None, 403), ("default", 404), (other, 201)):
            body = {"name": "x", "role": "Owner", "workspace": workspace}
            assert owner.post("/api/v1/tokens", body).status_code == status
        assert owner.post("/api/v1/workspaces", {"name": "third"}).status_code == 403

    @pytest.mark.parametrize("role", roles.BUILT_IN)
    def test_everybody_may_sign_in_and_look_around(self, api: Api, role: str) -> None:
        person = api.as_(role)
        assert person.get("/api/v1/me").json()["roles"] == [
            {"role": role, "workspace": None, "registry": None}
        ]
        assert person.post("/api/v1/sign-in-codes").status_code == 201
        for path in ("openapi.json", "me/tokens", "registries/azureml/environments"):
            assert person.get(f"/api/v1/{path}").status_code == 200
        knows = roles.allows(roles.BUILT_IN[role], "workspaces/read")
        assert person.get("/api/v1/workspaces").status_code == (200 if knows else 403)

    def test_a_role_in_a_body_is_of_no_account(self, api: Api) -> None:
        person = api.as_("AzureML Data Scientist")
        body = command(name="j", created_by="root", role="Owner", workspace="other", owner="x")
        made = person.post("/api/v1/workspaces/default/jobs", body).json()
        assert made["creation_context"]["created_by"] == "AzureML-person"
        assert made["id"] == "/workspaces/default/jobs/j"


class TestOtherWorkspaces:
    def test_what_is_there_and_what_is_not_are_one_answer(
        self, api: Api, routes: list[Route], other: str
    ) -> None:
        stranger = api.as_("Owner", other)
        _fill(api.site)
        there = [route for route in routes if "{workspace}" in route.template]
        assert len(there) > 25
        for route in there:
            for kind in route.kinds:
                seen = stranger.request(route.method, route.path(kind), **_body(route))
                absent = stranger.request(
                    route.method, route.path(kind, workspace="nowhere"), **_body(route)
                )
                assert seen.status_code == absent.status_code == 404, (route, kind, seen.text)
                same = absent.text.replace("nowhere", "default")
                assert seen.text == same, (route, kind)

    def test_lists_hold_only_what_is_theirs(self, api: Api, other: str) -> None:
        _fill(api.site)
        stranger = api.as_("Owner", other)
        names = [w["name"] for w in stranger.get("/api/v1/workspaces").json()["value"]]
        assert names == ["other"]
        for part in ("jobs", "builds", *assets.KINDS):
            listed = stranger.get(f"/api/v1/workspaces/{other}/{part}").json()
            assert listed == {"value": [], "next": None}, part

    def test_a_shared_build_does_not_tell_who_else_asked(self, api: Api, other: str) -> None:
        theirs = {"name": "top-secret-project", "image": "python:3.11"}
        call(api.site, assets.create, "default", "environments", theirs)
        submit(api.site, environment="azureml:top-secret-project:1", name="i")
        stranger = api.as_("Owner", other)
        key = api.get("/api/v1/workspaces/default/builds").json()["value"][0]["key"]
        assert stranger.get(f"/api/v1/workspaces/{other}/builds/{key}").status_code == 404
        assert stranger.get(f"/api/v1/workspaces/{other}/builds/{key}/log").status_code == 404
        submit(api.site, other, name="mine")
        builds = stranger.get(f"/api/v1/workspaces/{other}/builds").json()["value"]
        assert [b["key"] for b in builds] == [key]
        assert "secret" not in str(builds)
        refused = stranger.post(f"/api/v1/workspaces/{other}/builds/{key}/cancel")
        assert refused.status_code == 409
        assert "secret" not in refused.text

    def test_an_environment_of_the_server_is_not_pruned_from_a_workspace(
        self, api: Api, other: str
    ) -> None:
        body = {"max_bytes": 0, "dry_run": True}
        assert api.as_("Owner", other).post("/api/v1/builds/prune", body).status_code == 403
        assert api.post("/api/v1/builds/prune", body).status_code == 200

    @pytest.mark.parametrize("spelling", ["Default", "DEFAULT"])
    def test_a_workspace_is_the_same_in_any_case(self, api: Api, spelling: str) -> None:
        person = api.as_("Contributor", "default")
        submit(api.site, name="j")
        found = person.get(f"/api/v1/workspaces/{spelling}/jobs/j")
        assert found.status_code == 200
        assert found.json()["id"] == "/workspaces/default/jobs/j"


class TestJobTokens:
    def test_a_job_reads_itself_and_nothing_else(self, api: Api, routes: list[Route]) -> None:
        _fill(api.site)
        submit(api.site, name="other-job")
        job = api.as_job("j")
        jobs = "/api/v1/workspaces/default/jobs"
        assert job.get(f"{jobs}/j").status_code == 200
        assert [j["name"] for j in job.get(jobs).json()["value"]] == ["j"]
        for part in ("", "/files", "/history", "/events", "/files/user_logs/std_log.txt"):
            theirs, absent = job.get(f"{jobs}/other-job{part}"), job.get(f"{jobs}/gone{part}")
            assert theirs.status_code == absent.status_code == 404
            assert theirs.text == absent.text.replace("gone", "other-job")

    def test_a_job_changes_nothing_but_runs_and_models(
        self, api: Api, routes: list[Route]
    ) -> None:
        """What it may do to runs is told in test_runs.py."""
        _fill(api.site)
        job = api.as_job("j")
        tracked = ("workspaces/experiments/", "workspaces/models/")
        for route in routes:
            if route.looks or not route.action:
                continue
            for kind in route.kinds:
                if route.action and route.wanted(kind).startswith(tracked):
                    continue
                answer = job.request(route.method, route.path(kind), **_body(route))
                assert answer.status_code in (403, 404), (route, answer.text)

    def test_the_token_ends_with_the_job(self, api: Api, server: Server, engine: Engine) -> None:
        submit(api.site, name="j")
        server.settle()
        plan = engine.attempts["default/j/1"].plan
        assert plan is not None
        secret = plan.variables["LAZUR_TOKEN"]
        engine.run("default/j/1")
        engine.end("default/j/1")
        job = api.with_(secret)
        assert job.get("/api/v1/workspaces/default/jobs/j").status_code == 401


class TestPrincipals:
    @pytest.mark.parametrize(
        "role, action, allowed",
        [
            ("Reader", "workspaces/jobs/read", True),
            ("Reader", "workspaces/read", True),
            ("Reader", "workspaces/jobs/write", False),
            ("AzureML Data Scientist", "workspaces/jobs/write", True),
            ("AzureML Data Scientist", "workspaces/jobs/cancel/action", True),
            ("AzureML Data Scientist", "workspaces/write", False),
            ("AzureML Data Scientist", "workspaces/delete", False),
            ("AzureML Data Scientist", "workspaces/computes/write", False),
            ("Contributor", "workspaces/delete", True),
            ("Contributor", "authorization/tokens/write", False),
            ("Owner", "authorization/tokens/write", True),
            ("Job", "workspaces/jobs/read", True),
            ("Job", "workspaces/environments/read", False),
            ("Job", "workspaces/datastores/read", True),
            ("Job", "workspaces/datastores/listsecrets/action", False),
            ("Job", "workspaces/data/write", False),
            ("", "workspaces/read", False),
            ("*", "workspaces/read", False),
        ],
    )
    def test_roles_are_azures(self, role: str, action: str, allowed: bool) -> None:
        found = {**roles.BUILT_IN, "Job": roles.JOB}.get(role, roles.Role(role, ()))
        assert roles.allows(found, action) is allowed

    def test_a_job_is_held_to_its_job(self) -> None:
        job = Principal.of_job("w", "j")
        assert job.knows(Resource("w", "jobs", "j"))
        assert not job.knows(Resource("w", "jobs", "J"))
        assert not job.knows(Resource("x", "jobs", "j"))


def _fill(site: TestSite) -> None:
    """Something for every route to find."""
    call(site, registries.create, {"name": "shared"})
    submit(site, name="j")
    call(site, jobs.cancel, "default", "j")
    Server(site).settle()
    tree = put_tree(site, {"a.txt": b"a"})
    call(site, assets.create, "default", "environments", {"name": "j", "image": "python:3.11"})
    for kind in ("data", "models", "codes"):
        type_ = {"data": "uri_folder", "models": "custom_model"}.get(kind)
        spec = {"name": "j", "path": f"tree:{tree}", **({"type": type_} if type_ else {})}
        if kind == "codes":
            spec = {"name": "j", "path": f"tree:{tree}", "$schema": "code.schema.json"}
        for shelf in ("default", Registry("shared")):
            call(site, assets.create, shelf, kind, spec)


def _body(route: Route) -> dict[str, Any]:
    if route.method == "GET" or route.method == "DELETE":
        return {}
    if route.template.endswith("/blobs"):
        data = b"x"
        digest = hashlib.sha256(data).hexdigest()
        return {"content": f"{digest} 1\n".encode() + data}
    if route.template.endswith("/missing"):
        return {"json": {"sha256": []}}
    if route.template.endswith("/tokens"):
        return {"json": {"name": "x", "role": "Reader"}}
    if route.template.endswith("/prune"):
        return {"json": {"max_bytes": 1, "dry_run": True}}
    if route.template.endswith(("/jobs", "/validate")):
        return {"json": command()}
    if route.template.endswith("/{kind}") and route.method == "POST":
        return {"json": {"name": "n", "image": "python:3.11"}}
    return {"json": {}}
