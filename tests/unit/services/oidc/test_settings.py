from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.services.people.oidc.settings import is_safe, read

LEAST = {"name": "corp", "issuer": "https://id.example.org", "client_id": "lazur"}


class TestRead:
    def test_little_is_enough(self) -> None:
        found = read(LEAST)
        assert found.title == "Corp"
        assert found.scopes == ("openid", "profile", "email")
        assert found.algorithms == ("RS256",)
        assert found.client_secret is None
        assert not found.trust_email

    def test_a_secret_is_not_shown(self) -> None:
        found = read({**LEAST, "client_secret": "canary"})
        assert found.client_secret == "canary"
        assert "canary" not in repr(found)

    def test_openid_is_always_asked_for(self) -> None:
        assert read({**LEAST, "scopes": ["email"]}).scopes == ("openid", "email")

    @pytest.mark.parametrize(
        "change, why",
        [
            ({"name": "a/b"}, "name: "),
            ({"name": ""}, "name: "),
            ({"issuer": "http://id.example.org"}, "issuer"),
            ({"issuer": "id.example.org"}, "issuer"),
            ({"issuer": "https://id.example.org?x=1"}, "issuer"),
            ({"issuer": "https://id.example.org#x"}, "issuer"),
            ({"issuer": "https://me:pw@id.example.org"}, "issuer"),
            ({"issuer": "file:///etc/passwd"}, "issuer"),
            ({"issuer": "https://[::1"}, "issuer"),
            ({"issuer": "https://login.microsoftonline.com/common/v2.0"}, "every customer"),
            ({"client_id": None}, "client_id"),
            ({"client_secret": ""}, "client_secret"),
            ({"client_secret": 7}, "client_secret"),
            ({"algorithms": ["none"]}, "'none' is not one"),
            ({"algorithms": ["RS256", "HS256"]}, "'HS256' is not one"),
            ({"algorithms": []}, "at least one"),
            ({"scopes": 7}, "scopes"),
            ({"trust_email": "yes"}, "trust_email"),
            ({"required": ["hd"]}, "required"),
            ({"required": {"hd": 7}}, "hd"),
            ({"isuer": "x"}, "no setting 'isuer'"),
        ],
        ids=str,
    )
    def test_what_is_wrong_is_named(self, change: dict[str, Any], why: str) -> None:
        with pytest.raises(Invalid, match=why):
            read({**LEAST, **change})

    def test_a_slip_is_guessed(self) -> None:
        with pytest.raises(Invalid) as caught:
            read({**LEAST, "isuer": "x"})
        assert caught.value.hint == "Did you mean 'issuer'?"


class TestSafe:
    @pytest.mark.parametrize(
        "url, good",
        [
            ("https://id.example.org/token", True),
            ("https://other.example.org/token", True),
            ("http://id.example.org/token", False),
            ("http://127.0.0.1/token", False),
            ("javascript:alert(1)", False),
            ("https://", False),
            ("https://id.example.org\\@evil.example.org", False),
            ("https://id.example.org/a b", False),
            ("https://user@id.example.org/", False),
            ("https://id.example.org:bad/", False),
        ],
    )
    def test_https_alone(self, url: str, good: bool) -> None:
        assert is_safe(url, "https://id.example.org") is good

    def test_a_provider_on_this_machine_may_speak_http(self) -> None:
        assert is_safe("http://127.0.0.1:8080/token", "http://127.0.0.1:8080")
        assert not is_safe("http://id.example.org/token", "http://127.0.0.1:8080")
