"""Schedules with an injected clock: what fires, for whom, and what is written down of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from lazur.engine.plan import Exit
from lazur.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LazurError,
    NotFound,
    SpecError,
    TooManyTries,
)
from lazur.loops.schedules import Schedules
from lazur.services.assets import assets
from lazur.services.base import events, workspaces
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import Context
from lazur.services.jobs import jobs
from lazur.services.people import assignments, people, tokens
from lazur.services.results import lineage
from lazur.services.schedules import hooks, schedules
from lazur.store import people as people_store
from lazur.store.pages import Query
from tests.site import Clock, Server, TestSite, call, command

HOUR, DAY = 3600.0, 86400.0
HOURLY = {"type": "cron", "expression": "0 * * * *"}
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def clock() -> Clock:
    return Clock(1_699_999_200.0)  # 2023-11-14T22:00:00Z


@pytest.fixture
def cleo(site: TestSite) -> Principal:
    """Somebody whom the server knows, so that schedules can act for them."""
    return person(site, "cleo", "Owner")


@pytest.fixture
def loop(site: TestSite) -> Schedules:
    return Schedules(site)


@pytest.fixture
def make(site: TestSite, cleo: Principal) -> Make:
    def make(name: str = "nightly", trigger: Any = HOURLY, **more: Any) -> dict[str, Any]:
        who = more.pop("who", cleo)
        spec = {"trigger": trigger, **more}
        if "import_data" not in spec:
            spec.setdefault("create_job", command())
        return call(site, schedules.put, "default", name, spec, who=who)

    return make


def person(site: TestSite, name: str, role: str) -> Principal:
    secret = call(site, tokens.issue, name, role, "default")
    found = tokens.authenticator(site)("bearer", secret)
    assert found is not None
    return found


def runs(site: TestSite, name: str = "nightly") -> list[dict[str, Any]]:
    """Oldest first."""
    found = call(site, schedules.runs, "default", name, Query(limit=1000), write=False)
    return found["value"][::-1]


def states(site: TestSite, name: str = "nightly") -> list[str]:
    return [run["state"] for run in runs(site, name)]


def job_of(site: TestSite, run: dict[str, Any]) -> dict[str, Any]:
    return call(site, jobs.get, "default", run["job"], write=False)


class TestTicks:
    def test_a_tick_submits_the_job_once(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        made = make()
        assert made["next_runs"][0] == "2023-11-14T23:00:00+00:00"
        loop.round()
        assert states(site) == []
        clock.time += HOUR
        for _ in range(3):
            loop.round()
        (run,) = runs(site)
        assert (run["state"], run["job"]) == ("fired", "nightly-20231114T230000Z")
        job = job_of(site, run)
        assert job["display_name"] == "nightly-20231114T230000Z"
        assert job["properties"]["lazur.schedule"] == "nightly"
        assert job["properties"]["lazur.trigger_time"] == "2023-11-14T23:00:00Z"
        assert job["creation_context"]["created_by"] == "cleo"

    def test_the_loop_sleeps_until_the_next_tick(self, loop: Schedules, make: Make) -> None:
        make(trigger={"type": "recurrence", "frequency": "minute", "interval": 1})
        loop.round()
        assert 50 < loop.round() <= 60

    def test_without_a_start_a_recurrence_begins_at_once(
        self, site: TestSite, loop: Schedules, make: Make
    ) -> None:
        make(trigger={"type": "recurrence", "frequency": "day", "interval": 1})
        loop.round()
        assert states(site) == ["fired"]

    def test_any_number_of_servers_fire_a_tick_once(
        self, site: TestSite, clock: Clock, make: Make
    ) -> None:
        make()
        clock.time += HOUR
        for loop in [Schedules(site) for _ in range(4)]:
            loop.round()
        assert states(site) == ["fired"]

    def test_what_is_disabled_does_not_fire_and_is_not_made_up_for(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make()
        call(site, schedules.set_enabled, "default", "nightly", enabled=False)
        clock.time += 5 * HOUR
        loop.round()
        shown = call(site, schedules.set_enabled, "default", "nightly", enabled=True)
        loop.round()
        assert states(site) == []
        assert shown["is_enabled"] is True
        clock.time += HOUR
        loop.round()
        assert states(site) == ["fired"]

    def test_a_time_zone_that_is_not_known_here_holds_up_no_other(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make("odd")
        make()
        with site.db.write() as db:
            text_ = "UPDATE lazur_schedules SET spec = :spec WHERE name = 'odd'"
            spec = {"trigger": {**HOURLY, "time_zone": "Mars/Base"}, "create_job": command()}
            db.execute(text(text_), {"spec": json.dumps(spec)})
        clock.time += HOUR
        loop.round()
        assert states(site) == ["fired"]
        assert call(site, schedules.get, "default", "odd")["next_runs"] == []
        assert states(site, "odd") == []

    def test_after_its_end_nothing_falls_due(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        made = make(trigger={**HOURLY, "end_time": "2023-11-14T23:30:00"})
        assert len(made["next_runs"]) == 1
        for _ in range(4):
            clock.time += HOUR
            loop.round()
        assert states(site) == ["fired"]


class TestClock:
    def test_what_was_missed_is_one_line_of_the_history(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make()
        clock.time += 30 * DAY + 1000
        loop.round()
        (run,) = runs(site)
        assert (run["state"], run["count"]) == ("skipped", 720)
        clock.time += HOUR - 1000
        loop.round()
        assert states(site) == ["skipped", "fired"]

    def test_the_last_few_are_made_up_for_where_it_is_asked(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make(trigger={**HOURLY, "missed": "catch_up", "catch_up_limit": 2})
        clock.time += 10 * HOUR + 600
        loop.round()
        assert states(site) == ["skipped", "fired", "fired"]

    def test_an_hour_that_comes_twice_fires_once(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make(trigger={"type": "cron", "expression": "*/15 * * * *"})
        for step in [900.0] * 6 + [-HOUR] + [900.0] * 6:
            clock.time += step
            loop.round()
        times = [run["time"] for run in runs(site)]
        assert len(times) == len(set(times)) == 8
        assert set(states(site)) == {"fired"}

    def test_a_clock_that_was_a_month_ahead_holds_nothing_up(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make()
        clock.time += 30 * DAY + 1000
        loop.round()
        assert [run.get("count") for run in runs(site)] == [720]
        clock.time -= 30 * DAY + 1000 - 2 * HOUR - 600  # two of them have passed meanwhile
        loop.round()
        assert [run.get("count") for run in runs(site)] == [2]
        clock.time += HOUR - 600
        loop.round()
        assert [(run["time"], run["state"]) for run in runs(site)] == [
            ("2023-11-14T23:00:00.000000Z", "skipped"),
            ("2023-11-15T01:00:00.000000Z", "fired"),
        ]


class TestRights:
    def test_a_right_that_was_taken_back_is_missing_when_it_fires(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        tom = person(site, "tom", "AzureML Data Scientist")
        make(who=tom)
        with site.context() as context:
            row = people_store.by_name(context.db, "tom")
            assert row is not None
            (held,) = [
                found
                for found in assignments.find(context, "default", _query())["value"]
                if found["principal"] == "tom"
            ]
            assignments.delete(context, "default", held["id"])
        clock.time += HOUR
        loop.round()
        (run,) = runs(site)
        assert run["state"] == "failed"
        assert "tom" in run["reason"] or "workspace" in run["reason"]
        shown = call(site, schedules.get, "default", "nightly")
        assert shown["last_run"]["reason"] == run["reason"]

    def test_who_is_disabled_has_no_rights(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make(who=person(site, "tom", "Contributor"))
        call(site, people.update, "user", "tom", {"disabled": True})
        clock.time += HOUR
        loop.round()
        assert "disabled" in runs(site)[0]["reason"]

    def test_who_has_come_by_the_name_since_is_somebody_else(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make(who=person(site, "tom", "Contributor"))
        call(site, people.delete, "user", "tom")
        clock.time += HOUR
        person(site, "tom", "Owner")
        loop.round()
        assert "not known any more" in runs(site)[0]["reason"]

    def test_it_acts_for_whoever_changes_what_it_does(
        self, site: TestSite, make: Make, cleo: Principal
    ) -> None:
        tom = person(site, "tom", "AzureML Data Scientist")
        make(who=tom)
        noted = call(site, schedules.update, "default", "nightly", {"tags": {"a": "b"}}, who=cleo)
        assert noted["acts_as"] == "tom"
        changed = call(site, schedules.update, "default", "nightly", {"trigger": HOURLY}, who=cleo)
        assert changed["acts_as"] == "cleo"

    def test_who_may_not_run_jobs_schedules_none(self, site: TestSite, make: Make) -> None:
        with pytest.raises(Forbidden):
            make(who=person(site, "rita", "Reader"))
        job = Principal.of_job("default", "j")
        with pytest.raises(LazurError):
            make(who=job)


class TestJobs:
    def test_what_stands_beside_the_job_is_changed(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        job = command(
            command="echo ${{inputs.at}} ${{inputs.who}} ${{inputs.x}}",
            inputs={"at": "never", "who": "nobody", "x": 1},
            tags={"kept": "yes", "color": "red"},
            name="once",
        )
        made = {
            "type": "command",
            "job": job,
            "inputs": {"at": "${{creation_context.trigger_time}}", "who": "${{name}}"},
            "tags": {"color": "blue"},
            "experiment_name": "by-the-clock",
        }
        make(create_job=made)
        clock.time += HOUR
        loop.round()
        job = job_of(site, runs(site)[0])
        assert job["inputs"] == {
            "at": "2023-11-14T23:00:00Z",
            "who": "nightly-20231114T230000Z",
            "x": 1,
        }
        assert job["tags"] == {"kept": "yes", "color": "blue"}
        assert job["experiment_name"] == "by-the-clock"

    def test_a_job_that_is_there_can_be_named(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        call(site, jobs.submit, "default", command(name="first", command="echo one"))
        make(create_job="azureml:first")
        clock.time += HOUR
        loop.round()
        assert job_of(site, runs(site)[0])["command"] == "echo one"
        with pytest.raises(NotFound, match="no job 'second'"):
            make("other", create_job={"job": "azureml:second"})

    def test_a_mistake_in_the_job_is_told_when_the_schedule_is_made(self, make: Make) -> None:
        with pytest.raises(SpecError) as error:
            make(create_job=command(command="echo ${{inputs.x}}"))
        assert error.value.details["diagnostics"][0]["path"] == "create_job.command"
        with pytest.raises(SpecError, match="create_monitor"):
            make(create_monitor={"compute": {}}, create_job=None)
        with pytest.raises(Invalid, match="Files are read by the client"):
            make(create_job="./job.yml")

    def test_the_job_came_of_the_schedule(
        self, site: TestSite, clock: Clock, loop: Schedules, make: Make
    ) -> None:
        make()
        clock.time += HOUR
        loop.round()
        graph = call(site, lineage.show, "default", "schedule:nightly", write=False)
        assert "job:nightly-20231114T230000Z" in [node["id"] for node in graph["nodes"]]


def _query(**filters: Any) -> Any:
    return Query(filters=filters)


class TestTrigger:
    def test_it_fires_now_also_while_it_is_disabled(self, site: TestSite, make: Make) -> None:
        make(is_enabled=False, create_job=command(command="echo ${{inputs.x}}", inputs={"x": 1}))
        told = call(site, hooks.trigger, "default", "nightly", {"inputs": {"x": 5}})
        assert told["schedule_action_type"] == "CreateJob"
        (run,) = runs(site)
        assert (run["state"], run["trigger"], run["job"]) == ("fired", "manual", told["job_name"])
        assert job_of(site, run)["inputs"] == {"x": 5}

    def test_inputs_that_the_job_lacks_are_refused(self, site: TestSite, make: Make) -> None:
        make()
        with pytest.raises(Invalid, match="'y' cannot be set"):
            call(site, hooks.trigger, "default", "nightly", {"inputs": {"y": 5}})


HOOK = {"type": "webhook"}
ECHO = command(command="echo ${{inputs.x}}", inputs={"x": 1})


class TestWebhook:
    def test_its_key_is_told_once_and_fires_that_schedule_alone(
        self, site: TestSite, make: Make
    ) -> None:
        made = make(trigger=HOOK, create_job=ECHO)
        make("other", trigger=HOOK, create_job=ECHO)
        assert "key" not in call(site, schedules.get, "default", "nightly")
        who = tokens.authenticator(site)("bearer", made["key"])
        assert who is not None
        told = call(site, hooks.invoke, "default", "nightly", {"inputs": {"x": 2}}, None, who=who)
        assert job_of(site, runs(site)[0])["inputs"] == {"x": 2}
        assert told["job"] == runs(site)[0]["job"]
        for name in ("other", "absent"):
            with pytest.raises(NotFound, match=f"no schedule '{name}'"):
                call(site, hooks.invoke, "default", name, {}, None, who=who)
        for service, more in ((jobs.get, ()), (schedules.get, ()), (hooks.trigger, ({},))):
            with pytest.raises(LazurError):
                call(site, service, "default", "nightly", *more, who=who)
        for right in ("me/read", "me/tokens/write", "openapi/read", "registries/read"):
            assert not who.may(right, Resource())

    def test_a_new_key_ends_the_one_before(self, site: TestSite, make: Make) -> None:
        old = make(trigger=HOOK)["key"]
        new = call(site, schedules.new_key, "default", "nightly")["key"]
        authenticate = tokens.authenticator(site)
        assert authenticate("bearer", old) is None
        assert authenticate("bearer", new) is not None
        call(site, schedules.delete, "default", "nightly")
        assert authenticate("bearer", new) is None

    def test_a_request_that_is_repeated_has_one_job(self, site: TestSite, make: Make) -> None:
        make(trigger=HOOK)
        told = [call(site, hooks.invoke, "default", "nightly", {}, "k1") for _ in range(3)]
        assert len({one["job"] for one in told}) == 1
        assert states(site) == ["fired"]

    def test_too_many_requests_are_refused(self, site: TestSite, clock: Clock, make: Make) -> None:
        make(trigger={**HOOK, "per_minute": 2})
        for _ in range(2):
            call(site, hooks.invoke, "default", "nightly", {}, None)
        with pytest.raises(TooManyTries):
            call(site, hooks.invoke, "default", "nightly", {}, None)
        clock.time += 61
        call(site, hooks.invoke, "default", "nightly", {}, None)

    def test_parts_of_the_body_become_inputs(self, site: TestSite, make: Make) -> None:
        make(trigger={**HOOK, "inputs": {"x": "repository.branch"}}, create_job=ECHO)
        body = {"repository": {"branch": "main; rm -rf /"}}
        call(site, hooks.invoke, "default", "nightly", body, None)
        assert job_of(site, runs(site)[0])["inputs"] == {"x": "main; rm -rf /"}

    def test_data_are_set_only_where_it_is_allowed(self, site: TestSite, make: Make) -> None:
        call(site, assets.create, "default", "data", {**DATA, "path": "https://a.example/1"})
        job = command(
            command="ls ${{inputs.d}}",
            inputs={"d": {"type": "uri_file", "path": "azureml:d:1"}},
        )
        make(trigger=HOOK, create_job=job)
        with pytest.raises(Invalid, match="cannot be set"):
            call(site, hooks.invoke, "default", "nightly", {"inputs": {"d": "azureml:d:1"}}, None)

    def test_others_have_no_webhook(self, site: TestSite, make: Make) -> None:
        make()
        with pytest.raises(Conflict, match="has no webhook"):
            call(site, hooks.invoke, "default", "nightly", {}, None)


def _registered_and_killed(context: Context) -> None:
    home = workspaces.open_workspace(context, "default", "workspaces/read")
    events.record(context, home, "models", "m", "created", version="1")
    raise RuntimeError


DATA = {"name": "d", "type": "uri_file", "path": "https://a.example/x"}


class TestEvents:
    def test_a_new_version_of_data_fires_once_with_its_name(
        self, site: TestSite, loop: Schedules, make: Make
    ) -> None:
        job = command(
            command="head ${{inputs.d}}",
            inputs={"d": {"type": "uri_file", "path": "${{trigger.path}}"}},
        )
        trigger = {"type": "event", "event": "data_updated", "name": "d*"}
        make(trigger=trigger, create_job=job)
        for path in ("https://a.example/1", "https://a.example/2"):
            call(site, assets.create, "default", "data", {**DATA, "path": path})
        call(site, assets.create, "default", "data", {**DATA, "name": "other"})
        for _ in range(3):
            loop.round()
        paths = [job_of(site, run)["inputs"]["d"]["path"] for run in runs(site)]
        assert [path.rpartition("/")[2] for path in paths] == ["1", "2"] or paths == [
            "azureml:d:1",
            "azureml:d:2",
        ]

    def test_the_end_of_a_job_fires_by_its_status(
        self, site: TestSite, loop: Schedules, make: Make, server: Server
    ) -> None:
        trigger = {"type": "event", "event": "job_finished", "name": "j*", "status": "Failed"}
        make(trigger=trigger)
        for name, code in (("j1", 0), ("j2", 1), ("x", 1)):
            call(site, jobs.submit, "default", command(name=name))
            server.settle()
            finish(site, name, code)
            server.settle()
        loop.round()
        (run,) = runs(site)
        assert run["event"]["name"] == "j2"

    def test_a_schedule_does_not_hear_what_came_of_itself(
        self, site: TestSite, loop: Schedules, make: Make, server: Server
    ) -> None:
        make(trigger={"type": "event", "event": "job_finished"})
        call(site, jobs.submit, "default", command(name="seed"))
        for _ in range(4):
            server.settle()
            for key in site.engine.going_on():
                site.engine.run(key)
                site.engine.end(key)
            server.settle()
            loop.round()
        assert states(site).count("fired") == 1
        assert runs(site)[-1]["reason"] == "it came of this schedule's own firing"

    def test_the_event_and_the_tick_are_one_transaction(self, site: TestSite, make: Make) -> None:
        make(trigger={"type": "event", "event": "model_registered"})
        with pytest.raises(RuntimeError):
            call(site, _registered_and_killed)
        assert states(site) == []


@pytest.fixture
def server(site: TestSite) -> Server:
    return Server(site)


def finish(site: TestSite, name: str, code: int) -> None:
    """The command of a job that was begun exits."""
    key = next(key for key in site.engine.attempts if f"/{name}/" in f"/{key}/")
    site.engine.run(key)
    site.engine.end(key, Exit("ok") if code == 0 else Exit("exit", code))
