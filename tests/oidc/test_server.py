"""Whole sign-ins: a real server behind a proxy's name, a real provider, a browser between them."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from lazur.testing.server import Server
from tests.oidc import provider
from tests.oidc.browser import Browser
from tests.oidc.forging import Signer
from tests.oidc.provider import HOME
from tests.security.wire import Answer, Wire, serving, until

pytestmark = pytest.mark.network
HOST = "lazur.example.org"
SCOPES = ["openid", "profile", "email", "groups"]


@contextmanager
def opened(at: provider.Server, **written: object) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="lazur-o-"))
    (folder / "home").mkdir(mode=0o700)
    (folder / "secret").write_text(provider.SECRET + "\n")
    door = {
        "issuer": at.issuer,
        "client_id": "lazur",
        "client_secret_file": str(folder / "secret"),
        "title": "Example",
        "scopes": SCOPES,
        **written,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in door.items() if key != "groups"]
    groups = door.get("groups", {})
    assert isinstance(groups, dict)
    pairs = [f"{json.dumps(name)} = {json.dumps(group)}" for name, group in groups.items()]
    text = ["[oidc.example]", *lines, "[oidc.example.groups]", *pairs]
    (folder / "home" / "config.toml").write_text("\n".join(text))
    made = Server(
        folder / "home",
        port="0",
        role="api",
        allowed_hosts=HOST,
        allowed_origins=f"https://{HOST}",
    )
    try:
        with serving(made) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def house(server: provider.Server) -> Iterator[Server]:
    """Makes users of strangers."""
    with opened(server, create_users=True, groups={"analysts": "lab", "admins": "lab2"}) as made:
        with Wire(made, made.token) as owner:
            for name in ("lab", "lab2", "lab3"):
                assert owner.ask("POST", "/api/v1/groups", {"name": name}).status == 201
            role = {"principal": "lab", "role": "Reader"}
            assert owner.ask("POST", "/api/v1/role-assignments", role).status == 201
        yield made


@pytest.fixture(scope="module")
def strict(server: provider.Server) -> Iterator[Server]:
    """Takes those whom somebody wrote down."""
    with opened(server) as made:
        yield made


class Visitor:
    """A browser with one cookie jar for us; the provider's is its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    def get(self, target: str) -> Answer:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", target, headers={"Host": HOST, "Cookie": jar or "a=b"})
            got = connection.getresponse()
            for given in got.msg.get_all("Set-Cookie") or ():
                self._keep(given)
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())

    def _keep(self, given: str) -> None:
        name, _, value = given.partition(";")[0].partition("=")
        self.cookies[name] = value
        assert "; HttpOnly; SameSite=Lax; Secure" in given
        assert name.startswith("__Host-")

    def begin(self, wanted: str = "/") -> str:
        got = self.get(f"/sign-in/oidc?provider=example&next={quote(wanted, safe='')}")
        assert got.status == 303, got.body
        return got.headers["location"]

    def end(self, brought: dict[str, str]) -> Answer:
        query = "&".join(f"{name}={quote(value)}" for name, value in brought.items())
        return self.get(f"/sign-in/oidc/callback?{query}")

    def sign_in(self, browser: Browser, login: str = "ada", wanted: str = "/") -> Answer:
        return self.end(browser.sign_in(self.begin(wanted), login))

    def me(self) -> Answer:
        return self.get("/api/v1/me")


class TestLeavingAtTheProvider:
    def test_browsers_are_signed_out_and_tokens_stay(
        self, own_server: Callable[..., provider.Server], signers: dict[str, Signer]
    ) -> None:
        at = own_server()
        with opened(at, create_users=True, scopes=["openid", "profile", "email"]) as house:
            at.overrides = _telling(f"{house.url}/sign-in/oidc/logout")
            at.move([provider.private_jwk(signers["RS256"].private, "first-RS256", "RS256")])
            browser, visitor, other = Browser(HOME), Visitor(house), Visitor(house)
            visitor.sign_in(browser)
            other.sign_in(Browser(HOME), "bob")
            assert visitor.me().json["name"] == "ada"
            page = browser.open(f"{at.issuer}/session/end")
            agreed = {**page.forms[0].fields, "logout": "yes"}
            browser.open(f"{at.issuer}/session/end/confirm", agreed)
            assert until(lambda: visitor.me().status == 401)
            assert other.me().json["name"] == "bob"
            with Wire(house, house.token) as owner:
                found = owner.get("/api/v1/audit?kind=sign-ins").json["value"]
            left = [entry["name"] for entry in found if entry["action"] == "signed out"]
            assert left == ["ada"], found

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.e30"])
    def test_what_no_provider_signed_is_refused(self, house: Server, token: str) -> None:
        with Wire(house, house.token) as nobody:
            got = nobody.ask("POST", "/sign-in/oidc/logout", {"logout_token": token})
        assert got.status == 400
        assert got.json["error"] == "invalid_request"


def _telling(address: str) -> dict[str, object]:
    """A provider that tells us who leaves."""
    client = {
        "client_id": "lazur",
        "client_secret": provider.SECRET,
        "redirect_uris": [HOME],
        "backchannel_logout_uri": address,
    }
    features = {"backchannelLogout": {"enabled": True}, "devInteractions": {"enabled": True}}
    return {"clients": [client], "features": features}


class TestStrangers:
    def test_somebody_new_comes_in_without_any_role(self, house: Server, browser: Browser) -> None:
        visitor = Visitor(house)
        got = visitor.sign_in(browser, wanted="/jobs/default/x?a=b")
        assert (got.status, got.headers["location"]) == (303, "/jobs/default/x?a=b")
        me = visitor.me().json
        assert me["name"] == "ada"
        with Wire(house, house.token) as owner:
            seen = owner.get("/api/v1/users/ada").json
        assert seen["email"] == "ada@example.org"
        assert sorted(seen["groups"]) == ["lab", "lab2"]
        assert [role["role"] for role in me["roles"]] == ["Reader"]

    def test_the_same_person_is_the_same_user(self, house: Server, browser: Browser) -> None:
        for _ in range(2):
            visitor = Visitor(house)
            visitor.sign_in(browser)
            assert visitor.me().json["name"] == "ada"

    def test_groups_are_taken_back_and_those_of_an_administrator_stay(
        self, house: Server, browser: Browser
    ) -> None:
        visitor = Visitor(house)
        visitor.sign_in(Browser(provider.HOME), "bob")
        with Wire(house, house.token) as owner:
            owner.ask("PUT", "/api/v1/groups/lab3/members/bob")
            owner.ask("PUT", "/api/v1/groups/lab/members/bob")
            visitor.sign_in(Browser(provider.HOME), "bob")
            assert sorted(owner.get("/api/v1/users/bob").json["groups"]) == ["lab", "lab3"]

    def test_an_address_that_nobody_verified_links_to_nobody(
        self, house: Server, browser: Browser
    ) -> None:
        """bob's profile says ada's address."""
        visitor = Visitor(house)
        visitor.sign_in(Browser(provider.HOME), "bob")
        assert visitor.me().json["name"] == "bob"

    def test_it_is_in_the_log(self, house: Server, browser: Browser) -> None:
        Visitor(house).sign_in(browser)
        with Wire(house, house.token) as owner:
            rows = owner.get("/api/v1/audit?limit=200").json["value"]
        said = [(row["who"], row["action"]) for row in rows if row["kind"] == "sign-ins"]
        assert ("ada", "signed in") in said
        assert provider.SECRET not in json.dumps(rows)


class TestWrittenDown:
    def test_a_stranger_is_told_whom_to_ask(self, strict: Server) -> None:
        visitor = Visitor(strict)
        got = visitor.sign_in(Browser(provider.HOME), "bob")
        assert got.headers["location"] == "/sign-in?refused=unknown"
        assert visitor.me().status == 401

    def test_the_address_that_was_written_down_is_theirs(
        self, strict: Server, browser: Browser
    ) -> None:
        with Wire(strict, strict.token) as owner:
            spec = {"name": "countess", "email": "ADA@example.org"}
            assert owner.ask("POST", "/api/v1/users", spec).status == 201
            visitor = Visitor(strict)
            visitor.sign_in(browser)
            assert visitor.me().json["name"] == "countess"
            owner.ask("PATCH", "/api/v1/users/countess", {"disabled": True})
            late = Visitor(strict)
            got = late.sign_in(Browser(provider.HOME))
            assert got.headers["location"] == "/sign-in?refused=locked-out"
            assert late.me().status == 401
            assert until(lambda: visitor.me().status == 401, 2.0)


class TestAttempts:
    def test_it_ends_in_the_browser_where_it_began(self, house: Server, browser: Browser) -> None:
        """Else a link of somebody's would sign you in as them."""
        brought = browser.sign_in(Visitor(house).begin(), "ada")
        victim = Visitor(house)
        assert victim.end(brought).headers["location"] == "/sign-in?refused=late"
        victim.begin()
        assert victim.end(brought).headers["location"] == "/sign-in?refused=late"
        assert victim.me().status == 401

    def test_it_is_good_once(self, house: Server, browser: Browser) -> None:
        visitor = Visitor(house)
        brought = browser.sign_in(visitor.begin(), "ada")
        kept = dict(visitor.cookies)
        assert visitor.end(brought).headers["location"] == "/"
        again = Visitor(house)
        again.cookies = kept
        assert again.end(brought).headers["location"] == "/sign-in?refused=late"

    def test_who_turns_round_is_not_signed_in(self, house: Server, browser: Browser) -> None:
        visitor = Visitor(house)
        got = visitor.end(browser.refuse(visitor.begin()))
        assert got.headers["location"] == "/sign-in?refused=declined"

    @pytest.mark.parametrize(
        "wanted", ["//evil.example/", "/\\evil.example", "https://evil.example", "/\t/evil", ""]
    )
    def test_it_leads_nowhere_else(self, house: Server, wanted: str) -> None:
        visitor = Visitor(house)
        assert visitor.sign_in(Browser(provider.HOME), wanted=wanted).headers["location"] == "/"

    def test_the_provider_is_told_our_public_address(self, house: Server) -> None:
        query = dict(parse_qsl(urlsplit(Visitor(house).begin()).query))
        assert query["redirect_uri"] == HOME
        assert provider.SECRET not in json.dumps(query)

    def test_a_provider_that_there_is_not(self, house: Server) -> None:
        got = Visitor(house).get("/sign-in/oidc?provider=nobody")
        assert got.headers["location"] == "/sign-in?refused=failed"

    def test_the_page_knows_the_way(self, house: Server) -> None:
        ways = Visitor(house).get("/api/v1/sign-in-ways").json
        assert ways["providers"] == [{"name": "example", "title": "Example"}]
