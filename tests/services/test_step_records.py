"""What is written down about steps: in use, in the audit log, and as assets that they made."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine.plan import Demand
from lazur.errors import NotFound
from lazur.services.assets import assets
from lazur.services.base.access import Principal
from lazur.services.jobs import jobs
from lazur.services.people import audits, people
from lazur.services.results import usage
from lazur.store.pages import Query
from tests.services.test_pipelines import CHAIN, FAILS, Runner, command
from tests.site import OWNER, Clock, TestSite, call

BEA = Principal.of("bea", "user", "AzureML Data Scientist", "default")
HOUR = 3600.0


@pytest.fixture
def runner(site: TestSite) -> Runner:
    site.engine.capacity = Demand(cpus=16, memory=8 << 30)
    call(site, people.create, "user", {"name": "bea"})
    return Runner(site)


def used(runner: Runner, by: str = "job") -> list[dict[str, Any]]:
    return call(
        runner.site, usage.show, "default", Query(50, None, None, {"by": by}), write=False
    )["value"]


def audited(runner: Runner, name: str) -> list[tuple[str, str]]:
    query = Query(limit=1000, filters={"name": name})
    found = call(runner.site, audits.find, "default", query)["value"]
    return [(row["who"], row["action"]) for row in reversed(found)]


def versions(runner: Runner, kind: str, name: str) -> list[str]:
    query = Query(50, None, None, {})
    try:
        found = call(runner.site, assets.versions, "default", kind, name, query, write=False)
    except NotFound:
        return []
    return sorted(one["version"] for one in found["value"])


INNER = {"type": "pipeline", "jobs": {"d": command("d", is_deterministic=False)}}


class TestUse:
    def test_each_step_that_ran_held_what_it_held_and_what_only_decides_nothing(
        self, runner: Runner, clock: Clock
    ) -> None:
        runner.submit({**CHAIN, "n": INNER}, who=BEA)
        runner.server.settle()
        while going := runner.site.engine.going_on():
            for key in going:
                runner.site.engine.run(key)
            clock.time += HOUR
            for key in going:
                runner.end(key)
            runner.server.settle()
        clock.time += 60
        lines = {line["job"]: line for line in used(runner)}
        assert sorted(lines) == ["p_a", "p_b", "p_c", "p_n_d"]
        for line in lines.values():
            assert (line["person"], line["jobs"]) == ("bea", 1)
            assert line["core_hours"] == pytest.approx(1, rel=0.01)

    def test_a_step_that_was_done_before_holds_nothing(self, runner: Runner, clock: Clock) -> None:
        runner.done(CHAIN)
        runner.done({**CHAIN, "n": INNER}, "q")
        clock.time += 60
        assert sorted(line["job"] for line in used(runner)) == ["p_a", "p_b", "p_c", "q_n_d"]


class TestAudit:
    def test_a_person_answers_for_the_pipeline_and_not_for_each_step(self, runner: Runner) -> None:
        runner.ends = {"_b": FAILS}
        runner.done(CHAIN, who=BEA)
        assert audited(runner, "p") == [("bea", "created")]
        assert [audited(runner, f"p_{step}") for step in "abc"] == [[], [], []]
        runner.ends = {}
        again = runner.retry("p")
        assert audited(runner, again["name"]) == [(OWNER.name, "created")]

    def test_who_cancels_is_told_where_they_did(self, runner: Runner) -> None:
        steps = {"a": command("a"), "b": command("b")}
        runner.submit(steps)
        runner.server.settle()
        told = call(runner.site, jobs.cancel, "default", "p_a", who=BEA)
        assert told["waiting_for"] == "its end (bea canceled it)"
        assert audited(runner, "p_a") == [("bea", "cancel requested")]
        call(runner.site, jobs.cancel, "default", "p", who=BEA)
        runner.run()
        assert runner.show("p")["status"] == "Canceled"
        assert runner.show("p_a")["error"]["message"] == "bea canceled it."
        assert runner.show("p_b")["error"]["message"] == "Its pipeline p was canceled."
        assert audited(runner, "p") == [(OWNER.name, "created"), ("bea", "cancel requested")]
        assert audited(runner, "p_b") == [], "it ended because the pipeline did"


class TestNamedOutputs:
    """`outputs.<x>.name` registers what a step made."""

    def _named(self, said: str = "train") -> dict[str, Any]:
        body = {"type": "custom_model", "name": "trees", "version": "7"}
        return {"a": command(said, outputs={"model": body})}

    def test_of_a_step(self, runner: Runner) -> None:
        runner.done(self._named())
        assert versions(runner, "models", "trees") == ["7"]
        made = call(runner.site, assets.get, "default", "models", "trees", "7", write=False)
        assert "p_a" in made["path"]

    def test_of_the_pipeline(self, runner: Runner) -> None:
        steps = {"a": command("clean", outputs={"o": "${{parent.outputs.clean}}"})}
        runner.done(steps, outputs={"clean": {"type": "uri_folder", "name": "clean"}})
        assert versions(runner, "data", "clean") == ["1"]

    def test_not_of_one_that_failed(self, runner: Runner) -> None:
        runner.ends = {"_a": FAILS}
        runner.done(self._named())
        assert versions(runner, "models", "trees") == []

    def test_not_twice_of_one_that_was_done_before(self, runner: Runner) -> None:
        steps = {"a": command("clean", outputs={"o": {"type": "uri_folder", "name": "clean"}})}
        runner.done(steps)
        runner.done(steps, "q")
        assert len(runner.begun()) == 1
        assert versions(runner, "data", "clean") == ["1"]
