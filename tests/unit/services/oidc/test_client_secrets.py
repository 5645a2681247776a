from __future__ import annotations

import base64
import secrets
from typing import Any

import pytest

from lazur.errors import Invalid, Unauthenticated
from lazur.services.people.oidc import client_secrets
from lazur.services.people.oidc.client_secrets import ASSERTION_TYPE, Given


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


class TestSecret:
    def test_it_is_kept_as_a_digest(self) -> None:
        secret, kept = client_secrets.make(secrets.token_bytes)
        assert len(secret) > 40
        assert secret not in repr(kept)
        assert secret.startswith(kept.hint)
        assert len(kept.hint) < 8

    def test_two_are_good_while_one_is_changed(self) -> None:
        (old, kept_old), (new, kept_new) = (
            client_secrets.make(secrets.token_bytes, end) for end in (100.0, None)
        )
        both = [kept_old, kept_new]
        assert client_secrets.find(both, old, 99.0) == kept_old
        assert client_secrets.find(both, new, 99.0) == kept_new
        assert client_secrets.find(both, old, 100.0) is None
        assert client_secrets.find([kept_new], old, 1.0) is None

    @pytest.mark.parametrize("guess", ["", "x", "0" * 64, "lzs_", "\ud800"])
    def test_a_guess_is_none(self, guess: str) -> None:
        kept = [client_secrets.make(secrets.token_bytes)[1]]
        assert client_secrets.find(kept, guess, 1.0) is None
        assert client_secrets.find([], guess, 1.0) is None

    def test_the_digest_is_no_secret(self) -> None:
        _, kept = client_secrets.make(secrets.token_bytes)
        assert client_secrets.find([kept], kept.digest, 1.0) is None


class TestGiven:
    @pytest.mark.parametrize(
        "header, form, found",
        [
            (basic("a:b"), {}, Given("a", "b")),
            (basic("a:b"), {"client_id": "a"}, Given("a", "b")),
            (basic("a%3Ab:c+%25:d"), {}, Given("a:b", "c %:d")),
            (None, {"client_id": "a", "client_secret": "b"}, Given("a", "b")),
            (
                None,
                {"client_assertion": "x.y.z", "client_assertion_type": ASSERTION_TYPE},
                Given(None, None, "x.y.z"),
            ),
        ],
    )
    def test_each_way(self, header: str | None, form: dict[str, str], found: Given) -> None:
        assert client_secrets.given(header, form) == found

    @pytest.mark.parametrize(
        "header, form",
        [
            (basic("a:b"), {"client_secret": "b"}),
            (basic("a:b"), {"client_id": "other"}),
            (
                None,
                {
                    "client_secret": "b",
                    "client_assertion": "x.y.z",
                    "client_assertion_type": ASSERTION_TYPE,
                },
            ),
            (None, {"client_assertion": "x.y.z"}),
            (None, {"client_assertion": "x.y.z", "client_assertion_type": "saml"}),
            ("Bearer x", {}),
            ("Basic !", {}),
            (basic("nocolon"), {}),
            (basic(":b"), {}),
            (basic("a:"), {}),
            ("Basic /w==", {}),
        ],
    )
    def test_what_is_not_plain_is_refused(self, header: str | None, form: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            client_secrets.given(header, form)

    def test_nothing_is_nobody(self) -> None:
        with pytest.raises(Unauthenticated, match="not proved"):
            client_secrets.given(None, {"client_id": "a"})
