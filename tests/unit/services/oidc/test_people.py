from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Forbidden
from lazur.services.people.oidc import people, settings

SAID = {"sub": "7", "email": "ada@example.org"}


def identify(said: dict[str, Any], **written: Any) -> people.Identity:
    given = {"name": "corp", "issuer": "https://id.example.org", "client_id": "lazur", **written}
    return people.identify(settings.read(given), said)


class TestEmail:
    @pytest.mark.parametrize("word", [True, "true"])
    def test_a_verified_address_is_theirs(self, word: Any) -> None:
        assert identify({**SAID, "email_verified": word}).email == "ada@example.org"

    @pytest.mark.parametrize("word", [False, "false", None, 1, "yes", []], ids=repr)
    def test_any_other_is_nobodys(self, word: Any) -> None:
        """S43: an unverified address never leads to somebody."""
        assert identify({**SAID, "email_verified": word}).email is None

    def test_an_administrator_may_vouch_where_the_provider_says_nothing(self) -> None:
        assert identify(SAID).email is None
        assert identify(SAID, trust_email=True).email == "ada@example.org"
        assert identify({**SAID, "email_verified": False}, trust_email=True).email is None

    def test_the_word_is_about_email_and_no_other_claim(self) -> None:
        said = {"sub": "7", "upn": "boss@example.org", "email_verified": True}
        assert identify(said, email_claim="upn").email is None
        assert identify(said, email_claim="upn", trust_email=True).email == "boss@example.org"

    @pytest.mark.parametrize("address", ["", "nobody", 7, None, "a\n@b"], ids=repr)
    def test_what_is_no_address_is_none(self, address: Any) -> None:
        assert identify({"sub": "7", "email": address, "email_verified": True}).email is None


class TestMerged:
    def test_the_word_stays_with_its_address(self) -> None:
        """The signed token names one address; another one was verified."""
        found = people.merged(
            {"sub": "7", "email": "boss@example.org"},
            {"sub": "7", "email": "eve@example.org", "email_verified": True},
        )
        assert identify(found).email is None

    def test_the_same_address_is_verified(self) -> None:
        found = people.merged(SAID, {**SAID, "email_verified": True, "name": "Ada"})
        assert (identify(found).email, identify(found).name) == ("ada@example.org", "Ada")

    def test_what_is_signed_comes_first(self) -> None:
        found = people.merged({"sub": "7", "groups": ["a"]}, {"sub": "7", "groups": ["admins"]})
        assert identify(found).groups == ("a",)


class TestRequired:
    @pytest.mark.parametrize("said", [{"hd": "example.org"}, {"hd": ["x", "example.org"]}])
    def test_one_of_the_values_lets_in(self, said: dict[str, Any]) -> None:
        assert identify({**SAID, **said}, required={"hd": ["example.org"]})

    @pytest.mark.parametrize("said", [{}, {"hd": "example.com"}, {"hd": None}, {"hd": []}])
    def test_all_others_are_kept_out(self, said: dict[str, Any]) -> None:
        with pytest.raises(Forbidden, match="'hd' of you"):
            identify({**SAID, **said}, required={"hd": ["example.org"]})


class TestGroups:
    def test_none_said_is_not_none(self) -> None:
        assert identify(SAID).groups is None
        assert identify({**SAID, "groups": []}).groups == ()
        assert identify({**SAID, "groups": ["a", 7, "b"]}).groups == ("a", "b")
        assert identify({**SAID, "roles": "a"}, groups_claim="roles").groups == ("a",)
