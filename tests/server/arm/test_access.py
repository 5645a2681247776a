"""Every operation of Azure's wire asks who is calling, for whom the token was made, and what they
may do."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import jwt
import pytest

from lazur.server.arm import operations
from lazur.server.arm.routes import OPEN, Route
from lazur.services.azure import sas
from lazur.services.base import roles
from lazur.services.people import assignments
from lazur.services.people import tokens as ours
from tests.server.arm.conftest import BASE, GROUP, MLS, WS, Arm
from tests.site import Clock, call, submit

VALUES = {
    "name": "j",
    "version": "1",
    "registry": "shared",
    "run": "j",
    "experiment": "default",
    "tenant": "common",
    "location": "local",
    "account": "default",
    "container": "workspaceblobstore",
    "path": "a/b.txt",
    "deployment": "d",
    "endpoint": "e",
    "node": "0",
}
ROUTES = [route for route in operations.table().routes if route.action != OPEN]
WORKSPACE = [route for route in ROUTES if "WS" in route.template]
SIGNS_ITSELF = "/msi/token"
"""Its secret is in a header of its own."""


@pytest.fixture
def ready_database_url(tmp_path: Path, ready_file: Path) -> str:
    """Rights do not depend on the database, and there are many operations."""
    return f"sqlite:///{shutil.copy(ready_file, tmp_path / 'lazur.db')}"


def path_of(route: Route, workspace: str = "default", **values: str) -> str:
    text = route.template
    for short, whole in (
        ("SUBMLS", "/subscriptions/s/providers/Microsoft.MachineLearningServices"),
        ("WS", f"{MLS}/workspaces/{workspace}"),
        ("REG", f"{MLS}/registries/shared"),
        ("MLS", MLS),
        ("RG", GROUP),
        ("SUB", "/subscriptions/s"),
    ):
        if short in text:
            text = text.replace(short, whole)
            break
    if text.endswith("/{container}"):
        text += "?restype=container&comp=list"
    return text.replace(":path}", "}").format_map(defaultdict(lambda: "x", {**VALUES, **values}))


def body_of(route: Route) -> dict[str, Any]:
    return {} if route.method in {"GET", "HEAD", "DELETE"} else {"json": {"properties": {}}}


def named(route: Route) -> str:
    return f"{route.method} {route.template}"


class TestAnonymous:
    @pytest.mark.parametrize("secret", [None, "wrong", "lzr_" + "x" * 43, "eyJx.eyJx.x"])
    def test_every_operation_is_closed(self, arm: Arm, secret: str | None) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        for route in ROUTES:
            answer = arm.with_(None).request(route.method, path_of(route), headers=headers)
            assert answer.status_code == 401, named(route)

    def test_what_is_not_served_is_closed_too(self, arm: Arm) -> None:
        assert arm.with_(None).get(f"{WS}/nothing").status_code == 401
        assert arm.with_(None).get("/_blob/default/workspaceblobstore/a").status_code == 401

    def test_it_is_said_as_azure_says_it_with_what_to_do(self, arm: Arm) -> None:
        for path in (WS, "/_blob/default/workspaceblobstore/a"):
            told = arm.with_(None).get(path).json()["error"]
            assert told["code"] == "InvalidAuthenticationToken"
            assert "lazur azure env" in told["message"]

    def test_who_is_nobody_is_not_counted(self, arm: Arm) -> None:
        assert arm.with_(None).request("POST", "/any/oauth2/token").status_code == 401
        headers = {"Authorization": f"Bearer {arm.secret}"}
        assert arm.get("/api/v1/azure/missed", headers=headers).json()["value"] == []

    def test_what_is_open_tells_nothing_of_this_server(self, arm: Arm) -> None:
        nobody = arm.with_(None)
        for path in ("/metadata/endpoints", "/discovery"):
            answer = nobody.get(path)
            assert answer.status_code == 200
            assert "default" not in answer.text


class TestTokens:
    def test_a_token_of_ours_opens_as_a_token_of_azures(self, arm: Arm) -> None:
        headers = {"Authorization": f"Bearer {arm.secret}"}
        assert arm.get(WS, headers=headers).status_code == 200
        assert arm.get(WS).status_code == 200

    def test_a_token_for_another_audience_does_not(self, arm: Arm) -> None:
        for audience in ("https://management.azure.com", "https://localhost.evil", "x"):
            headers = {"Authorization": f"Bearer {arm.token_for(audience)}"}
            answer = arm.get(WS, headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
            assert "audience" in answer.json()["error"]["message"]

    def test_one_beside_what_opens_is_not_looked_at(self, arm: Arm) -> None:
        beside = {"Authorization": "Bearer eyJx.eyJx.x"}
        signed = sas.sign(arm.site, ours.digest(str(arm.secret)), "default/workspaceblobstore")
        path = f"/_blob/default/workspaceblobstore?comp=list&{signed}"
        assert arm.get(path, headers=beside).status_code == 200
        headers = {**beside, "secret": str(arm.secret)}
        assert arm.get(f"/msi/token?resource={BASE}", headers=headers).status_code == 200

    def test_a_token_of_azures_does_not_open_our_own_api(self, arm: Arm) -> None:
        assert arm.get("/api/v1/me").status_code == 401

    def test_the_servers_own_clock_decides(self, arm: Arm, clock: Clock) -> None:
        clock.time = 4e9
        assert arm.get(WS).status_code == 200

    def test_it_ends_after_an_hour(self, arm: Arm, clock: Clock) -> None:
        headers = {"Authorization": f"Bearer {arm.token}"}
        clock.time += 3599
        assert arm.get(WS, headers=headers).status_code == 200
        clock.time += 2
        assert self._later(arm, headers) == 401

    def test_it_ends_with_the_token_it_was_asked_for_with(self, arm: Arm) -> None:
        person = arm.as_("Reader")
        headers = {"Authorization": f"Bearer {person.token}"}
        call(arm.site, ours.revoke, "Reader-person")
        assert self._later(person, headers) == 401

    def test_another_signature_is_none(self, arm: Arm) -> None:
        claims = jwt.decode(arm.token, options={"verify_signature": False})
        for key, algorithm in (("x" * 32, "HS256"), (None, "none")):
            forged = jwt.encode(claims, key, algorithm)  # pyright: ignore[reportArgumentType]
            answer = arm.get(WS, headers={"Authorization": f"Bearer {forged}"})
            assert answer.status_code == 401

    def _later(self, arm: Arm, headers: dict[str, str]) -> int:
        """The gate's answer is a second old at most; it is asked of a fresh one."""
        gate = arm.http._client._transport.app  # pyright: ignore[reportAttributeAccessIssue]
        gate.identities._known.clear()
        return arm.get(WS, headers=headers).status_code


class TestRoles:
    def test_without_the_action_every_operation_is_forbidden(
        self, arm: Arm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person = arm.as_("Reader")
        submit(arm.site, name="j")
        token = {"Authorization": f"Bearer {person.token}"}
        for route in ROUTES:
            if route.template == SIGNS_ITSELF:
                continue
            monkeypatch.setattr(roles, "allows", lambda _, asked, no=route.action: asked != no)
            answer = person.request(route.method, path_of(route), headers=token, **body_of(route))
            assert answer.status_code == 403, (named(route), answer.text)

    def test_a_stranger_learns_nothing(self, arm: Arm, other: str) -> None:
        stranger = arm.as_("Owner", other)
        submit(arm.site, name="j")
        for route in WORKSPACE:
            seen = stranger.request(route.method, path_of(route), **body_of(route))
            absent = stranger.request(route.method, path_of(route, "nowhere"), **body_of(route))
            assert seen.status_code == absent.status_code == 404, (named(route), seen.text)
            assert seen.text == absent.text.replace("nowhere", "default"), named(route)

    def test_the_machine_is_seen_from_any_workspace_that_shows_it(
        self, arm: Arm, other: str
    ) -> None:
        path = f"{MLS.partition('/resourceGroups')[0]}/{MLS.partition('/lazur/')[2]}"
        role = "Workspace Connection Secrets Reader"
        ann, bob = (arm.with_(call(arm.site, ours.issue, n, role, "default")) for n in "ab")
        call(arm.site, assignments.create, other, {"principal": "a", "role": "Reader"})
        for asked in ("usages", "vmSizes"):
            assert ann.get(f"{path}/locations/local/{asked}").status_code == 200
            assert bob.get(f"{path}/locations/local/{asked}").status_code == 403

    def test_lists_hold_only_what_is_theirs(self, arm: Arm, other: str) -> None:
        found = arm.as_("Owner", other).get(f"{MLS}/workspaces").json()["value"]
        assert [one["name"] for one in found] == [other]


class TestPaths:
    @pytest.mark.parametrize(
        "spelling", ["{}/../other", "{}//jobs", "{}/%2e%2e/x", "{}%00", "{}/..%2fother", "\\{}"]
    )
    def test_no_spelling_leads_elsewhere(self, arm: Arm, spelling: str) -> None:
        answer = arm.get(spelling.format(WS))
        assert answer.status_code in (400, 404, 501), answer.text

    def test_letters_may_be_large_or_small(self, arm: Arm) -> None:
        assert arm.get(WS.replace("resourceGroups", "resourcegroups")).status_code == 200
        assert arm.get(WS.replace("Microsoft.Mach", "microsoft.mach")).status_code == 200

    def test_every_subscription_and_group_is_this_server(self, arm: Arm) -> None:
        found = arm.get(WS.replace("0000-000000000", "ffff").replace("lazur", "mine")).json()
        assert found["id"].startswith("/subscriptions/00000000-0000-0000-ffff")
        assert "/resourceGroups/mine/" in found["id"]

    def test_what_is_not_served_says_so_and_is_counted(self, arm: Arm) -> None:
        answer = arm.request("PUT", f"{WS}/unheard/of")
        assert answer.status_code == 501
        assert "PUT WS/unheard/of" in answer.json()["error"]["message"]
        headers = {"Authorization": f"Bearer {arm.secret}"}
        counted = arm.get("/api/v1/azure/missed", headers=headers).json()["value"]
        assert {"operation": "PUT WS/unheard/of", "count": 1} in counted


class TestSignIn:
    def test_a_managed_identity_is_a_token_of_ours(self, arm: Arm) -> None:
        answer = arm.with_(None).get(
            "/msi/token", params={"resource": BASE}, headers={"secret": arm.secret}
        )
        found = answer.json()
        assert found["token_type"] == "Bearer"
        assert (
            arm.with_(None)
            .get(WS, headers={"Authorization": f"Bearer {found['access_token']}"})
            .is_success
        )
        assert arm.with_(None).get("/msi/token", headers={"secret": "no"}).status_code == 401

    def test_a_secret_of_a_client_is_a_token_of_ours(self, arm: Arm) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": "Reader-person",
            "client_secret": arm.as_("Reader").secret,
            "scope": f"{BASE}/.default",
        }
        answer = arm.with_(None).request("POST", "/t/oauth2/v2.0/token", data=form)
        token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert arm.with_(None).get(WS, headers=headers).status_code == 200

        def refused(**change: str) -> tuple[int, str]:
            asked = {**form, **change}
            answer = arm.with_(None).request("POST", "/t/oauth2/v2.0/token", data=asked)
            assert answer.json()["error_description"]
            return answer.status_code, answer.json()["error"]

        for change in ({"client_id": "root"}, {"client_secret": "x"}):
            assert refused(**change) == (401, "invalid_client")
        assert refused(scope="") == (400, "invalid_scope")
        assert refused(grant_type="password") == (400, "unsupported_grant_type")

    def test_guesses_are_slowed_down(self, arm: Arm) -> None:
        nobody = arm.with_(None)
        statuses = {
            nobody.request("POST", "/t/oauth2/v2.0/token", data={}).status_code for _ in range(700)
        }
        assert 429 in statuses


class TestTracking:
    """MLflow, at the address that Azure's clients know it by."""

    PATH = f"/mlflow/v1.0{WS}/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"

    def test_a_token_of_azures_opens_it(self, arm: Arm) -> None:
        assert arm.get(self.PATH).json()["experiment"]["name"] == "Default"
        headers = {"Authorization": f"Bearer {arm.secret}"}
        assert arm.get(self.PATH, headers=headers).status_code == 200

    def test_a_token_for_another_audience_does_not(self, arm: Arm) -> None:
        headers = {"Authorization": f"Bearer {arm.token_for('https://localhost.evil')}"}
        assert arm.get(self.PATH, headers=headers).status_code == 401

    def test_what_is_forged_does_not(self, arm: Arm) -> None:
        for secret in ("eyJx.eyJx.x", "a.b", "."):
            headers = {"Authorization": f"Bearer {secret}"}
            assert arm.get(self.PATH, headers=headers).status_code == 401

    def test_it_opens_no_other_address_of_mlflow(self, arm: Arm) -> None:
        path = self.PATH.replace(f"v1.0{WS}", "workspaces/default")
        assert arm.get(path).status_code == 401

    def test_rights_are_those_of_whose_token_it_is(self, arm: Arm, other: str) -> None:
        stranger = arm.as_("Owner", other)
        assert stranger.get(self.PATH).status_code == 404
        reader = arm.as_("Reader")
        assert reader.get(self.PATH).status_code == 200
        path = f"/mlflow/v1.0{WS}/api/2.0/mlflow/experiments/create"
        assert reader.post(path, {"name": "x"}).status_code == 403
