"""Users, groups, services, roles, and who may give what to whom."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Conflict, Forbidden, Invalid, LazurError, NotFound
from lazur.services.base import workspaces
from lazur.services.base.access import Grant, Principal, Resource
from lazur.services.base.roles import BUILT_IN, Role, includes
from lazur.services.keeping import workspace_trash
from lazur.services.people import assignments, people, tokens
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.store.pages import Query
from tests.site import OWNER, TestSite, call

READ, WRITE = "workspaces/jobs/read", "workspaces/jobs/write"


def person(site: TestSite, name: str, *roles: str, workspace: str | None = None) -> Principal:
    """A user as they come in by a token of their own."""
    if not _is_there(site, name):
        call(site, people.create, "user", {"name": name})
    for role in roles:
        call(site, assignments.create, workspace, {"principal": name, "role": role})
    return seen(site, name)


def seen(site: TestSite, name: str) -> Principal:
    who = Principal.of(name, "user", "Reader")
    secret = call(site, tokens.create, {}, who=who)["token"]
    found = tokens.authenticator(site)("bearer", secret)
    assert found is not None
    return found


def _is_there(site: TestSite, name: str) -> bool:
    try:
        call(site, people.get, "user", name)
    except NotFound:
        return False
    return True


class TestRoles:
    def test_they_add_up(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        person(site, "bob", "Reader")
        bob = person(site, "bob", "AzureML Data Scientist", workspace="lab")
        assert bob.may(READ, Resource("default"))
        assert not bob.may(WRITE, Resource("default"))
        assert bob.may(WRITE, Resource("LAB"))

    def test_what_one_takes_away_another_may_give(self, site: TestSite) -> None:
        bob = person(site, "bob", "AzureML Data Scientist")
        assert not bob.may("workspaces/computes/write", Resource("default"))
        bob = person(site, "bob", "AzureML Compute Operator")
        assert bob.may("workspaces/computes/write", Resource("default"))

    def test_groups_hold_them_too(self, site: TestSite) -> None:
        bob = person(site, "bob")
        assert not bob.may(READ, Resource("default"))
        call(site, people.create, "group", {"name": "lab"})
        call(site, people.add_member, "lab", "bob")
        call(site, people.add_member, "lab", "bob")  # twice is once
        call(site, assignments.create, None, {"principal": "lab", "role": "Reader"})
        assert seen(site, "bob").may(READ, Resource("default"))
        call(site, people.remove_member, "lab", "bob")
        assert not seen(site, "bob").may(READ, Resource("default"))

    def test_a_disabled_group_gives_nothing(self, site: TestSite) -> None:
        person(site, "bob")
        call(site, people.create, "group", {"name": "lab"})
        call(site, people.add_member, "lab", "bob")
        call(site, assignments.create, None, {"principal": "lab", "role": "Reader"})
        call(site, people.update, "group", "lab", {"disabled": True})
        assert not seen(site, "bob").may(READ, Resource("default"))

    def test_a_workspace_that_was_deleted_grants_nothing(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        assert person(site, "bob", "Owner", workspace="lab").knows(Resource("lab"))
        call(site, workspace_trash.delete, "lab")
        assert not seen(site, "bob").knows(Resource("lab"))

    def test_workspaces_are_listed_to_those_who_may_see_them(self, site: TestSite) -> None:
        for name in ("lab", "other"):
            call(site, workspaces.create, {"name": name})
        person(site, "bob", "Reader", workspace="lab")
        bob = person(site, "bob", "Reader", workspace="default")
        found = call(site, workspaces.find, Query(), who=bob)["value"]
        assert [row["name"] for row in found] == ["default", "lab"]
        with pytest.raises(Forbidden, match="about the whole server"):
            call(site, workspaces.find, Query(), who=person(site, "eve"))

    def test_who_has_none_is_told_so(self, site: TestSite) -> None:
        with pytest.raises(Forbidden) as error:
            call(site, workspaces.create, {"name": "x"}, who=person(site, "eve"))
        assert "No role was assigned yet." in str(error.value.hint)


class TestCustomRoles:
    AZURES = {  # noqa: RUF012 - read only
        "Name": "Labeller",
        "IsCustom": True,
        "Description": "Reads, and writes data.",
        "Actions": [
            "Microsoft.MachineLearningServices/workspaces/*/read",
            "microsoft.machinelearningservices/workspaces/data/write",
            "Microsoft.Storage/storageAccounts/*",
        ],
        "NotActions": ["Microsoft.MachineLearningServices/workspaces/models/*/read"],
        "AssignableScopes": ["/subscriptions/00000000-0000-0000-0000-000000000000"],
    }

    def test_azures_json_is_taken_as_it_is(self, site: TestSite) -> None:
        made = call(site, assignments.define, self.AZURES)
        assert made["actions"] == self.AZURES["Actions"]
        bob = person(site, "bob", "Labeller")
        for action, may in (
            ("workspaces/read", True),
            ("workspaces/data/write", True),
            ("workspaces/jobs/write", False),
            ("workspaces/models/read", False),
        ):
            assert bob.may(action, Resource("default")) is may, action

    def test_one_that_is_in_use_stays(self, site: TestSite) -> None:
        call(site, assignments.define, self.AZURES)
        person(site, "bob", "labeller")
        with pytest.raises(Conflict, match="assigned 1 times"):
            call(site, assignments.undefine, "Labeller")
        found = call(site, assignments.find, None, Query(filters={"principal": "bob"}))
        call(site, assignments.delete, None, found["value"][0]["id"])
        call(site, assignments.undefine, "LABELLER")
        with pytest.raises(Invalid, match="no role 'Labeller'"):
            call(site, assignments.create, None, {"principal": "bob", "role": "Labeller"})

    def test_a_change_acts_at_once(self, site: TestSite) -> None:
        call(site, assignments.define, self.AZURES)
        assert person(site, "bob", "Labeller").may("workspaces/data/write", Resource("default"))
        call(site, assignments.define, {**self.AZURES, "Actions": ["workspaces/read"]})
        bob = seen(site, "bob")
        assert not bob.may("workspaces/data/write", Resource("default"))

    @pytest.mark.parametrize(
        "spec",
        [
            {"Actions": ["*"]},
            {"Name": "x"},
            {"Name": "x", "Actions": "*"},
            {"Name": "x", "Actions": [1]},
            {"Name": "x", "Actions": [], "Power": "all"},
            {"Name": "Owner", "Actions": ["*"]},
            {"Name": "OWNER", "Actions": ["*"]},
            {"Name": "a/b", "Actions": ["*"]},
        ],
    )
    def test_odd_ones_are_refused(self, site: TestSite, spec: dict[str, Any]) -> None:
        with pytest.raises((Invalid, Conflict)):
            call(site, assignments.define, spec)

    def test_nobody_defines_more_than_they_have(self, site: TestSite) -> None:
        maker = Role("Maker", ("authorization/*", "workspaces/*/read"))
        who = Principal("eve", "user", (Grant(maker),))
        call(site, assignments.define, {"name": "less", "actions": ["workspaces/read"]}, who=who)
        for actions in (["*"], ["workspaces/jobs/write"], ["workspaces/*"]):
            with pytest.raises(Forbidden):
                call(site, assignments.define, {"name": "x", "actions": actions}, who=who)


class TestGiving:
    def test_nobody_gives_more_than_they_have(self, site: TestSite) -> None:
        giver = Role("Giver", ("authorization/*", "*/read"))
        who = Principal("eve", "user", (Grant(giver),))
        person(site, "bob")
        call(site, assignments.create, None, {"principal": "bob", "role": "Reader"}, who=who)
        for role in ("Owner", "Contributor", "AzureML Data Scientist"):
            with pytest.raises(Forbidden, match="may not give"):
                call(site, assignments.create, None, {"principal": "bob", "role": role}, who=who)

    def test_an_owner_of_a_workspace_gives_there_only(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        ann = person(site, "lia", "Owner", workspace="lab")
        person(site, "bob")
        call(site, assignments.create, "lab", {"principal": "bob", "role": "Owner"}, who=ann)
        for place, error in ((None, Forbidden), ("default", NotFound)):
            with pytest.raises(error):
                call(
                    site,
                    assignments.create,
                    place,
                    {"principal": "bob", "role": "Reader"},
                    who=ann,
                )

    def test_twice_is_once(self, site: TestSite) -> None:
        person(site, "bob", "Reader", "Reader")
        found = call(site, assignments.find, None, Query(filters={"principal": "BOB"}))["value"]
        assert [row["role"] for row in found] == ["Reader"]

    def test_an_assignment_is_taken_away_where_it_is(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        person(site, "bob", "Reader", workspace="lab")
        (found,) = call(site, assignments.find, "lab", Query())["value"]
        for place in (None, "default"):
            with pytest.raises(NotFound):
                call(site, assignments.delete, place, found["id"])
        call(site, assignments.delete, "lab", found["id"])
        assert not seen(site, "bob").knows(Resource("lab"))


class TestLastOwner:
    @pytest.fixture
    def sole(self, site: TestSite) -> str:
        """The only owner there is."""
        call(site, tokens.ensure_owner)
        (row,) = call(site, assignments.find, None, Query(filters={"role": "Owner"}))["value"]
        return str(row["principal"])

    def test_nobody_locks_everybody_out(self, site: TestSite, sole: str) -> None:
        (row,) = call(site, assignments.find, None, Query(filters={"role": "Owner"}))["value"]
        for what in (
            lambda: call(site, people.update, "user", sole, {"disabled": True}),
            lambda: call(site, people.delete, "user", sole),
            lambda: call(site, assignments.delete, None, row["id"]),
        ):
            with pytest.raises(Conflict, match="nobody would own"):
                what()
        assert not call(site, people.get, "user", sole)["disabled"]

    def test_with_another_owner_they_may_go(self, site: TestSite, sole: str) -> None:
        call(site, people.create, "group", {"name": "admins"})
        call(site, assignments.create, None, {"principal": "admins", "role": "Owner"})
        with pytest.raises(Conflict):  # nobody is in it
            call(site, people.delete, "user", sole)
        person(site, "bob")
        call(site, people.add_member, "admins", "bob")
        call(site, people.delete, "user", sole)
        with pytest.raises(Conflict):
            call(site, people.remove_member, "admins", "bob")
        with pytest.raises(Conflict):
            call(site, people.update, "group", "admins", {"disabled": True})

    def test_the_token_of_the_home_is_not_brought_back(self, site: TestSite, sole: str) -> None:
        """Whoever was made no owner any more stays none, whatever starts again."""
        person(site, "bob", "Owner")
        call(site, people.delete, "user", sole)
        call(site, tokens.ensure_owner)
        assert tokens.authenticator(site)("bearer", site.home.owner_token()) is None


class TestPrincipals:
    def test_names_are_unique_among_all_kinds_and_cases(self, site: TestSite) -> None:
        call(site, people.create, "group", {"name": "lab"})
        for kind in people.KINDS:
            with pytest.raises(Conflict):
                call(site, people.create, kind, {"name": "LAB"})

    @pytest.mark.parametrize("name", ["", "a/b", "a b", "..", "a..b", "ä", "x" * 256, None, 7])
    def test_odd_names_are_refused(self, site: TestSite, name: Any) -> None:
        with pytest.raises(Invalid):
            call(site, people.create, "user", {"name": name})

    def test_an_address_is_a_name(self, site: TestSite) -> None:
        call(site, people.create, "user", {"name": "ann+lab@example.com"})

    def test_who_is_disabled_comes_in_no_more(self, site: TestSite) -> None:
        bob = person(site, "bob", "Owner")
        secret = call(site, tokens.create, {}, who=bob)["token"]
        authenticate = tokens.authenticator(site)
        assert authenticate("bearer", secret) is not None
        call(site, people.update, "user", "bob", {"disabled": True})
        assert authenticate("bearer", secret) is None
        call(site, people.update, "user", "bob", {"disabled": False})
        assert authenticate("bearer", secret) is not None

    def test_groups_hold_no_groups(self, site: TestSite) -> None:
        for name in ("a", "b"):
            call(site, people.create, "group", {"name": name})
        with pytest.raises(Invalid):
            call(site, people.add_member, "a", "b")

    def test_deleting_leaves_nothing_to_come_in_by(self, site: TestSite) -> None:
        bob = person(site, "bob", "Reader")
        secret = call(site, tokens.create, {}, who=bob)["token"]
        call(site, people.delete, "user", "bob")
        assert tokens.authenticator(site)("bearer", secret) is None
        call(site, people.create, "user", {"name": "bob"})
        assert not call(site, assignments.find, None, Query(filters={"principal": "bob"}))["value"]


class TestOwnTokens:
    def test_one_may_be_good_for_less(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        owner = person(site, "bob", "Owner")
        made = call(site, tokens.create, {"role": "Reader", "workspace": "lab"}, who=owner)
        narrow = tokens.authenticator(site)("bearer", made["token"])
        assert narrow is not None
        assert narrow.may(READ, Resource("lab"))
        for action, place in ((WRITE, "lab"), (READ, "default"), ("workspaces/write", None)):
            assert not narrow.may(action, Resource(place))
        with pytest.raises(Forbidden, match="no other tokens"):
            call(site, tokens.create, {}, who=narrow)
        found = call(site, workspaces.find, Query(), who=narrow)["value"]
        assert [row["name"] for row in found] == ["lab"]

    def test_it_is_never_good_for_more(self, site: TestSite) -> None:
        reader = person(site, "bob", "Reader")
        made = call(site, tokens.create, {"role": "Owner"}, who=reader)
        wide = tokens.authenticator(site)("bearer", made["token"])
        assert wide is not None
        assert not wide.may(WRITE, Resource("default"))

    def test_a_session_of_a_narrow_token_is_as_narrow(self, site: TestSite) -> None:
        owner = person(site, "bob", "Owner")
        made = call(site, tokens.create, {"role": "Reader"}, who=owner)
        narrow = tokens.authenticator(site)("bearer", made["token"])
        code = call(site, tokens.sign_in_code, who=narrow)["code"]
        session = call(site, tokens.open_session, code)
        assert tokens.authenticator(site)("session", session) == narrow

    def test_it_lasts_as_long_as_it_says(self, site: TestSite) -> None:
        bob = person(site, "bob", "Reader")
        secret = call(site, tokens.create, {"days": 1}, who=bob)["token"]
        now = site.now()
        assert tokens.authenticator(site)("bearer", secret) is not None
        site.now = lambda: now + 86401
        assert tokens.authenticator(site)("bearer", secret) is None

    def test_each_is_ended_by_its_owner_alone(self, site: TestSite) -> None:
        bob, eve = person(site, "bob", "Reader"), person(site, "eve", "Owner")
        made = call(site, tokens.create, {"label": "laptop"}, who=bob)
        with pytest.raises(NotFound):
            call(site, tokens.revoke_mine, made["id"], who=eve)
        assert "laptop" in [row["label"] for row in call(site, tokens.mine, who=bob)["value"]]
        call(site, tokens.revoke_mine, made["id"], who=bob)
        assert tokens.authenticator(site)("bearer", made["token"]) is None

    @pytest.mark.parametrize(
        "spec", [{"days": 0}, {"days": "1"}, {"days": 1e9}, {"role": 1}, {"x": 1}, {"label": 1}]
    )
    def test_odd_wishes_are_refused(self, site: TestSite, spec: dict[str, Any]) -> None:
        with pytest.raises(LazurError):
            call(site, tokens.create, spec, who=person(site, "bob", "Reader"))

    def test_nobody_gets_a_token_of_somebody_else(self, site: TestSite) -> None:
        """An owner of one workspace invites people, and does not become them."""
        call(site, workspaces.create, {"name": "lab"})
        lia = person(site, "lia", "Owner", workspace="lab")
        person(site, "bob", "Owner")
        with pytest.raises(Conflict, match="already"):
            call(site, tokens.issue, "bob", "Reader", "lab", who=lia)
        assert call(site, tokens.issue, "new", "Reader", "lab", who=lia)
        assert call(site, tokens.issue, "bob", "Reader", "lab", who=OWNER)


class TestIncludes:
    @pytest.mark.parametrize(
        "wide, narrow, included",
        [
            ("Owner", "Contributor", True),
            ("Contributor", "Owner", False),
            ("Contributor", "Reader", True),
            ("Reader", "Contributor", False),
            ("Contributor", "Contributor", True),
            ("AzureML Data Scientist", "AzureML Data Scientist", True),
            ("AzureML Data Scientist", "AzureML Compute Operator", False),
            ("Owner", "AzureML Registry User", True),
        ],
    )
    def test_as_far_as_patterns_show(self, wide: str, narrow: str, included: bool) -> None:
        assert includes(BUILT_IN[wide], BUILT_IN[narrow]) is included

    def test_what_the_wide_one_leaves_out_the_narrow_one_must_too(self) -> None:
        wide = Role("w", ("*",), ("a/b/write",))
        assert not includes(wide, Role("n", ("a/*/write",)))
        assert not includes(wide, Role("n", ("a/b/*",)))
        assert includes(wide, Role("n", ("a/*/write",), ("a/b/write",)))
        assert includes(wide, Role("n", ("c/*",)))


class TestRegistries:
    def test_roles_hold_in_them_too(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        place = Registry("shared")
        person(site, "bob")
        spec = {"principal": "bob", "role": "AzureML Registry User"}
        made = call(site, assignments.create, place, spec)
        assert (made["registry"], made["workspace"]) == ("shared", None)
        bob = seen(site, "bob")
        assert bob.may("registries/assets/write", Resource(registry="Shared"))
        assert not bob.knows(Resource("shared"))
        with pytest.raises(NotFound):
            call(site, assignments.delete, "default", made["id"])
        call(site, assignments.delete, place, made["id"])
        assert not seen(site, "bob").knows(Resource(registry="shared"))
