"""Who has the server's files gets in again, by a token that is good for everything."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.services.keeping import recovery
from lazur.services.people import assignments, audits, people, tokens
from lazur.store import people as store
from lazur.store.pages import Query
from tests.site import TestSite, call


def recover(site: TestSite, name: str | None, token: str | None = None) -> dict[str, Any]:
    return call(site, recovery.recover, name, token, who=recovery.ADMIN)


def owners(site: TestSite) -> set[int]:
    with site.db.read() as db:
        return store.owners(db)


class TestRecover:
    def test_a_user_who_was_not_there_is_made(self, site: TestSite) -> None:
        done = recover(site, "zoe")
        assert (done["made_owner"], done["token_is_new"]) == (True, True)
        zoe = tokens.authenticator(site)("bearer", done["token"])
        assert zoe is not None
        assert [(grant.role.name, grant.workspace) for grant in zoe.grants] == [("Owner", None)]

    def test_who_was_shut_out_is_let_in(self, site: TestSite) -> None:
        done = recover(site, "zoe")
        call(site, people.update, "user", "zoe", {"disabled": True})
        assert tokens.authenticator(site)("bearer", done["token"]) is None
        again = recover(site, "ZOE", done["token"])
        assert (again["enabled"], again["made_owner"], again["token"]) == (True, False, None)
        assert tokens.authenticator(site)("bearer", done["token"]) is not None

    def test_a_role_on_less_than_the_server_is_not_enough(self, site: TestSite) -> None:
        call(site, people.create, "user", {"name": "zoe"})
        call(site, assignments.create, "default", {"principal": "zoe", "role": "Owner"})
        before = owners(site)
        assert recover(site, "zoe")["made_owner"]
        assert len(owners(site) - before) == 1

    @pytest.mark.parametrize(
        "limit",
        [{}, {"role": "Reader"}, {"workspace": "default"}, {"expires_at": 1.8e9}],
        ids=["somebody else's", "a lower role", "one workspace", "an end"],
    )
    def test_a_token_that_is_good_for_less_is_replaced(
        self, site: TestSite, limit: dict[str, Any]
    ) -> None:
        for name in ("zoe", "bob"):
            call(site, people.create, "user", {"name": name})
        secret = call(site, tokens.hand_out, "zoe" if limit else "bob", **limit)
        done = recover(site, "zoe", secret)
        assert done["token"] not in {None, secret}

    def test_a_group_is_nobody(self, site: TestSite) -> None:
        call(site, people.create, "group", {"name": "team"})
        with pytest.raises(Invalid, match="is a group"):
            recover(site, "team")

    def test_it_is_in_the_log_without_the_secret(self, site: TestSite) -> None:
        secret = recover(site, "zoe")["token"]
        rows = call(site, audits.find, None, Query(limit=100))["value"]
        done = [row["action"] for row in rows if row["who"] == "admin on this machine"]
        assert done == ["recovered", "created", "created", "created"]
        assert secret not in str(rows)
        assert tokens.digest(secret) not in str(rows)
