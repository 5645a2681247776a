"""Our own side of the two flows: what is kept is plain data, the time is an argument."""

from __future__ import annotations

import random
import secrets
from dataclasses import replace

import pytest

from lazur.errors import Conflict, Invalid, Unauthenticated
from lazur.services.people.oidc import code_grants, codes, device_grants
from lazur.services.people.oidc.device_grants import Grant

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
QUERY = {
    "redirect_uri": "http://127.0.0.1:49152/callback",
    "code_challenge": codes.challenge(VERIFIER),
    "code_challenge_method": "S256",
    "state": "a-state-of-some-length",
}


@pytest.fixture
def grant() -> Grant:
    return device_grants.make("laptop", 1000.0, random.Random(7).randbytes)[1]


class TestDevice:
    def test_the_code_is_kept_as_a_digest(self) -> None:
        code, made = device_grants.make("laptop", 1000.0, secrets.token_bytes)
        assert made.digest == codes.digest(code)
        assert code not in repr(made)

    def test_user_codes_are_letters_that_nobody_confuses(self) -> None:
        seen = {device_grants.make("x", 0.0, secrets.token_bytes)[1].user_code for _ in range(300)}
        assert len(seen) == 300
        letters = set("".join(seen)) - {"-"}
        assert letters == set("BCDFGHJKLMNPQRSTVWXZ")

    @pytest.mark.parametrize("text", ["{}", " {} ", "{}\n"])
    def test_however_it_is_typed(self, grant: Grant, text: str) -> None:
        for form in (grant.user_code, grant.user_code.lower(), grant.user_code.replace("-", " ")):
            assert device_grants.typed(text.format(form)) == grant.user_code

    @pytest.mark.parametrize("text", ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", "x" * 10**6])
    def test_what_is_no_code_is_none(self, text: str) -> None:
        assert device_grants.typed(text) is None

    def test_who_waits_is_told_to(self, grant: Grant) -> None:
        now = 1000.0
        for _ in range(5):
            answer, grant = device_grants.poll(grant, now)
            assert answer == "authorization_pending"
            now += grant.interval

    def test_who_asks_too_often_is_slowed_down_for_good(self, grant: Grant) -> None:
        _, grant = device_grants.poll(grant, 1000.0)
        answer, grant = device_grants.poll(grant, 1001.0)
        assert (answer, grant.interval) == ("slow_down", 10.0)
        answer, grant = device_grants.poll(grant, 1007.0)
        assert (answer, grant.interval) == ("slow_down", 15.0)
        assert device_grants.poll(grant, 1022.0)[0] == "authorization_pending"

    def test_it_is_granted_once(self, grant: Grant) -> None:
        grant = device_grants.decide(grant, "ada", 1010.0, approved=True)
        answer, grant = device_grants.poll(grant, 1011.0)
        assert (answer, grant.who) == ("granted", "ada")
        assert device_grants.poll(grant, 1020.0)[0] == "expired_token"

    def test_a_no_is_a_no(self, grant: Grant) -> None:
        grant = device_grants.decide(grant, "ada", 1010.0, approved=False)
        for now in (1011.0, 1030.0):
            answer, grant = device_grants.poll(grant, now)
            assert answer == "access_denied"

    def test_it_is_decided_once(self, grant: Grant) -> None:
        for approved in (True, False):
            decided = device_grants.decide(grant, "ada", 1010.0, approved=approved)
            with pytest.raises(Conflict, match="used already"):
                device_grants.decide(decided, "eve", 1011.0, approved=True)

    def test_time_ends_it(self, grant: Grant) -> None:
        approved = device_grants.decide(grant, "ada", 1599.0, approved=True)
        assert device_grants.poll(approved, 1600.0)[0] == "expired_token"
        with pytest.raises(Unauthenticated, match="expired"):
            device_grants.decide(grant, "ada", 1600.0, approved=True)


class TestCode:
    def test_the_program_that_asked_gets_in(self) -> None:
        request = code_grants.read(QUERY)
        url, grant = code_grants.issue(request, "ada", 1000.0, secrets.token_bytes)
        base, _, query = url.partition("?")
        given = dict(part.split("=") for part in query.split("&"))
        assert base == QUERY["redirect_uri"]
        assert given["state"] == QUERY["state"]
        assert codes.digest(given["code"]) == grant.digest
        assert given["code"] not in repr(grant)
        assert code_grants.redeem(grant, base, VERIFIER, 1059.0) == "ada"

    def test_nobody_else_does(self) -> None:
        _, grant = code_grants.issue(code_grants.read(QUERY), "ada", 1000.0, secrets.token_bytes)
        base = QUERY["redirect_uri"]
        for uri, verifier, now in (
            (base, VERIFIER[:-1] + "l", 1001.0),
            (base, VERIFIER[:42], 1001.0),
            (base, "", 1001.0),
            (base, "x" * 129, 1001.0),
            (base, grant.challenge, 1001.0),
            (base.replace("49152", "49153"), VERIFIER, 1001.0),
            (base, VERIFIER, 1060.0),
        ):
            with pytest.raises(Unauthenticated, match="unknown or has expired"):
                code_grants.redeem(grant, uri, verifier, now)

    @pytest.mark.parametrize("verifier", ["x" * 42, "x" * 129, "é" * 43, ""])
    def test_a_verifier_that_can_be_guessed_is_none(self, verifier: str) -> None:
        query = {**QUERY, "code_challenge": codes.challenge(verifier)}
        _, grant = code_grants.issue(code_grants.read(query), "ada", 1000.0, secrets.token_bytes)
        with pytest.raises(Unauthenticated):
            code_grants.redeem(grant, grant.redirect_uri, verifier, 1001.0)

    def test_an_empty_challenge_opens_nothing(self) -> None:
        _, grant = code_grants.issue(code_grants.read(QUERY), "ada", 1000.0, secrets.token_bytes)
        with pytest.raises(Unauthenticated):
            code_grants.redeem(replace(grant, challenge=""), grant.redirect_uri, "", 1001.0)

    def test_a_no_is_brought_back(self) -> None:
        url = code_grants.decline(code_grants.read(QUERY))
        assert url == f"{QUERY['redirect_uri']}?error=access_denied&state={QUERY['state']}"

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "https://evil.example.org/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:80/callback",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:49152/callback?x=1",
            "http://127.0.0.1:49152/callback#x",
            "http://127.0.0.1:49152/callback/../x",
            "http://127.0.0.1:49152.evil.example.org/callback",
            "http://127.0.0.1:49152@evil.example.org/callback",
            "http://localhost:49152/callback",
            "http://127.0.0.2:49152/callback",
            "http://127.0.0.1:49152/callback\n",
            "http://127.0.0.1:४९१५२/callback",
            "HTTP://127.0.0.1:49152/callback",
            "javascript:alert(1)",
        ],
    )
    def test_codes_go_to_this_machine_only(self, uri: str) -> None:
        with pytest.raises(Invalid, match="not on this machine"):
            code_grants.read({**QUERY, "redirect_uri": uri})

    @pytest.mark.parametrize(
        "change",
        [
            {"code_challenge_method": "plain"},
            {"code_challenge_method": ""},
            {"code_challenge": ""},
            {"code_challenge": "x" * 42},
            {"code_challenge": "x" * 43 + "\n"},
            {"state": ""},
            {"state": "short"},
            {"state": "x" * 16 + "&code=evil"},
        ],
        ids=str,
    )
    def test_each_part_is_needed(self, change: dict[str, str]) -> None:
        with pytest.raises(Invalid):
            code_grants.read({**QUERY, **change})

    def test_both_loopbacks_will_do(self) -> None:
        uri = "http://[::1]:49152/callback"
        assert code_grants.read({**QUERY, "redirect_uri": uri}).redirect_uri == uri
