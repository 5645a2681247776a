"""Against a real provider, with its real pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lazur.errors import BackendError, Forbidden, Unauthenticated
from lazur.services.people.oidc.client import Client
from lazur.services.people.oidc.device_flow import Pending
from lazur.services.people.oidc.people import Identity
from lazur.services.people.oidc.wire import Refusal
from tests.oidc.browser import Browser
from tests.oidc.conftest import Clock, Connect, client_of
from tests.oidc.forging import Signer
from tests.oidc.provider import HOME, Server, private_jwk

pytestmark = pytest.mark.network
GROUPS = ["openid", "profile", "email", "groups"]


def signed_in(client: Client, browser: Browser, login: str = "ada") -> Identity:
    url, attempt = client.begin(HOME)
    return client.finish(attempt, browser.sign_in(url, login))


class TestCodeFlow:
    def test_somebody_signs_in(self, connect: Connect, browser: Browser, server: Server) -> None:
        client = connect(scopes=GROUPS)
        assert signed_in(client, browser) == Identity(
            issuer=server.issuer,
            subject="ada",
            login="ada",
            name="Ada Lovelace",
            email="ada@example.org",
            groups=("analysts", "admins"),
        )

    def test_an_address_that_nobody_verified_is_nobodys(
        self, connect: Connect, browser: Browser
    ) -> None:
        found = signed_in(connect(), browser, "bob")
        assert (found.subject, found.email, found.groups) == ("bob", None, None)

    def test_nor_is_it_where_the_administrator_trusts_addresses(
        self, connect: Connect, browser: Browser
    ) -> None:
        assert signed_in(connect(trust_email=True), browser, "bob").email is None

    @pytest.mark.parametrize(
        "client_id, secret", [("public", None), ("posts", "s3cr:et %/of the client")]
    )
    def test_each_way_for_a_client_to_prove_itself(
        self, connect: Connect, browser: Browser, client_id: str, secret: str | None
    ) -> None:
        client = connect(client_id=client_id, client_secret=secret)
        if client_id == "posts":
            client = with_methods(client, "client_secret_post")
        assert signed_in(client, browser).subject == "ada"

    @pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
    def test_each_signature(self, connect: Connect, browser: Browser, alg: str) -> None:
        client = connect(client_id=f"signs-{alg}", algorithms=[alg])
        assert signed_in(client, browser).subject == "ada"

    def test_everything_may_stand_in_the_token(
        self, own_server: Callable[..., Server], clock: Clock, browser: Browser
    ) -> None:
        server = own_server(conformIdTokenClaims=False)
        client = client_of(server, clock, scopes=GROUPS)
        assert signed_in(client, browser).email == "ada@example.org"


class TestRefusals:
    def test_who_turns_round_is_not_signed_in(self, connect: Connect, browser: Browser) -> None:
        client = connect()
        url, attempt = client.begin(HOME)
        with pytest.raises(Refusal, match="access_denied"):
            client.finish(attempt, browser.refuse(url))

    def test_a_code_is_good_once(self, connect: Connect, browser: Browser) -> None:
        client = connect()
        url, attempt = client.begin(HOME)
        brought = browser.sign_in(url, "ada")
        client.finish(attempt, brought)
        with pytest.raises(Refusal, match="invalid_grant"):
            client.finish(attempt, brought)

    def test_a_stolen_code_is_worth_nothing_without_the_verifier(
        self, connect: Connect, browser: Browser
    ) -> None:
        """PKCE, at the provider."""
        client = connect()
        url, attempt = client.begin(HOME)
        brought = browser.sign_in(url, "ada")
        _, other = client.begin(HOME)
        with pytest.raises(Refusal, match="invalid_grant"):
            client.finish(replace(attempt, verifier=other.verifier), brought)

    def test_a_code_put_into_another_attempt_is_caught_by_the_nonce(
        self, connect: Connect, browser: Browser
    ) -> None:
        client = connect()
        url, attempt = client.begin(HOME)
        brought = browser.sign_in(url, "ada")
        with pytest.raises(Unauthenticated, match="another attempt"):
            client.finish(replace(attempt, nonce="another"), brought)

    @pytest.mark.parametrize(
        "change, why",
        [
            ({"state": "another"}, "this browser began"),
            ({"iss": "https://other.example.org"}, "another provider"),
            ({"code": ""}, "no code"),
        ],
    )
    def test_what_is_brought_is_checked(
        self, connect: Connect, browser: Browser, change: dict[str, str], why: str
    ) -> None:
        client = connect()
        url, attempt = client.begin(HOME)
        with pytest.raises(Unauthenticated, match=why):
            client.finish(attempt, {**browser.sign_in(url, "ada"), **change})

    def test_a_missing_name_of_the_provider_is_noticed(
        self, connect: Connect, browser: Browser
    ) -> None:
        """RFC 9207: this one said that it always gives it."""
        client = connect()
        url, attempt = client.begin(HOME)
        brought = browser.sign_in(url, "ada")
        del brought["iss"]
        with pytest.raises(Unauthenticated, match="another provider"):
            client.finish(attempt, brought)

    def test_who_takes_too_long_begins_again(
        self, connect: Connect, browser: Browser, clock: Clock
    ) -> None:
        client = connect()
        url, attempt = client.begin(HOME)
        brought = browser.sign_in(url, "ada")
        clock.off = 601
        with pytest.raises(Unauthenticated, match="too long"):
            client.finish(attempt, brought)

    def test_who_is_none_of_ours_is_kept_out(self, connect: Connect, browser: Browser) -> None:
        client = connect(scopes=GROUPS, required={"groups": ["owners", "admins"]})
        assert signed_in(client, browser).subject == "ada"
        with pytest.raises(Forbidden, match="'groups' of you"):
            signed_in(client, Browser(HOME), "bob")

    def test_the_algorithm_is_the_one_agreed_on(self, connect: Connect, browser: Browser) -> None:
        client = connect(client_id="signs-ES256")
        with pytest.raises(Unauthenticated, match="signed with 'ES256', and RS256 was agreed on"):
            signed_in(client, browser)

    def test_a_client_whose_tokens_its_own_secret_signs_is_not_believed(
        self, connect: Connect, browser: Browser
    ) -> None:
        """HS256, from a real provider."""
        client = connect(client_id="signs-HS256")
        with pytest.raises(Unauthenticated, match="signed with 'HS256'"):
            signed_in(client, browser)

    def test_a_wrong_secret_is_told(self, connect: Connect, browser: Browser) -> None:
        client = connect(client_secret="wrong")
        with pytest.raises(Refusal, match="invalid_client"):
            signed_in(client, browser)

    def test_another_spelling_of_the_issuer_is_another(
        self, connect: Connect, server: Server
    ) -> None:
        with pytest.raises(BackendError, match="says that it is"):
            connect(issuer=server.issuer + "/").begin(HOME)

    def test_a_provider_that_is_away_is_said_to_be(
        self, own_server: Callable[..., Server], clock: Clock
    ) -> None:
        server = own_server()
        server.stop()
        with pytest.raises(BackendError):
            client_of(server, clock).begin(HOME)


class TestRotation:
    def test_new_keys_are_asked_for_when_they_are_met(
        self, own_server: Callable[..., Server], clock: Clock, signers: dict[str, Signer]
    ) -> None:
        server = own_server()
        client = client_of(server, clock)
        assert signed_in(client, Browser(HOME)).subject == "ada"
        server.move([rotated("second")])
        with pytest.raises(Unauthenticated, match="does not publish"):
            signed_in(client, Browser(HOME))
        clock.off = 61
        assert signed_in(client, Browser(HOME)).subject == "ada"

    def test_a_key_that_was_withdrawn_is_good_for_an_hour_at_most(
        self, own_server: Callable[..., Server], clock: Clock, signers: dict[str, Signer]
    ) -> None:
        server = own_server()
        client = client_of(server, clock)
        signed_in(client, Browser(HOME))
        server.move([rotated("first-RS256")])
        with pytest.raises(Unauthenticated, match="not by a key"):
            signed_in(client, Browser(HOME))
        clock.off = 3610
        assert signed_in(client, Browser(HOME)).subject == "ada"


class TestDeviceFlow:
    def test_somebody_signs_in_elsewhere(
        self, connect: Connect, browser: Browser, clock: Clock, server: Server
    ) -> None:
        client = device(connect)
        pending = client.begin_elsewhere()
        assert pending.url.startswith(server.issuer)
        assert client.poll(pending) is pending
        clock.off += 6
        pending = waiting(client.poll(pending))
        browser.answer(browser.open(pending.direct_url or ""), "ada")
        clock.off += 6
        found = client.poll(pending)
        assert isinstance(found, Identity)
        assert (found.subject, found.email) == ("ada", "ada@example.org")

    def test_the_code_may_be_typed_in(
        self, connect: Connect, browser: Browser, clock: Clock
    ) -> None:
        client = device(connect)
        pending = client.begin_elsewhere()
        (form,) = browser.open(pending.url).forms
        page = browser.open(form.action, {**form.fields, "user_code": pending.user_code.lower()})
        browser.answer(page, "ada")
        clock.off += 6
        assert isinstance(client.poll(pending), Identity)

    def test_who_says_no_ends_it(self, connect: Connect, browser: Browser, clock: Clock) -> None:
        client = device(connect)
        pending = client.begin_elsewhere()
        page = browser.open(pending.direct_url or "")
        form = page.forms[0]
        browser.open(form.action, {**form.fields, "abort": "yes"})
        clock.off += 6
        with pytest.raises(Unauthenticated, match="declined"):
            client.poll(pending)

    def test_time_runs_out(self, connect: Connect, clock: Clock) -> None:
        client = device(connect)
        pending = client.begin_elsewhere()
        clock.off += pending.expires_at
        with pytest.raises(Unauthenticated, match="not used in time"):
            client.poll(pending)

    def test_a_code_is_good_once(self, connect: Connect, browser: Browser, clock: Clock) -> None:
        client = device(connect)
        pending = client.begin_elsewhere()
        browser.answer(browser.open(pending.direct_url or ""), "ada")
        clock.off += 6
        client.poll(pending)
        with pytest.raises(Refusal, match="invalid_grant"):
            client.poll(pending)


def device(connect: Connect) -> Client:
    return connect(client_id="device", client_secret=None)


def waiting(found: Pending | Identity) -> Pending:
    assert isinstance(found, Pending)
    return found


def rotated(kid: str) -> dict[str, Any]:
    return private_jwk(Signer.make("RS256", kid).private, kid, "RS256")


def with_methods(client: Client, *methods: str) -> Client:
    """A provider that takes these only, whatever this one's document says."""
    known = replace(client.endpoints, token_methods=methods)
    client._endpoints._held = (known, client._clock())
    return client
