"""The audit log: complete, in order, and what was changed afterwards is found."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from lazur.errors import Forbidden, Invalid, NotFound
from lazur.services.assets import assets
from lazur.services.base import workspaces
from lazur.services.base.access import Denial, Principal, Resource
from lazur.services.base.site import SOURCE
from lazur.services.people import audits, people
from lazur.services.people.refusals import Refusals
from lazur.store.pages import Query
from tests.site import OWNER, TestSite, call, submit


def listed(site: TestSite, workspace: str | None = None, **filters: str) -> list[dict[str, Any]]:
    return call(site, audits.find, workspace, Query(limit=1000, filters=filters))["value"]


def filled(site: TestSite) -> None:
    call(site, workspaces.create, {"name": "lab"})
    for number in range(5):
        call(site, people.create, "user", {"name": f"user-{number}"})
        call(
            site,
            assets.create,
            "lab",
            "environments",
            {"name": "e", "image": f"python:3.{number}"},
        )


class TestRecord:
    def test_says_who_did_what_from_where(self, site: TestSite) -> None:
        SOURCE.set("192.0.2.7")
        call(site, workspaces.create, {"name": "lab"})
        call(site, workspaces.update, "lab", {"description": "new"})
        newest, first = listed(site, "lab")
        assert (first["who"], first["action"], first["kind"], first["name"]) == (
            OWNER.name,
            "created",
            "workspaces",
            "lab",
        )
        assert newest["from"] == "192.0.2.7"
        assert newest["data"]["before"] == {"description": None}
        assert newest["data"]["after"] == {"description": "new"}
        assert newest["outcome"] == "done"

    def test_what_fails_leaves_none(self, site: TestSite) -> None:
        before = len(listed(site))
        with pytest.raises(NotFound):
            call(site, workspaces.update, "nowhere", {"description": "x"})
        with pytest.raises(Invalid):
            call(site, people.create, "user", {"name": "a/b"})
        assert len(listed(site)) == before

    def test_a_job_is_in_it_and_its_states_are_not(self, site: TestSite) -> None:
        submit(site, name="j")
        assert [row["action"] for row in listed(site, "default", kind="jobs")] == ["created"]

    def test_many_writers_make_one_chain(self, site: TestSite) -> None:
        def make(number: int) -> None:
            call(site, people.create, "user", {"name": f"user-{number}"})

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(make, range(40)))
        assert len(listed(site, kind="principals")) == 40
        assert call(site, audits.verify, None)["whole"]


class TestVerify:
    def test_a_log_that_nobody_touched_is_whole(self, site: TestSite) -> None:
        filled(site)
        found = call(site, audits.verify, None)
        assert found["whole"]
        assert found["rows"] == len(listed(site)) > 10

    def test_so_is_that_of_a_workspace_where_nothing_was_done(self, site: TestSite) -> None:
        assert call(site, audits.verify, "default") == {"rows": 0, "whole": True, "faults": []}

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE lazur_audit SET who = 'eve' WHERE chain = 0 AND place = 2",
            "UPDATE lazur_audit SET data = '{}' WHERE chain = 0 AND place = 2",
            "UPDATE lazur_audit SET at = at + 0.000001 WHERE chain = 0 AND place = 2",
            "UPDATE lazur_audit SET hash = upper(hash) WHERE chain = 0 AND place = 2",
            "UPDATE lazur_audit SET outcome = 'refused' WHERE chain = 0 AND place = 2",
            "DELETE FROM lazur_audit WHERE chain = 0 AND place = 2",
        ],
    )
    def test_one_change_is_found(self, site: TestSite, change: str) -> None:
        filled(site)
        with site.db.write() as db:
            db.execute(text(change))
        found = call(site, audits.verify, None)
        assert not found["whole"]
        assert [(fault["chain"], fault["place"]) for fault in found["faults"]] == [(0, 2)]

    @pytest.mark.parametrize("chain", [0, None])
    def test_an_end_that_was_cut_off_is_found(self, site: TestSite, chain: int | None) -> None:
        filled(site)
        one = 0 if chain == 0 else call(site, audits.find, "lab", Query())["value"][0]["chain"]
        last = "SELECT max(place) FROM lazur_audit WHERE chain = :chain"
        with site.db.write() as db:
            db.execute(
                text(f"DELETE FROM lazur_audit WHERE chain = :chain AND place = ({last})"),
                {"chain": one},
            )
        assert [fault["chain"] for fault in call(site, audits.verify, None)["faults"]] == [one]

    def test_one_workspace_alone_is_verified_alone(self, site: TestSite) -> None:
        filled(site)
        assert call(site, audits.verify, "lab")["rows"] == len(listed(site, "lab"))


class TestReading:
    def test_filters(self, site: TestSite) -> None:
        filled(site)
        assert {row["name"] for row in listed(site, name="user-3")} == {"user-3"}
        assert listed(site, who="nobody") == []
        assert listed(site, since="2100-01-01") == []
        assert len(listed(site, until="2100-01-01T00:00:00Z")) == len(listed(site))
        with pytest.raises(Invalid, match="no time"):
            listed(site, since="yesterday")

    def test_it_takes_a_right_of_the_place(self, site: TestSite) -> None:
        filled(site)
        reader = Principal.of("lia", "user", "Reader", "lab")
        assert call(site, audits.find, "lab", Query(), who=reader)["value"]
        with pytest.raises(Forbidden):
            call(site, audits.find, None, Query(), who=reader)
        with pytest.raises(NotFound):
            call(site, audits.find, "default", Query(), who=reader)

    def test_what_is_exported_can_be_verified_elsewhere(self, site: TestSite) -> None:
        filled(site)
        lines = b"".join(audits.export(site, OWNER, None)).splitlines()
        rows = [json.loads(line) for line in lines]
        assert len(rows) == len(listed(site))
        assert [row["place"] for row in rows if row["chain"] == 0] == list(
            range(1, sum(row["chain"] == 0 for row in rows) + 1)
        )


class TestRefusals:
    def test_are_in_the_log_of_the_place(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        bob = Principal.of("bob", "user", "Reader", "lab")
        denial = Denial("workspaces/jobs/write", Resource("lab", "jobs", "j"))
        Refusals(site).record(bob, "192.0.2.7", "POST /x", 403, denial)
        (row,) = listed(site, "lab", outcome="refused")
        assert (row["who"], row["action"], row["kind"], row["name"]) == (
            "bob",
            "workspaces/jobs/write",
            "jobs",
            "j",
        )
        assert row["data"] == {"request": "POST /x", "status": 403}
        assert call(site, audits.verify, None)["whole"]

    def test_nobody_fills_the_disk(self, site: TestSite) -> None:
        time = [0.0]
        refusals = Refusals(site, lambda: time[0])
        for _ in range(100):
            refusals.record(None, "192.0.2.7", "GET /x", 401, None)
        assert len(listed(site, outcome="refused")) == 60
        time[0] = 60.0
        refusals.record(None, "192.0.2.7", "GET /x", 401, None)
        assert listed(site, outcome="refused")[0]["data"]["left_out"] == 40

    def test_who_is_known_is_always_noted(self, site: TestSite) -> None:
        refusals = Refusals(site, lambda: 0.0)
        bob = Principal.of("bob", "user", "Reader")
        for _ in range(70):
            refusals.record(bob, "", "GET /x", 403, Denial("workspaces/write", Resource()))
        assert len(listed(site, who="bob")) == 70
