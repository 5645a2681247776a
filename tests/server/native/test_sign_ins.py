"""Passwords, and command lines that sign in by a browser, over the wire."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lazur.services.base.access import Principal
from lazur.services.base.throttle import Throttle
from lazur.services.people import assignments, people, tokens
from lazur.services.people.oidc.client_secrets import ASSERTION_TYPE
from lazur.services.people.sign_ins import Brakes
from lazur.store import audit
from tests.server.native.conftest import Api
from tests.site import Clock, TestSite, call

GOOD = "violet trapeze mollusc 9"
OTHER = "granite umbrella sonnet 7"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
REQUEST = {
    "redirect_uri": "http://127.0.0.1:54321/callback",
    "state": "s" * 20,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def bob(api: Api) -> str:
    api.ways.passwords = True
    call(api.site, people.create, "user", {"name": "bob", "email": "bob@example.org"})
    assert (
        api.request("PUT", "/api/v1/users/bob/password", json={"password": GOOD}).status_code
        == 204
    )
    return "bob"


def enter(api: Api, name: str, password: str) -> Any:
    return api.with_(None).post("/api/v1/sessions", {"name": name, "password": password})


def whoami(api: Api, cookie: str) -> Any:
    return api.with_(None).get("/api/v1/me", headers={"Cookie": cookie.partition(";")[0]})


def log(site: TestSite) -> list[Any]:
    with site.db.read() as db:
        return [
            row for row in audit.piece(db, audit.SERVER, 0) if "sign-in" in row.kind + row.action
        ]


class TestPasswords:
    def test_somebody_signs_in(self, api: Api, bob: str) -> None:
        answer = enter(api, "BOB", GOOD)
        assert answer.status_code == 201
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert whoami(api, cookie).json()["name"] == "bob"

    def test_whatever_is_wrong_is_one_answer(self, api: Api, bob: str) -> None:
        call(api.site, people.create, "user", {"name": "eve"})
        call(api.site, people.create, "service", {"name": "robot"})
        wrong = [
            enter(api, name, password)
            for name, password in (
                ("bob", OTHER),
                ("nobody", GOOD),
                ("eve", GOOD),
                ("robot", GOOD),
                ("bob", "x" * 1500),
            )
        ]
        assert {answer.status_code for answer in wrong} == {401}
        assert len({answer.text for answer in wrong}) == 1

    def test_it_is_off_unless_somebody_turns_it_on(self, api: Api, bob: str) -> None:
        api.ways.passwords = False
        assert enter(api, "bob", GOOD).status_code == 403
        assert api.with_(None).get("/api/v1/sign-in-ways").json()["password"] is False

    def test_guessing_is_slowed_down_by_name(self, api: Api, bob: str) -> None:
        api.ways.brakes = Brakes(names=Throttle(((2, 60.0),)))
        assert [enter(api, "bob", OTHER).status_code for _ in range(2)] == [401, 401]
        late = enter(api, "Bob", GOOD)
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) > 0
        assert enter(api, "nobody", GOOD).status_code == 401

    def test_guessing_is_slowed_down_by_address_first(self, api: Api, bob: str) -> None:
        names = Throttle(((2, 60.0),))
        api.ways.brakes = Brakes(Throttle(((1, 60.0),)), names)
        assert enter(api, "nobody", GOOD).status_code == 401
        assert enter(api, "bob", GOOD).status_code == 429
        assert names.wait("bob") == 0

    def test_who_is_locked_out_stays_out(self, api: Api, bob: str) -> None:
        cookie = enter(api, "bob", GOOD).headers["set-cookie"]
        api.patch("/api/v1/users/bob", {"disabled": True})
        assert whoami(api, cookie).status_code == 401
        assert enter(api, "bob", GOOD).status_code == 401

    def test_a_changed_one_ends_every_session(self, api: Api, bob: str) -> None:
        cookies = [enter(api, "bob", GOOD).headers["set-cookie"] for _ in range(2)]
        mine = {
            "Cookie": cookies[0].partition(";")[0],
            "Origin": "http://localhost",
            "X-Lazur-Csrf": "1",
        }
        body = {"current": GOOD, "new": OTHER}
        put = api.with_(None).request("PUT", "/api/v1/me/password", json=body, headers=mine)
        assert put.status_code == 204
        assert [enter(api, "bob", p).status_code for p in (GOOD, OTHER)] == [401, 201]
        for row in call(api.site, tokens.find)["value"]:
            assert row["kind"] != "session" or row["name"] == "bob"
        assert sum(r["kind"] == "session" for r in call(api.site, tokens.find)["value"]) == 1

    def test_it_is_changed_by_who_knows_it_only(self, api: Api, bob: str) -> None:
        secret = call(api.site, tokens.create, {}, who=Principal.of("bob", "user", "Reader"))
        person = api.with_(secret["token"])
        body = {"current": OTHER, "new": "something entirely else 3"}
        assert person.request("PUT", "/api/v1/me/password", json=body).status_code == 401
        weak = {"current": GOOD, "new": "bob@example.org"}
        assert person.request("PUT", "/api/v1/me/password", json=weak).status_code == 400
        assert enter(api, "bob", GOOD).status_code == 201

    def test_a_token_that_is_good_for_less_changes_none(self, api: Api, bob: str) -> None:
        made = call(
            api.site, tokens.create, {"role": "Reader"}, who=Principal.of("bob", "user", "Reader")
        )
        body = {"current": GOOD, "new": OTHER}
        put = api.with_(made["token"]).request("PUT", "/api/v1/me/password", json=body)
        assert put.status_code == 403

    def test_nobody_sets_that_of_who_may_more(self, api: Api, bob: str) -> None:
        role = {
            "Name": "Helpdesk",
            "Actions": ["authorization/tokens/*"],
            "AssignableScopes": ["/"],
        }
        assert api.post("/api/v1/roles", role).status_code in (200, 201)
        call(api.site, people.create, "user", {"name": "help"})
        call(api.site, people.create, "user", {"name": "boss"})
        call(api.site, assignments.create, None, {"principal": "help", "role": "Helpdesk"})
        call(api.site, assignments.create, None, {"principal": "boss", "role": "Owner"})
        secret = call(api.site, tokens.create, {}, who=Principal.of("help", "user", "Reader"))
        desk = api.with_(secret["token"])
        for name, status in (("boss", 403), ("bob", 204)):
            put = desk.request("PUT", f"/api/v1/users/{name}/password", json={"password": OTHER})
            assert put.status_code == status, put.text
        assert enter(api, "boss", OTHER).status_code == 401

    def test_an_administrator_takes_it_away(self, api: Api, bob: str) -> None:
        put = api.request("PUT", "/api/v1/users/bob/password", json={"password": None})
        assert put.status_code == 204
        assert enter(api, "bob", GOOD).status_code == 401

    def test_what_happened_is_in_the_log_without_the_password(self, api: Api, bob: str) -> None:
        enter(api, "bob", OTHER)
        enter(api, "hunter2-typed-as-a-name", GOOD)
        enter(api, "bob", GOOD)
        rows = log(api.site)
        told = [(row.who, row.action, row.name, row.outcome) for row in rows]
        assert ("bob", "signed in", "bob", "done") in told
        assert ("", "sign-in/password", "bob", "refused") in told
        assert ("", "sign-in/password", "", "refused") in told
        assert all(row.source for row in rows)
        everything = json.dumps([list(map(str, row)) for row in rows])
        for secret in (GOOD, OTHER, "hunter2"):
            assert secret not in everything


class TestCommandLine:
    def test_the_browser_beside_it_signs_it_in(self, api: Api) -> None:
        answer = api.post("/api/v1/sign-in-requests", {**REQUEST, "approved": True})
        back = urlsplit(answer.json()["url"])
        query = parse_qs(back.query)
        assert (back.netloc, query["state"]) == ("127.0.0.1:54321", ["s" * 20])
        given = redeemed(api, query["code"][0])
        assert given.status_code == 201
        assert (
            api.with_(given.json()["token"]).get("/api/v1/me").json()["name"]
            == given.json()["name"]
        )
        assert redeemed(api, query["code"][0]).status_code == 401

    def test_a_stolen_code_is_spent_by_who_tries_it(self, api: Api) -> None:
        answer = api.post("/api/v1/sign-in-requests", {**REQUEST, "approved": True})
        code = parse_qs(urlsplit(answer.json()["url"]).query)["code"][0]
        assert redeemed(api, code, "w" * 43).status_code == 401
        assert redeemed(api, code).status_code == 401

    def test_who_says_no_gives_nothing(self, api: Api) -> None:
        for approved in (False, None, "true", 1):
            answer = api.post("/api/v1/sign-in-requests", {**REQUEST, "approved": approved})
            assert "error=access_denied" in answer.json()["url"]

    @pytest.mark.parametrize(
        "where",
        [
            "https://evil.example/callback",
            "http://127.0.0.1.evil.example:5000/callback",
            "http://127.0.0.1:80/callback",
            "http://127.0.0.1:5000/callback?x=",
            "http://127.0.0.1:5000@evil.example/callback",
        ],
    )
    def test_it_leads_to_this_machine_only(self, api: Api, where: str) -> None:
        body = {**REQUEST, "redirect_uri": where, "approved": True}
        answer = api.post("/api/v1/sign-in-requests", body)
        assert answer.status_code == 400
        assert "url" not in answer.json()

    def test_a_token_is_good_for_no_more_than_who_approved(self, api: Api) -> None:
        less = api.post("/api/v1/me/tokens", {"role": "Reader"}).json()["token"]
        answer = api.with_(less).post("/api/v1/sign-in-requests", {**REQUEST, "approved": True})
        code = parse_qs(urlsplit(answer.json()["url"]).query)["code"][0]
        made = api.with_(redeemed(api, code).json()["token"])
        assert made.get("/api/v1/me").json()["only"]["role"] == "Reader"
        assert made.post("/api/v1/workspaces", {"name": "x"}).status_code == 403


class TestDevice:
    def test_a_browser_elsewhere_signs_it_in(self, api: Api, clock: Clock) -> None:
        begun = begin(api)
        assert begun["verification_uri"] == "http://localhost/sign-in/device"
        assert poll(api, begun).status_code == 202
        code = begun["user_code"].lower().replace("-", " ")
        found = api.get(f"/api/v1/device-codes/{code}").json()
        assert found["label"].startswith("build-box (")
        assert api.post(f"/api/v1/device-codes/{code}/approve").status_code == 200
        clock.time += 10
        given = poll(api, begun)
        assert given.status_code == 201
        assert api.with_(given.json()["token"]).get("/api/v1/me").status_code == 200
        assert poll(api, begun).status_code == 401

    def test_a_code_is_good_once(self, api: Api) -> None:
        begun = begin(api)
        at = f"/api/v1/device-codes/{begun['user_code']}"
        assert api.post(f"{at}/deny").status_code == 200
        assert api.post(f"{at}/approve").status_code == 409
        assert poll(api, begun).status_code == 401

    def test_who_asks_too_often_is_told_to_slow_down(self, api: Api) -> None:
        begun = begin(api)
        said = [poll(api, begun).json() for _ in range(3)]
        assert [s["status"] for s in said] == ["authorization_pending", "slow_down", "slow_down"]
        assert said[-1]["interval"] > said[0]["interval"]

    def test_time_ends_it(self, api: Api, clock: Clock) -> None:
        begun = begin(api)
        clock.time += 601
        assert api.get(f"/api/v1/device-codes/{begun['user_code']}").status_code == 404
        assert poll(api, begun).status_code == 401

    def test_guesses_are_few(self, api: Api) -> None:
        person = api.as_("Reader")
        codes = [f"/api/v1/device-codes/BCDF-GHJ{letter}" for letter in "BCDFGHJK"]
        said = [person.get(code).status_code for code in codes]
        assert said == [404] * 5 + [429] * 3
        assert api.get(codes[0]).status_code == 404

    def test_who_is_locked_out_in_between_gets_nothing(self, api: Api, clock: Clock) -> None:
        begun = begin(api)
        person = api.as_("Contributor")
        assert person.post(f"/api/v1/device-codes/{begun['user_code']}/approve").status_code == 200
        api.patch("/api/v1/users/Contributor-person", {"disabled": True})
        clock.time += 10
        assert poll(api, begun).status_code == 403

    def test_a_job_approves_nothing(self, api: Api) -> None:
        begun = begin(api)
        answer = api.as_job("j").post(f"/api/v1/device-codes/{begun['user_code']}/approve")
        assert answer.status_code == 403


class TestServices:
    SECRETS = "/api/v1/services/robot/secrets"
    TOKENS = "/api/v1/service-tokens"

    @pytest.fixture
    def robot(self, api: Api) -> str:
        call(api.site, people.create, "service", {"name": "robot"})
        call(api.site, assignments.create, None, {"principal": "robot", "role": "Reader"})
        return "robot"

    def enter(self, api: Api, **form: str) -> Any:
        return api.with_(None).request("POST", self.TOKENS, data=form)

    def test_by_a_secret(self, api: Api, robot: str, clock: Clock) -> None:
        secret = api.post(self.SECRETS, {"days": 30}).json()["secret"]
        given = self.enter(api, client_id="Robot", client_secret=secret)
        assert given.status_code == 201
        assert given.json()["expires_in"] == 3600
        service = api.with_(given.json()["access_token"])
        assert service.get("/api/v1/me").json()["kind"] == "service"
        assert service.get("/api/v1/workspaces").status_code == 200
        clock.time += 3601
        assert tokens.authenticator(api.site)("bearer", given.json()["access_token"]) is None
        clock.time += 30 * 86400
        assert self.enter(api, client_id="robot", client_secret=secret).status_code == 401

    def test_by_the_header_and_by_json(self, api: Api, robot: str) -> None:
        secret = api.post(self.SECRETS, {}).json()["secret"]
        basic = base64.b64encode(f"robot:{secret}".encode()).decode()
        nobody, headers = api.with_(None), {"Authorization": f"Basic {basic}"}
        assert nobody.request("POST", self.TOKENS, headers=headers).status_code == 201
        body = {"client_id": "robot", "client_secret": secret}
        assert nobody.post(self.TOKENS, body).status_code == 201

    def test_whatever_is_wrong_is_one_answer(self, api: Api, robot: str) -> None:
        secret = api.post(self.SECRETS, {}).json()["secret"]
        call(api.site, people.create, "user", {"name": "bob"})
        said = [
            self.enter(api, client_id=name, client_secret=given)
            for name, given in (("robot", secret[:-1]), ("nobody", secret), ("bob", secret))
        ]
        assert {answer.status_code for answer in said} == {401}
        assert len({answer.text for answer in said}) == 1

    def test_by_a_signature_once(self, api: Api, robot: str, clock: Clock) -> None:
        key = Ed25519PrivateKey.generate()
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        made = api.post(self.SECRETS, {"public_key": pem.decode()})
        assert "secret" not in made.json()
        token = self.signed(key, clock, jti="one")
        assert self.prove(api, token).status_code == 201
        assert self.prove(api, token).status_code == 401
        assert self.prove(api, self.signed(key, clock, jti="two")).status_code == 201
        other = Ed25519PrivateKey.generate()
        assert self.prove(api, self.signed(other, clock, jti="x")).status_code == 401
        elsewhere = self.signed(key, clock, jti="y", aud="https://elsewhere.example/token")
        assert self.prove(api, elsewhere).status_code == 401

    def test_a_deleted_secret_ends_what_it_gave(self, api: Api, robot: str) -> None:
        made = api.post(self.SECRETS, {}).json()
        token = self.enter(api, client_id="robot", client_secret=made["secret"]).json()
        at = f"{self.SECRETS}/{made['id']}"
        assert api.request("DELETE", at).status_code == 204
        assert api.with_(token["access_token"]).get("/api/v1/me").status_code == 401
        gone = self.enter(api, client_id="robot", client_secret=made["secret"])
        assert gone.status_code == 401

    def test_a_service_that_is_locked_out(self, api: Api, robot: str) -> None:
        secret = api.post(self.SECRETS, {}).json()["secret"]
        api.patch("/api/v1/services/robot", {"disabled": True})
        assert self.enter(api, client_id="robot", client_secret=secret).status_code == 401

    def test_secrets_are_kept_and_logged_nowhere(self, api: Api, robot: str) -> None:
        secret = api.post(self.SECRETS, {}).json()["secret"]
        self.enter(api, client_id="robot", client_secret=secret)
        listed = api.get(self.SECRETS).text
        assert secret not in listed + json.dumps([list(map(str, r)) for r in log(api.site)])
        api.request("DELETE", "/api/v1/services/robot")

    def signed(self, key: Any, clock: Clock, **claims: Any) -> str:
        said = {
            "iss": "robot",
            "sub": "robot",
            "aud": "http://localhost/api/v1/service-tokens",
            "exp": int(clock.time) + 300,
            **claims,
        }
        return jwt.encode(said, key, "EdDSA")

    def prove(self, api: Api, token: str) -> Any:
        return self.enter(api, client_assertion=token, client_assertion_type=ASSERTION_TYPE)


def redeemed(api: Api, code: str, verifier: str = VERIFIER) -> Any:
    body = {"code": code, "code_verifier": verifier, "redirect_uri": REQUEST["redirect_uri"]}
    return api.with_(None).post("/api/v1/sign-in-tokens", body)


def begin(api: Api) -> dict[str, Any]:
    answer = api.with_(None).post("/api/v1/device-codes", {"label": "build-box"})
    assert answer.status_code == 201
    return answer.json()


def poll(api: Api, begun: dict[str, Any]) -> Any:
    return api.with_(None).post("/api/v1/sign-in-tokens", {"device_code": begun["device_code"]})
