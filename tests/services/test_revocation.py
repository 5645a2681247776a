"""Whatever is taken away is gone at the next look: a new call is refused by it, and an open stream
or upload, which looks again every few seconds, ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lazur.services.base import workspaces
from lazur.services.base.access import Principal, Resource
from lazur.services.keeping import workspace_trash
from lazur.services.people import assignments, people, sign_ins, tokens
from lazur.store.pages import Query
from tests.site import OWNER, TestSite, call

WRITE = "workspaces/jobs/write"
CUSTOM = {"name": "Runner", "actions": ["workspaces/read", WRITE], "not_actions": []}
Deed = Callable[[TestSite], Any]
_ALL = Query(50, None, None, {})


def _unassign(site: TestSite, who: str) -> None:
    for row in call(site, assignments.find, "lab", _ALL)["value"]:
        if row["principal"] == who:
            call(site, assignments.delete, "lab", row["id"])


def _shrink(site: TestSite) -> None:
    call(site, assignments.define, {**CUSTOM, "actions": ["workspaces/read"]})


DEEDS: dict[str, Deed] = {
    "the role is taken away": lambda site: _unassign(site, "bea"),
    "the custom role shrinks": _shrink,
    "the group loses her": lambda site: call(site, people.remove_member, "team", "bea"),
    "the group loses its role": lambda site: _unassign(site, "team"),
    "the group is disabled": lambda site: call(
        site, people.update, "group", "team", {"disabled": True}
    ),
    "the group is deleted": lambda site: call(site, people.delete, "group", "team"),
    "she is disabled": lambda site: call(site, people.update, "user", "bea", {"disabled": True}),
    "she is deleted": lambda site: call(site, people.delete, "user", "bea"),
    "her tokens are revoked": lambda site: call(site, tokens.revoke, "bea"),
    "the workspace is deleted": lambda site: call(site, workspace_trash.delete, "lab"),
}
"""What each of them needs first: see `_holding`."""


def _holding(site: TestSite, deed: str) -> str:
    """Bea may write jobs in `lab` for one reason alone; her token."""
    call(site, workspaces.create, {"name": "lab"})
    call(site, people.create, "user", {"name": "ann"})
    call(site, assignments.create, None, {"principal": "ann", "role": "Owner"})
    call(site, people.create, "user", {"name": "bea"})
    holder = "bea"
    if "group" in deed:
        call(site, people.create, "group", {"name": "team"})
        call(site, people.add_member, "team", "bea")
        holder = "team"
    role = "Contributor"
    if "custom" in deed:
        role = call(site, assignments.define, CUSTOM)["name"]
    call(site, assignments.create, "lab", {"principal": holder, "role": role})
    bea = Principal.of("bea", "user", role, "lab")
    return call(site, tokens.create, {}, who=bea)["token"]


@pytest.mark.parametrize("deed", DEEDS)
def test_it_is_gone_at_the_next_look(site: TestSite, deed: str) -> None:
    secret = _holding(site, deed)
    look = tokens.authenticator(site)
    before = look("bearer", secret)
    assert before is not None
    assert before.may(WRITE, Resource("lab", "jobs"))
    assert before.keeps(before)
    DEEDS[deed](site)
    after = look("bearer", secret)
    assert after is None or not after.may(WRITE, Resource("lab", "jobs"))
    assert after is None or not after.keeps(before), "an open stream goes on"


def test_a_new_password_ends_browsers(site: TestSite) -> None:
    _holding(site, "")
    with site.context() as context:
        session = tokens.begin_session(context, "bea")
    look = tokens.authenticator(site)
    assert look("session", session) is not None
    sign_ins.set_password(site, OWNER, "bea", {"password": "tall giraffes hum at noon"})
    assert look("session", session) is None


def test_one_role_more_takes_nothing_away(site: TestSite) -> None:
    secret = _holding(site, "")
    look = tokens.authenticator(site)
    before = look("bearer", secret)
    call(site, assignments.create, "lab", {"principal": "bea", "role": "Reader"})
    after = look("bearer", secret)
    assert before is not None
    assert after is not None
    assert after.keeps(before)
