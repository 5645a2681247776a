"""Who may do what, seen from outside (S25-S27, S31, S32, S35-S39, S41, S42, S44)."""

from __future__ import annotations

import http.client
import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from fastapi import APIRouter, FastAPI

from lazur.errors import LazurError
from lazur.server.app import (
    Front,
    all_routes,
    check_decisions,
    create_api,
    create_app,
    create_site,
)
from lazur.server.gate import OPEN, Gate
from lazur.server.settings import Settings
from lazur.testing.server import Server
from tests.rights import allows
from tests.security.conftest import started
from tests.security.wire import ENVIRONMENT, Operation, W, Wire, operations, until
from tests.server.edge import call

ROLES = ("Owner", "Contributor", "AzureML Data Scientist", "Reader")
FOREIGN = ("https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1")
SHARED = "shared"
"""A registry."""
CHANGES = ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND")


@pytest.fixture(scope="module")
def tokens(answering: Server) -> dict[str, str]:
    """One for each role, on the whole server."""
    with Wire(answering, answering.token) as wire:
        made = wire.ask("POST", "/api/v1/registries", {"name": SHARED})
        assert made.status in (201, 409)  # the server is one for several modules
        return {role: issued(wire, role) for role in ROLES}


@pytest.fixture(scope="module")
def walk(answering: Server) -> list[Operation]:
    with Wire(answering, answering.token) as wire:
        return operations(wire)


class TestNobody:
    def test_gets_nothing_anywhere(self, answering: Server, walk: list[Operation]) -> None:
        """S35: without a token, with a wrong one, with half of one."""
        good = answering.token
        for headers in ({}, bearer("wrong"), bearer(good[:-1]), bearer(good + "x")):
            with Wire(answering, headers=headers) as nobody:
                for operation in walk:
                    path = operation.at(workspace="default")
                    got = nobody.ask(
                        operation.method, path, {} if operation.method != "GET" else None
                    )
                    open_ = (operation.method, operation.path) in OPEN
                    assert (got.status == 401) != open_ or got.code == "Unauthenticated", path

    def test_no_layer_lies_outside_the_gate(self, home: Any) -> None:
        """S36: the whole tree of applications, not one framework's table."""
        gate = create_app(Settings(home=home))
        assert isinstance(gate, Gate)
        assert isinstance(gate.app, Front)
        paths = {getattr(route, "path", "/") for route in all_routes(gate.app.api.routes)}
        assert len(paths) > 40
        paths |= {
            "/mlflow",
            "/mlflow/",
            "/mlflow/api/2.0/mlflow/runs/get",
            "/mlflow/static-files/x",
            "/tensorboard/default/j/",
            "/tensorboard/default/j/index.js",
            "/tensorboard/default/j/data/runs",
        }
        for path in paths:
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                real = path.replace("{", "").replace("}", "").replace(":path", "")
                if (method, real) in OPEN or (method == "GET" and real.startswith("/static/")):
                    continue
                assert call(gate, method, real).status == 401, (method, real)

    def test_a_route_without_an_action_stops_the_start(self, home: Any) -> None:
        """S35: also in a router, and in an application below."""
        settings = Settings(home=home)
        for put in ("included", "mounted", "plain"):
            app = create_api(create_site(settings), settings)
            check_decisions(app)
            included, below = APIRouter(), FastAPI()
            made = {"included": included, "mounted": below, "plain": app}[put]
            made.get("/forgotten")(lambda: None)
            app.include_router(included)
            app.mount("/below", below)
            with pytest.raises(LazurError, match="/forgotten declares no action"):
                check_decisions(app)


class TestRoles:
    def test_each_may_what_its_role_says(
        self, answering: Server, tokens: dict[str, str], walk: list[Operation]
    ) -> None:
        """S35: every route x each role, against the roles' own table."""
        for role, token in tokens.items():
            with Wire(answering, token) as wire:
                for operation in walk:
                    if operation.action is None or operation.method == "DELETE":
                        continue
                    body = sensible(operation) if operation.method != "GET" else None
                    target = operation.at(workspace="default", registry=SHARED)
                    got = wire.ask(operation.method, target, body)
                    assert got.status != 401
                    may = allows(role, operation.action)
                    assert (got.status != 403) == may, (role, operation, got.body)

    def test_a_token_of_another_workspace_sees_no_such_thing(
        self, answering: Server, caller: Wire, walk: list[Operation]
    ) -> None:
        """S35, S37, S38: what is there and what is not are one answer, but for the name."""
        theirs, mine = populated(caller, "theirs"), workspace(caller, "mine")
        with Wire(answering, issued(caller, "Owner", mine)) as wire:
            for operation in walk:
                if "workspace" not in operation.parameters:
                    continue
                shown: list[tuple[int, str]] = []
                for name in (theirs["workspace"], "no-such-workspace"):
                    values = {**theirs, "workspace": name}
                    body = sensible(operation) if operation.method != "GET" else None
                    got = wire.ask(operation.method, operation.at(**values), body)
                    shown.append((got.status, got.body.decode().replace(name, "?")))
                assert shown[0] == shown[1], operation
                assert shown[0][0] == 404, (operation, shown)
            for target in (
                "/api/v1/workspaces",
                *(f"/api/v1/workspaces/{mine}/{k}" for k in LISTS),
            ):
                got = wire.get(f"{target}?limit=1000")
                assert got.status == 200
                assert b"theirs" not in got.body, target
                assert theirs["name"].encode() not in got.body

    def test_lists_hold_what_the_owner_has(self, caller: Wire) -> None:
        """The empty lists above would not be empty for who may see."""
        theirs = populated(caller, "also-theirs")
        at = f"/api/v1/workspaces/{theirs['workspace']}"
        assert [j["name"] for j in caller.get(f"{at}/jobs").json["value"]] == [theirs["name"]]
        assert len(caller.get(f"{at}/data").json["value"]) == 1

    def test_forbidden_takes_as_long_as_absent(self, answering: Server, caller: Wire) -> None:
        """S38. No clock is asserted on: both end at the same line, before any look-up."""
        theirs, mine = populated(caller, "timed"), workspace(caller, "clock")
        with Wire(answering, issued(caller, "Owner", mine)) as wire:
            for kind in LISTS:
                for name in (theirs["name"], "no_such"):
                    got = wire.get(f"/api/v1/workspaces/timed/{kind}/{name}")
                    assert got.json["error"]["message"].startswith("There is no ")
                    assert "timed" not in (got.json["error"].get("hint") or "")


class TestGrants:
    @pytest.mark.parametrize("role", [r for r in ROLES if r != "Owner"])
    def test_nobody_grants_more_than_they_hold(
        self, answering: Server, caller: Wire, tokens: dict[str, str], role: str
    ) -> None:
        """S44."""
        with Wire(answering, tokens[role]) as wire:
            for wanted in ("Owner", "Job", role):
                got = wire.ask("POST", "/api/v1/tokens", {"name": "x", "role": wanted})
                assert got.status == 403

    def test_an_owner_of_one_workspace_grants_nothing_beyond(
        self, answering: Server, caller: Wire
    ) -> None:
        mine = workspace(caller, "narrow")
        with Wire(answering, issued(caller, "Owner", mine)) as wire:
            for place in (None, "default", "no-such"):
                body = {"name": "x", "role": "Owner", "workspace": place}
                assert wire.ask("POST", "/api/v1/tokens", body).status in (403, 404)
            assert wire.ask("POST", "/api/v1/workspaces", {"name": "wide"}).status == 403
            assert wire.ask("POST", "/api/v1/builds/prune", {"max_bytes": 0}).status == 403

    OWNED: ClassVar = {
        "created_by": "somebody",
        "creation_context": {"created_by": "somebody"},
        "state": "Completed",
        "status": "Completed",
        "role": "Owner",
        "owner": "somebody",
        "workspace": "other",
        "workspace_id": 99,
        "id": "/workspaces/other/jobs/x",
        "attempt": 99,
        "runner": "elsewhere",
        "handle": {"folder": "/", "key": "x", "log": "/etc/passwd"},
        "resolved": {"outputs": []},
        "etag": "99",
        "build_key": "x",
        "lease_token": "x",
        "kind": "session",
        "expires_at": None,
    }

    def test_what_the_server_owns_cannot_be_sent(self, caller: Wire) -> None:
        """S44: one field after the other in every body."""
        for field, value in self.OWNED.items():
            job = {"type": "command", "command": "true", "environment": ENVIRONMENT, field: value}
            self.refused_or_ignored(caller, f"{W}/jobs", job, field, value)
            asset = {"type": "uri_file", "path": "https://h/x", field: value}
            asset["name"] = f"owned-{field}"
            self.refused_or_ignored(caller, f"{W}/data", asset, field, value)
            space = {"name": f"owned-{field.replace('_', '-')}", field: value}
            self.refused_or_ignored(caller, "/api/v1/workspaces", space, field, value)

    def test_who_made_it_is_who_called(self, caller: Wire) -> None:
        """An unknown field comes back as it was written; what the server knows stays true."""
        name = caller.submit(created_by="somebody", creation_context={"created_by": "somebody"})
        assert caller.get(f"{W}/jobs?created_by=somebody").json["value"] == []
        (first, *_) = caller.get(f"{W}/jobs/{name}/history").json["value"]
        assert first["who"] == caller.get("/api/v1/me").json["name"]

    def test_nor_changed(self, caller: Wire) -> None:
        name = caller.submit()
        for field, value in self.OWNED.items():
            for target in (f"{W}/jobs/{name}", W):
                got = caller.ask("PATCH", target, {field: value})
                assert 400 <= got.status < 500, (target, field, got.body)

    def refused_or_ignored(
        self, wire: Wire, target: str, body: dict[str, Any], field: str, value: Any
    ) -> None:
        got = wire.ask("POST", target, body)
        if got.status != 201:
            assert 400 <= got.status < 500, got.body
            return
        name = got.json["name"]
        if target.endswith("/jobs"):
            assert got.json["status"] in ("Queued", "Preparing", "NotStarted")
        assert got.json["creation_context"]["created_by"] != "somebody"
        if field in ("status", "etag", "id", "creation_context") or (
            "/jobs" in target and field == "attempt"
        ):
            assert wire.get(f"{target}/{name}").json.get(field) != value, body


class TestForeignPages:
    @pytest.mark.parametrize("origin", FOREIGN)
    def test_they_change_nothing(
        self, answering: Server, walk: list[Operation], origin: str
    ) -> None:
        """S26, S27: every route, every verb, with a good token and with a good session."""
        session = sign_in(answering)
        for secret in ({"Cookie": session}, bearer(answering.token)):
            with Wire(answering, headers={**secret, "Origin": origin}) as wire:
                for operation in walk:
                    for verb in CHANGES:
                        got = wire.ask(verb, operation.at(workspace="default"), b"{}")
                        assert got.status in (403, 405), (verb, operation, got.status)
                        told = [h for h in got.headers if h.startswith("access-control")]
                        assert told == []

    def test_a_session_alone_changes_nothing(
        self, answering: Server, walk: list[Operation]
    ) -> None:
        """S26: a form on any page sends the cookie; it can send neither header."""
        with Wire(answering, headers={"Cookie": sign_in(answering)}) as wire:
            assert wire.get("/api/v1/me").status == 200
            for operation in walk:
                is_open = (operation.method, operation.path) in OPEN
                if operation.method != "GET" and not is_open:
                    got = wire.ask(operation.method, operation.at(workspace="default"), b"{}")
                    assert got.status == 403, operation

    def test_a_rebound_name_is_refused_everywhere(
        self, answering: Server, walk: list[Operation]
    ) -> None:
        """S25."""
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765"):
            with Wire(answering, answering.token, {"Host": host}) as wire:
                for operation in [*walk, Operation("GET", "/", None, ())]:
                    got = wire.ask(operation.method, operation.at(workspace="default"))
                    assert got.status == 421, (host, operation)

    def test_they_cannot_include_an_answer(self, caller: Wire, walk: list[Operation]) -> None:
        """S31: the headers that make browsers refuse it as a script or an image."""
        for operation in walk:
            if operation.method == "GET":
                got = caller.get(operation.at(workspace="default", registry=SHARED))
                assert got.headers["x-content-type-options"] == "nosniff"
                assert got.headers["cross-origin-resource-policy"] == "same-origin"
                assert "sandbox" in got.headers["content-security-policy"]


class TestSpelling:
    def test_a_path_is_decided_on_as_it_is_served(
        self, answering: Server, tokens: dict[str, str]
    ) -> None:
        """S39: no other spelling of an address gives what the plain one refuses."""
        target = "/api/v1/tokens"
        body = {"name": "x", "role": "Owner"}
        with Wire(answering, tokens["Reader"]) as wire:
            for spelt in (
                target,
                target + "/",
                "/" + target,
                "/api//v1/tokens",
                "/api/v1/./tokens",
                "/api/v1/x/../tokens",
                "/api/v1%2ftokens",
                "/%61pi/v1/tokens",
                "/API/v1/tokens",
                "/healthz/../api/v1/tokens",
                "/static/../api/v1/tokens",
                "/static/%2e%2e/api/v1/tokens",
                target + ";x=/healthz",
                target + "?x=/healthz",
                target + "%00",
            ):
                for headers in (
                    {},
                    {"X_HTTP_Method_Override": "GET"},
                    {"X_Original_URL": "/healthz"},
                ):
                    got = wire.ask("POST", spelt, body, **headers)
                    assert got.status in (307, 400, 403, 404, 405), (spelt, got.body)
                    assert got.headers.get("location", answering.url).startswith(answering.url)

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "get", "FOO", "OPTIONS"])
    def test_other_verbs_open_nothing(self, answering: Server, method: str) -> None:
        with Wire(answering) as nobody:
            got = nobody.ask(method, f"{W}/jobs", b"")
            assert got.status in (400, 401, 405)


class TestEnd:
    def test_a_session_that_is_signed_out_is_dead(self, answering: Server) -> None:
        """S41."""
        own = urlsplit(answering.url)
        headers = {
            "Cookie": sign_in(answering),
            "Origin": f"{own.scheme}://{own.netloc}",
            "X-Lazur-Csrf": "1",
        }
        with Wire(answering, headers=headers) as wire:
            assert wire.get("/api/v1/me").status == 200
            assert wire.ask("DELETE", "/api/v1/sessions").status == 204
            assert until(lambda: wire.get("/api/v1/me").status == 401)

    def test_its_open_streams_end(self, answering: Server, caller: Wire) -> None:
        """S32, S41."""
        name = caller.submit()
        own = urlsplit(answering.url)
        cookie = sign_in(answering)
        connection = http.client.HTTPConnection(own.netloc, timeout=15)
        connection.request("GET", f"{W}/jobs/{name}/events", headers={"Cookie": cookie})
        stream = connection.getresponse()
        assert stream.status == 200
        assert stream.readline()
        headers = {"Cookie": cookie, "Origin": answering.url, "X-Lazur-Csrf": "1"}
        with Wire(answering, headers=headers) as wire:
            assert wire.ask("DELETE", "/api/v1/sessions").status == 204
        ended = time.monotonic()
        try:
            while stream.readline():
                assert time.monotonic() - ended < 10
        except http.client.IncompleteRead:
            pass  # it is cut off, and says so
        finally:
            connection.close()

    def test_a_code_is_good_once(self, answering: Server, caller: Wire) -> None:
        code = caller.ask("POST", "/api/v1/sign-in-codes").json["code"]
        with Wire(answering) as nobody:
            assert nobody.ask("POST", "/api/v1/sessions", {"code": code}).status == 201
            assert nobody.ask("POST", "/api/v1/sessions", {"code": code}).status == 401

    def test_each_secret_opens_its_own_door_only(self, caller: Wire) -> None:
        """A code is no token, and a session no bearer."""
        code = caller.ask("POST", "/api/v1/sign-in-codes").json["code"]
        session = sign_in(caller.server).partition("=")[2]
        for secret in (code, session):
            with Wire(caller.server, secret) as wire:
                assert wire.get("/api/v1/me").status == 401


class TestGuessing:
    def test_it_is_slowed_down(self, servers: Any) -> None:
        """S42, on a server of its own: the limit is everybody's."""
        with started(servers / "guessed", role="api") as server, Wire(server) as nobody:
            tries = [
                nobody.ask("POST", "/api/v1/sessions", {"code": f"guess-{n}"}) for n in range(100)
            ]
        assert [t.status for t in tries].count(401) == 30
        assert [t.status for t in tries].count(429) == 70
        assert int(tries[-1].headers["retry-after"]) > 0


LISTS = ("jobs", "data", "models", "environments", "components", "codes", "builds", "computes")


def issued(wire: Wire, role: str, workspace: str | None = None) -> str:
    """Of somebody who has this role in this place, and no other."""
    name = "-".join([*role.lower().split(), *([workspace] if workspace else [])])
    body = {"name": name, "role": role, "workspace": workspace}
    got = wire.ask("POST", "/api/v1/tokens", body)
    assert got.status == 201, got.body
    return str(got.json["token"])


def workspace(wire: Wire, name: str) -> str:
    assert wire.ask("POST", "/api/v1/workspaces", {"name": name}).status == 201
    return name


def populated(wire: Wire, name: str) -> dict[str, str]:
    """A workspace with a job and an asset in it."""
    at = f"/api/v1/workspaces/{workspace(wire, name)}"
    spec = {"type": "command", "command": "true", "environment": ENVIRONMENT}
    job = wire.ask("POST", f"{at}/jobs", spec).json["name"]
    data = {"name": job, "type": "uri_file", "path": "https://h/theirs"}
    assert wire.ask("POST", f"{at}/data", data).status == 201
    return {"workspace": name, "name": job, "version": "1", "path": "user_logs/std_log.txt"}


def sensible(operation: Operation) -> dict[str, Any]:
    """A body that passes the first checks, so that the decision is reached."""
    if operation.path == "/api/v1/tokens":
        return {"name": "x", "role": "Reader"}
    if operation.path == "/api/v1/workspaces":
        return {"name": "default"}
    if operation.path.endswith("/missing"):
        return {"sha256": ["0" * 64]}
    if operation.path.endswith("/prune"):
        return {"older_than_days": 10_000, "dry_run": True}
    kind = operation.path.rpartition("/")[2]
    if operation.method == "POST":
        return _BODIES.get(kind, {})
    return {"archived": False} if kind != "{workspace}" else {"description": "x"}


_BODIES: dict[str, dict[str, Any]] = {
    "jobs": {"type": "command", "command": "true", "environment": ENVIRONMENT},
    "validate": {"type": "command", "command": "true", "environment": ENVIRONMENT},
    "data": {"name": "x", "type": "uri_file", "path": "https://h/x"},
    "models": {"name": "x", "type": "custom_model", "path": "https://h/x"},
    "environments": {"name": "x", "image": "python"},
    "components": {"name": "x", "type": "command", "command": "true", "environment": ENVIRONMENT},
    "codes": {"name": "x", "code": "https://h/x"},
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sign_in(server: Server) -> str:
    """The cookie of a browser session of the owner."""
    with Wire(server, server.token) as wire:
        code = wire.ask("POST", "/api/v1/sign-in-codes").json["code"]
    with Wire(server) as browser:
        got = browser.ask("POST", "/api/v1/sessions", {"code": code})
    return got.headers["set-cookie"].partition(";")[0]
