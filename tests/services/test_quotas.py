"""Quotas: who sets them, what they stop, and that no race gets around them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lazur.engine.plan import Demand
from lazur.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded
from lazur.loops.dispatch import Dispatch
from lazur.loops.jobs import Jobs
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.jobs import cancellation, jobs
from lazur.services.people import assignments, audits, people, quotas
from lazur.store import workspaces as store
from lazur.store.pages import Query
from lazur.testing.fakes import Inline
from tests.site import OWNER, Server, TestSite, call, submit

ADA = Principal.of("ada", "user", "Owner", "lab")
BEA = Principal.of("bea", "user", "AzureML Data Scientist", "lab")
CID = Principal.of("cid", "user", "Contributor", "lab")


@pytest.fixture(autouse=True)
def _lab(site: TestSite) -> None:
    call(site, workspaces.create, {"name": "lab"})
    for name in ("ann", "ada", "bea", "cid"):
        call(site, people.create, "user", {"name": name})
    call(site, assignments.create, None, {"principal": "ann", "role": "Owner"})
    site.engine.capacity = Demand(cpus=64, memory=64 << 30, gpus=8)


@pytest.fixture
def server(site: TestSite) -> Server:
    return Server(site)


def limit(
    site: TestSite,
    user: str | None = None,
    who: Principal = OWNER,
    place: str = "lab",
    **most: Any,
) -> dict[str, Any]:
    limits = {name.replace("_", "-"): number for name, number in most.items()}
    spec = {"limits": limits, **({"user": user} if user else {})}
    return call(site, quotas.put, place or None, spec, who=who)


def run(site: TestSite, name: str, who: Principal = BEA, **asked: Any) -> Any:
    resources = {"resources": {"properties": asked}} if asked else {}
    return submit(site, "lab", who, name=name, **resources)


def shown(site: TestSite, name: str) -> dict[str, Any]:
    return call(site, jobs.get, "lab", name, write=False)


class TestWhoSets:
    def test_owners_of_the_server_and_of_the_workspace(self, site: TestSite) -> None:
        assert limit(site, running_jobs=4)["value"][0]["set_by"] == "server"
        narrowed = limit(site, who=ADA, running_jobs="3")["value"]
        assert {(q["set_by"], q["limit"]) for q in narrowed} == {("server", 4), ("workspace", 3)}

    @pytest.mark.parametrize("who", [BEA, CID])
    def test_nobody_else(self, site: TestSite, who: Principal) -> None:
        with pytest.raises(Forbidden):
            limit(site, who=who, running_jobs=100)

    def test_owners_of_a_workspace_set_none_of_the_server(self, site: TestSite) -> None:
        with pytest.raises(Forbidden):
            limit(site, who=ADA, place="", running_jobs=4)
        with pytest.raises(NotFound):
            limit(site, who=ADA, place="default", running_jobs=4)

    def test_owners_of_a_workspace_do_not_widen_it(self, site: TestSite) -> None:
        limit(site, running_jobs=4)
        with pytest.raises(Conflict, match="allow 4 running jobs") as told:
            limit(site, who=ADA, running_jobs=5)
        assert "ann" in str(told.value)
        with pytest.raises(NotFound):
            limit(site, who=ADA, running_jobs=None)

    def test_null_takes_one_away(self, site: TestSite) -> None:
        limit(site, who=ADA, gpus=2, cores=4)
        found = limit(site, gpus=None)["value"]
        assert [q["name"] for q in found] == ["cores"]
        with pytest.raises(NotFound):
            limit(site, gpus=None)

    def test_sizes_are_read(self, site: TestSite) -> None:
        assert limit(site, bytes="50GB")["value"][0]["limit"] == 50 << 30

    @pytest.mark.parametrize(
        "most, said",
        [
            ({"runing-jobs": 1}, "no quota"),
            ({"gpus": "two"}, "gpus: 'two' is no whole number"),
            ({"cores": "1.5"}, "cores: '1.5' is no whole number"),
            ({"cores": 1.5}, "cores: '1.5' is no whole number"),
            ({"gpus": -1}, "gpus"),
            ({"gpus": True}, "gpus"),
            ({"memory": "lots"}, "memory"),
            ({"cores": 1 << 70}, "cores must be 0 or more"),
        ],
    )
    def test_nonsense_is_refused(self, site: TestSite, most: dict[str, Any], said: str) -> None:
        with pytest.raises(Invalid, match=said):
            call(site, quotas.put, "lab", {"limits": most})

    def test_a_group_has_none(self, site: TestSite) -> None:
        call(site, people.create, "group", {"name": "team"})
        with pytest.raises(Invalid, match="group"):
            limit(site, "team", gpus=1)

    def test_changes_are_in_the_audit_log(self, site: TestSite) -> None:
        limit(site, "bea", gpus=2)
        limit(site, "bea", gpus=1)
        found = call(site, audits.find, "lab", Query(9, None, None, {"kind": "quotas"}))["value"]
        assert found[0]["data"]["before"] == {"gpus": 2}
        assert found[0]["data"]["after"] == {"gpus": 1}

    def test_they_go_with_the_person(self, site: TestSite) -> None:
        limit(site, "bea", gpus=2)
        call(site, people.delete, "user", "bea")
        assert call(site, quotas.find, "lab")["value"] == []


class TestWhoSees:
    def test_others_own_quotas_are_for_owners(self, site: TestSite) -> None:
        limit(site, "bea", gpus=2)
        limit(site, "cid", gpus=1)
        limit(site, "*", gpus=3)
        seen = call(site, quotas.find, "lab", who=BEA)["value"]
        assert {q["user"] for q in seen} == {"bea", "*"}
        assert {q["user"] for q in call(site, quotas.find, "lab", who=ADA)["value"]} == {
            "bea",
            "cid",
            "*",
        }


class TestRunning:
    def test_what_is_over_waits_and_says_for_what(self, site: TestSite, server: Server) -> None:
        limit(site, "bea", running_jobs=1, who=ADA)
        call(site, assignments.create, "lab", {"principal": "ada", "role": "Owner"})
        run(site, "first")
        run(site, "second")
        server.settle()
        assert shown(site, "first")["status"] != "Queued"
        waits = shown(site, "second")
        assert waits["status"] == "Queued"
        assert waits["waiting_for"] == (
            "quota of 1 running job of bea in workspace 'lab' (1 in use); ask ada for more"
        )
        listed = call(site, jobs.find, "lab", Query(9, None, None, {}))["value"]
        assert {job["name"]: job["waiting_for"] for job in listed}["second"] == waits[
            "waiting_for"
        ]

    def test_the_next_starts_when_one_ends(self, site: TestSite, server: Server) -> None:
        limit(site, running_jobs=1)
        run(site, "first")
        run(site, "second", CID)
        server.settle()
        key = next(iter(site.engine.attempts))
        site.engine.run(key)
        site.engine.end(key)
        server.settle()
        assert shown(site, "first")["status"] == "Completed"
        assert shown(site, "second")["status"] != "Queued"

    def test_a_wider_quota_starts_it(self, site: TestSite, server: Server) -> None:
        limit(site, cores=1)
        run(site, "first")
        run(site, "second")
        server.settle()
        limit(site, cores=2)
        server.settle()
        assert shown(site, "second")["status"] != "Queued"

    def test_others_go_on(self, site: TestSite, server: Server) -> None:
        limit(site, "bea", gpus=1)
        for number in range(20):
            run(site, f"gpu{number}", gpus=1)
        run(site, "cids", CID, gpus=1)
        submit(site, "default", OWNER, name="elsewhere")
        server.settle()
        assert shown(site, "cids")["status"] != "Queued"
        states = [shown(site, f"gpu{number}")["status"] for number in range(20)]
        assert states.count("Queued") == 19

    def test_what_could_never_run_is_refused(self, site: TestSite) -> None:
        limit(site, gpus=2)
        with pytest.raises(QuotaExceeded, match="takes 4 GPUs: more than the quota of 2 GPUs"):
            run(site, "large", gpus=4)
        with pytest.raises(NotFound):
            shown(site, "large")


class TestQueued:
    def test_one_too_many_is_refused_and_told_whom_to_ask(self, site: TestSite) -> None:
        limit(site, "*", place="", queued_jobs=2)
        run(site, "first")
        run(site, "second")
        with pytest.raises(QuotaExceeded) as told:
            run(site, "third")
        assert "quota of 2 waiting jobs of bea on this server is used up: 2 of 2" in str(
            told.value
        )
        assert "ann" in str(told.value)
        assert told.value.details["quota"] == "queued-jobs"
        run(site, "cids", CID)

    def test_what_ends_makes_room(self, site: TestSite) -> None:
        limit(site, queued_jobs=1)
        first = run(site, "first")
        with site.context() as context:
            row = jobs.find_row(context, "lab", first["name"], "workspaces/jobs/read")
            cancellation.ask(context, row.id, "Somebody canceled it.")
        Server(site).settle()
        run(site, "second")


class TestRaces:
    def test_two_do_not_take_the_last_place_in_the_queue(self, site: TestSite) -> None:
        limit(site, "*", place="", queued_jobs=3)

        def attempt(number: int) -> bool:
            try:
                run(site, f"job{number}")
            except QuotaExceeded:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(16))) == 3

    def test_two_dispatchers_do_not_start_more_than_may_run(self, site: TestSite) -> None:
        limit(site, running_jobs=3)
        limit(site, "bea", cores=2)
        with site.db.write() as db:
            store.add_compute(db, _other_compute(site))
        for number in range(8):
            submit(site, "lab", BEA, name=f"b{number}", compute="other")
            submit(site, "lab", CID, name=f"c{number}", compute="local")
        server = Server(site)
        for _ in range(4):
            server.builds._guarded()
            server.jobs._guarded()
        assert shown(site, "b7")["status"] == shown(site, "c7")["status"] == "Queued"
        dispatchers = [Dispatch(site, Jobs(site, Inline())) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            for each in [pool.submit(d.round) for d in dispatchers * 3]:
                each.result()
        placed = [
            shown(site, f"{who}{number}")["status"] != "Queued"
            for who in "bc"
            for number in range(8)
        ]
        assert sum(placed) == 3
        assert sum(placed[:8]) <= 2


def _other_compute(site: TestSite) -> dict[str, Any]:
    return {
        "name": "other",
        "type": "local",
        "settings": {"other": True},
        "description": None,
        "created_at": site.now(),
        "version": 1,
    }
