"""Providers that answer what no certified one would: written down here, since none can be had."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lazur.errors import BackendError, Unauthenticated, Unsupported
from lazur.outbound import Answer
from lazur.services.people.oidc import settings
from lazur.services.people.oidc.client import Client
from lazur.services.people.oidc.device_flow import Pending
from lazur.services.people.oidc.people import Identity
from lazur.services.people.oidc.wire import Refusal
from tests.oidc.forging import NOW, Signer

ISSUER = "https://id.example.org"
HOME = "https://lazur.example.org/sign-in/oidc/callback"


@dataclass
class Odd:
    """Each address answers (status, value); bytes are sent as they are."""

    signer: Signer
    now: float = NOW
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict[str, tuple[int, Any]])
    posted: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        endpoints = {
            "authorization_endpoint": "authorize?tenant=1",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "userinfo_endpoint": "userinfo",
            "device_authorization_endpoint": "device",
        }
        document = {"issuer": ISSUER, **{k: f"{ISSUER}/{v}" for k, v in endpoints.items()}}
        started = {
            "device_code": "d",
            "user_code": "BCDF",
            "verification_uri": f"{ISSUER}/go",
            "interval": 5,
            "expires_in": 600,
        }
        self.answers = {
            ".well-known/openid-configuration": (200, document),
            "keys": (200, {"keys": [self.signer.jwk]}),
            "userinfo": (200, {"sub": "ada", "name": "Ada"}),
            "device": (200, started),
        }

    def __call__(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        if body is not None:
            self.posted.append(body.decode())
        status, value = self.answers[url.removeprefix(f"{ISSUER}/")]
        return Answer(
            status, {}, value if isinstance(value, bytes) else json.dumps(value).encode()
        )

    def clock(self) -> float:
        return self.now

    def tokens(self, nonce: str | None, **said: Any) -> None:
        claims = {"iss": ISSUER, "sub": "ada", "aud": "lazur", "exp": NOW + 300, "iat": NOW}
        token = self.signer.sign({**claims, "nonce": nonce, **said})
        self.answers["token"] = (200, {"id_token": token, "access_token": "a"})


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.make("RS256", "first")


@pytest.fixture
def odd(signer: Signer) -> Odd:
    return Odd(signer)


@pytest.fixture
def client(odd: Odd) -> Client:
    written = {"name": "odd", "issuer": ISSUER, "client_id": "lazur", "client_secret": "canary"}
    return Client(settings.read(written), odd, odd.clock)


def finish(client: Client, odd: Odd, **said: Any) -> Identity:
    _, attempt = client.begin(HOME)
    odd.tokens(attempt.nonce, **said)
    return client.finish(attempt, {"state": attempt.state, "code": "c"})


class TestCodeFlow:
    def test_what_is_missing_in_the_token_is_asked_for(self, client: Client, odd: Odd) -> None:
        assert finish(client, odd).name == "Ada"

    def test_somebody_else_is_not_told_about(self, client: Client, odd: Odd) -> None:
        odd.answers["userinfo"] = (200, {"sub": "eve", "name": "Eve"})
        with pytest.raises(Unauthenticated, match="somebody else"):
            finish(client, odd)

    def test_a_query_of_its_address_is_kept(self, client: Client) -> None:
        url, _ = client.begin(HOME)
        assert url.startswith(f"{ISSUER}/authorize?tenant=1&response_type=code&")

    def test_each_attempt_is_its_own(self, client: Client) -> None:
        first, second = (client.begin(HOME)[1] for _ in range(2))
        for name in ("state", "nonce", "verifier"):
            assert getattr(first, name) != getattr(second, name)
            assert len(getattr(first, name)) == 43

    def test_what_is_kept_does_not_show_its_secrets(self, client: Client) -> None:
        attempt, pending = client.begin(HOME)[1], client.begin_elsewhere()
        shown = f"{attempt} {pending!r} {client.provider}"
        for secret in (attempt.state, attempt.nonce, attempt.verifier, "canary"):
            assert secret not in shown
        assert "device_code" not in shown

    @pytest.mark.parametrize(
        "answer, why",
        [
            ((500, {}), "answered 500"),
            ((302, {}), "answered 302"),
            ((400, b"<html>"), "answered 400"),
            ((200, b"<html>"), "did not answer with JSON"),
            ((200, []), "did not answer with an object"),
            ((200, {}), "has no id_token"),
            ((200, {"id_token": 7}), "has no id_token"),
        ],
    )
    def test_nonsense_is_said_to_be(
        self, client: Client, odd: Odd, answer: tuple[int, Any], why: str
    ) -> None:
        _, attempt = client.begin(HOME)
        odd.answers["token"] = answer
        with pytest.raises(BackendError, match=why) as caught:
            client.finish(attempt, {"state": attempt.state, "code": "c"})
        assert "canary" not in str(caught.value)

    def test_its_reasons_cannot_steer_a_terminal(self, client: Client, odd: Odd) -> None:
        _, attempt = client.begin(HOME)
        said = {"error": "invalid\x1b[2J_grant", "error_description": "a\nb\x07" + "x" * 9000}
        odd.answers["token"] = (400, said)
        with pytest.raises(Refusal) as caught:
            client.finish(attempt, {"state": attempt.state, "code": "c"})
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 500

    def test_an_attempt_at_another_provider_is_refused(self, client: Client, odd: Odd) -> None:
        other = Client(
            settings.read({"name": "other", "issuer": ISSUER, "client_id": "lazur"}),
            odd,
            odd.clock,
            secrets.token_bytes,
        )
        _, attempt = other.begin(HOME)
        with pytest.raises(Unauthenticated, match="another provider"):
            client.finish(attempt, {"state": attempt.state, "code": "c"})


class TestDeviceFlow:
    def poll(self, client: Client, odd: Odd, pending: Pending, error: str) -> Pending:
        odd.now = pending.next_at
        odd.answers["token"] = (400, {"error": error})
        found = client.poll(pending)
        assert isinstance(found, Pending)
        return found

    def test_it_asks_no_more_often_than_it_may(self, client: Client, odd: Odd) -> None:
        pending = client.begin_elsewhere()
        asked = len(odd.posted)
        assert client.poll(pending) is pending
        assert len(odd.posted) == asked
        pending = self.poll(client, odd, pending, "authorization_pending")
        assert (pending.interval, pending.next_at) == (5, NOW + 10)
        pending = self.poll(client, odd, pending, "slow_down")
        assert (pending.interval, pending.next_at) == (10, NOW + 20)

    @pytest.mark.parametrize(
        "error, why",
        [("access_denied", "declined"), ("expired_token", "not used in time"), ("odd", "odd")],
    )
    def test_an_end_is_an_end(self, client: Client, odd: Odd, error: str, why: str) -> None:
        with pytest.raises(Unauthenticated, match=why):
            self.poll(client, odd, client.begin_elsewhere(), error)

    @pytest.mark.parametrize("field", ["verification_uri", "verification_uri_complete"])
    def test_people_are_sent_to_https_only(self, client: Client, odd: Odd, field: str) -> None:
        for url in ("http://id.example.org/go", "javascript:alert(1)", 7):
            odd.answers["device"][1][field] = url
            with pytest.raises(BackendError):
                client.begin_elsewhere()

    def test_odd_times_are_not_believed(self, client: Client, odd: Odd) -> None:
        odd.answers["device"][1].update(interval=-1, expires_in=1e300)
        pending = client.begin_elsewhere()
        assert (pending.interval, pending.expires_at) == (5, NOW + 3600)

    def test_who_has_no_such_flow_says_so(self, client: Client, odd: Odd) -> None:
        del odd.answers[".well-known/openid-configuration"][1]["device_authorization_endpoint"]
        with pytest.raises(Unsupported, match="no sign-in by code"):
            client.begin_elsewhere()


class TestStart:
    def test_a_server_that_nobody_signs_in_to_loads_no_cryptography(self) -> None:
        code = (
            "import sys, lazur.services.people.oidc.client\n"
            "import lazur.services.people.oidc.assertions\n"
            "sys.exit(any(name in sys.modules for name in ('jwt', 'cryptography')))"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
