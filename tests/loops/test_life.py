"""A job's way through its states, step by step, and everything that may happen on it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lazur.engine.plan import Demand, Exit
from lazur.errors import BackendError
from lazur.services.assets import assets, environments
from lazur.services.jobs import jobs
from lazur.store import jobs as store
from lazur.store import leases
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, Server, TestSite, call, open_site, submit

KEY = "default/j/1"
SECOND = "default/j/2"


@pytest.fixture
def server(site: TestSite) -> Server:
    return Server(site)


@pytest.fixture
def started(server: Server) -> Server:
    submit(server.site, name="j")
    server.settle()
    return server


class TestStates:
    def test_a_job_goes_through_all_states(
        self, server: Server, engine: Engine, clock: Clock
    ) -> None:
        made = submit(server.site, name="j")
        states = [made["status"]]
        server.settle()
        states.append(server.show("j")["status"])
        for move in (engine.run, engine.finalize, engine.end):
            clock.time += 1
            move(KEY)
            states.append(server.show("j")["status"])
        assert states == ["Preparing", "Starting", "Running", "Finalizing", "Completed"]

    def test_the_waterfall_has_no_gaps(
        self, started: Server, engine: Engine, clock: Clock
    ) -> None:
        for move in (engine.run, engine.finalize, engine.end):
            clock.time += 1
            move(KEY)
        phases = started.show("j")["phases"]
        assert [p["name"] for p in phases] == [
            "environment",
            "queued",
            "starting",
            "code",
            "running",
            "finalizing",
        ]
        for before, after in pairwise(phases):
            assert before["end"] == after["start"]
        assert [p["seconds"] for p in phases[-2:]] == [1.0, 1.0]
        assert started.show("j")["duration"] == 2.0

    def test_an_environment_that_is_there_costs_no_phase(
        self, server: Server, engine: Engine
    ) -> None:
        submit(server.site, name="first")
        server.settle()
        assert submit(server.site, name="j")["status"] == "Queued"
        assert server.show("j")["phases"][0]["name"] == "queued"

    def test_the_plan_holds_the_jobs_token_and_name(self, started: Server, engine: Engine) -> None:
        plan = engine.attempts[KEY].plan
        assert plan is not None
        assert plan.variables["AZUREML_RUN_ID"] == "j"
        assert plan.variables["LAZUR_TOKEN"].startswith("lzj_")
        assert plan.environment is not None

    def test_the_end_frees_the_node_once(self, started: Server, engine: Engine) -> None:
        engine.run(KEY)
        engine.end(KEY)
        started.settle()
        assert engine.attempts[KEY].cleaned == 1


class TestFailures:
    @pytest.mark.parametrize(
        "exit_, code, phase",
        [
            (Exit("exit", code=3), "ExitCode", "running"),
            (Exit("signal", signal=9), "Killed", "running"),
            (Exit("timeout"), "TimedOut", "running"),
            (Exit("memory"), "OutOfMemory", "running"),
            (Exit("output", message="disk"), "OutputNotKept", "finalizing"),
            (Exit("internal", message="bug"), "RunnerFailed", "finalizing"),
        ],
    )
    def test_the_cause_names_the_phase_it_belongs_to(
        self, started: Server, engine: Engine, exit_: Exit, code: str, phase: str
    ) -> None:
        engine.run(KEY)
        engine.finalize(KEY)
        engine.end(KEY, exit_)
        job = started.show("j")
        assert (job["status"], job["error"]["code"]) == ("Failed", code)
        assert job["error"]["phase"] == phase

    def test_an_input_that_cannot_be_had(self, started: Server, engine: Engine) -> None:
        engine.end(KEY, Exit("input", message="no such file"))
        error = started.show("j")["error"]
        assert (error["code"], error["phase"]) == ("InputUnavailable", "code")
        assert error["message"] == "no such file"

    def test_the_log_tells_the_cause(self, started: Server, engine: Engine) -> None:
        engine.run(KEY)
        engine.attempts[KEY].log = b"ModuleNotFoundError: No module named 'pandas'\n"
        engine.end(KEY, Exit("exit", code=1))
        error = started.show("j")["error"]
        assert error["code"] == "ModuleMissing"
        assert "pandas" in error["hint"]
        assert "pandas" in str(error["log_tail"])

    def test_a_lost_attempt_is_a_failure_and_never_run_again(
        self, started: Server, engine: Engine, clock: Clock
    ) -> None:
        engine.run(KEY)
        engine.lose(KEY)
        job = started.show("j")
        assert (job["status"], job["error"]["code"]) == ("Failed", "RunnerLost")
        clock.time += 1000
        started.settle()
        assert engine.begun == {KEY: 1}

    def test_an_attempt_that_never_began_is_begun_again(
        self, started: Server, engine: Engine, clock: Clock
    ) -> None:
        engine.fence(KEY)
        clock.time += 20
        started.settle()
        assert started.show("j")["attempt"] == 2
        engine.run(SECOND)
        engine.end(SECOND)
        assert started.show("j")["status"] == "Completed"

    def test_a_backend_that_refuses_fails_the_job_with_its_reason(
        self, server: Server, engine: Engine
    ) -> None:
        engine.refuse = BackendError("The disk is full.", hint="Free some.")
        submit(server.site, name="j")
        server.settle()
        job = server.show("j")
        assert (job["status"], job["error"]["message"]) == ("Failed", "The disk is full.")
        assert job["error"]["phase"] == "queued"

    def test_a_backend_with_a_bug_is_asked_again(
        self, server: Server, engine: Engine, clock: Clock
    ) -> None:
        def fail(place: str) -> None:
            if place == "submit":
                raise ZeroDivisionError

        engine.fault = fail
        submit(server.site, name="j")
        server.settle()
        engine.fault = lambda _place: None
        clock.time += 10
        server.settle()
        assert engine.begun == {KEY: 1}

    def test_warnings_of_the_runtime_are_shown(self, started: Server, engine: Engine) -> None:
        engine.run(KEY)
        engine.end(KEY, Exit("ok", code=0, warnings=["a link was left out"]))
        assert "a link was left out" in started.show("j")["warnings"]


class TestCancel:
    def test_a_waiting_job_ends_at_once(self, server: Server, engine: Engine) -> None:
        engine.capacity = Demand(cpus=1)
        submit(server.site, name="first")
        server.settle()
        submit(server.site, name="j")
        server.settle()
        assert server.show("j")["status"] == "Queued"
        call(server.site, jobs.cancel, "default", "j")
        assert server.show("j")["status"] == "Canceled"
        assert KEY not in engine.begun

    def test_a_job_whose_environment_is_built_ends_at_once(self, server: Server) -> None:
        submit(server.site, name="j")
        call(server.site, jobs.cancel, "default", "j")
        assert server.show("j")["status"] == "Canceled"

    def test_a_running_job_is_asked_then_ends(self, started: Server, engine: Engine) -> None:
        engine.run(KEY)
        call(started.site, jobs.cancel, "default", "j")
        started.settle()
        assert engine.attempts[KEY].exit == Exit("canceled")
        assert started.show("j")["status"] == "Canceled"

    def test_a_job_that_completes_all_the_same_has_completed(
        self, started: Server, engine: Engine
    ) -> None:
        engine.run(KEY)
        engine.attempts[KEY].exit = Exit("ok", code=0)
        call(started.site, jobs.cancel, "default", "j")
        engine.end(KEY)
        assert started.show("j")["status"] == "Completed"

    def test_a_job_that_leaves_by_itself_says_who_canceled_it_and_its_last_words(
        self, started: Server, engine: Engine
    ) -> None:
        engine.run(KEY)
        engine.attempts[KEY].log = b"saving what there is\n"
        engine.attempts[KEY].exit = Exit("exit", code=3)
        call(started.site, jobs.cancel, "default", "j")
        engine.end(KEY, Exit("exit", code=3))
        shown = started.show("j")
        assert shown["status"] == "Canceled"
        assert shown["error"]["code"] == "Canceled"
        assert shown["error"]["message"].endswith(" canceled it.")
        assert "saving what there is" in str(shown["error"]["log_tail"])

    def test_an_attempt_that_never_began_is_not_begun_again(
        self, started: Server, engine: Engine, clock: Clock
    ) -> None:
        call(started.site, jobs.cancel, "default", "j")
        engine.fence(KEY)
        clock.time += 2
        started.settle()
        assert started.show("j")["status"] == "Canceled"
        assert list(engine.begun) == [KEY]


class TestEnvironments:
    def test_a_failed_build_fails_its_jobs_with_the_cause(self, server: Server) -> None:
        submit(server.site, name="j", environment=_conda("broken"))
        server.settle()
        job = server.show("j")
        assert (job["status"], job["error"]["code"]) == ("Failed", "BuildFailed")
        assert "broken" in job["error"]["message"]
        assert job["error"]["phase"] == "environment"

    def test_the_next_job_builds_it_anew(self, server: Server, builder: FakeBuilder) -> None:
        submit(server.site, name="i", environment=_conda("broken"))
        server.settle()
        assert submit(server.site, name="j", environment=_conda("broken"))["status"] == (
            "Preparing"
        )

    def test_what_the_builder_warned_of_is_told_by_every_job(self, server: Server) -> None:
        for name in ("i", "j"):
            submit(server.site, name=name, environment=_conda("odd"))
            server.settle()
            assert server.show(name)["warnings"].count("It is odd.") == 1

    def test_many_jobs_are_one_build(self, server: Server, builder: FakeBuilder) -> None:
        for _ in range(5):
            submit(server.site)
        server.settle()
        assert list(builder.builds.values()) == [1]

    def test_an_environment_that_vanished_is_built_again(
        self, server: Server, builder: FakeBuilder, engine: Engine, clock: Clock
    ) -> None:
        submit(server.site, name="i")
        server.settle()
        builder.made.clear()
        submit(server.site, name="j")
        server.settle()
        clock.time += 20
        server.settle()
        assert list(builder.builds.values()) == [2]
        assert engine.begun[KEY] == 1

    def test_a_pruned_environment_is_removed_and_made_again_when_wanted(
        self, started: Server, builder: FakeBuilder, engine: Engine
    ) -> None:
        body = {"max_bytes": 0}
        assert call(started.site, environments.prune, body)["removed"] == []
        engine.run(KEY)
        engine.end(KEY)
        assert len(call(started.site, environments.prune, body)["removed"]) == 1
        started.settle()
        assert builder.made == {}
        assert submit(started.site, name="again")["status"] == "Preparing"
        started.settle()
        assert engine.begun["default/again/1"] == 1

    def test_what_is_wanted_while_it_is_pruned_is_kept_or_made_again(
        self, started: Server, engine: Engine
    ) -> None:
        engine.run(KEY)
        engine.end(KEY)
        call(started.site, environments.prune, {"max_bytes": 0})
        submit(started.site, name="again")
        started.settle()
        assert engine.begun["default/again/1"] == 1


class TestServers:
    def test_two_servers_share_the_jobs_and_start_none_twice(
        self, site: TestSite, ready_database_url: str, engine: Engine, builder: FakeBuilder
    ) -> None:
        other = open_site(site.home.path, ready_database_url, engine, builder)
        other.server = "other"
        servers = [Server(site), Server(other)]
        names = [submit(site, name=f"j{i}")["name"] for i in range(30)]
        for i in range(200):
            servers[i % 2].settle()
            for key in engine.going_on():
                engine.run(key)
                engine.end(key)
            if len(engine.begun) == len(names) and not engine.going_on():
                break
        for server in servers:
            server.settle()
        assert {servers[0].show(name)["status"] for name in names} == {"Completed"}
        assert set(engine.begun.values()) == {1}
        assert len(engine.begun) == len(names)
        other.db.close()

    def test_a_server_that_comes_back_looks_at_what_ran(
        self, started: Server, engine: Engine, builder: FakeBuilder, clock: Clock
    ) -> None:
        engine.run(KEY)
        engine._watchers.clear()
        engine.end(KEY)
        again = Server(started.site)
        with started.site.db.write() as db:
            store.adopt(db, clock(), "here", "server")
        again.settle()
        assert again.show("j")["status"] == "Completed"

    def test_nothing_is_forgotten_when_nobody_hints(
        self, started: Server, engine: Engine, clock: Clock
    ) -> None:
        engine.run(KEY)
        engine._watchers.clear()
        engine.end(KEY)
        clock.time += leases.LEASE_SECONDS
        started.settle()
        assert started.show("j")["status"] == "Completed"


class TestOutputs:
    def test_a_named_output_becomes_an_asset(self, server: Server, engine: Engine) -> None:
        submit(server.site, name="j", outputs={"o": {"name": "d", "type": "uri_folder"}})
        server.settle()
        engine.run(KEY)
        engine.end(KEY)
        asset = call(server.site, assets.get, "default", "data", "d", "@latest", write=False)
        assert asset["version"] == "1"
        assert asset["path"].endswith("azureml/j/o/")

    def test_a_taken_version_is_a_warning_and_the_job_completes(
        self, server: Server, engine: Engine
    ) -> None:
        output = {"name": "d", "version": "1", "type": "uri_folder"}
        for name in ("i", "j"):
            submit(server.site, name=name, outputs={"o": output})
            server.settle()
            engine.run(f"default/{name}/1")
            engine.end(f"default/{name}/1")
        job = server.show("j")
        assert job["status"] == "Completed"
        assert any("d:1 exists already" in warning for warning in job["warnings"])


def _conda(package: str) -> dict[str, object]:
    return {
        "image": "python:3.11",
        "conda_file": {"dependencies": ["python=3.11", {"pip": [package]}]},
    }
