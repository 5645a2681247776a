"""Whatever fails, and wherever a server is killed, a job runs once and ends as it should."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from lazur.engine.plan import Exit
from lazur.services.base.site import Context
from lazur.services.jobs import jobs
from lazur.store import leases
from lazur.testing.fakes import Engine, FakeBuilder
from tests.faults import FAULTS, Countdown, Fault, FaultyDatabase, Killed
from tests.site import Clock, Server, call, open_site, submit

JOB = "default/j/1"


class World:
    """A database and an engine that outlive the servers."""

    def __init__(self, home: Path, url: str, tmp_path: Path) -> None:
        self.clock = Clock()
        self.engine = Engine(self.clock)
        self.builder = FakeBuilder(str(tmp_path / "envs"))
        self.db = FaultyDatabase(url)
        self._home, self._url = home, url
        self.server = self.restart()

    def restart(self) -> Server:
        site = open_site(self._home, self._url, self.engine, self.builder, self.db)
        self.server = Server(site)
        return self.server

    def live(self, story: Callable[[World], None]) -> None:
        """Tell the story; where a server dies, another one takes over once the leases are over."""
        with contextlib.suppress(Killed):
            story(self)
        self.db.fail_at = 0
        self.engine.fault = lambda _place: None
        self.later()

    def later(self) -> None:
        for _ in range(3):
            self.clock.time += leases.LEASE_SECONDS + 1
            self.restart().settle()

    def events(self) -> list[str]:
        found = call(self.server.site, _history, write=False)
        return [e["state"] for e in found if "state" in e]


def on_file(folder: Path, ready: Path) -> World:
    """A new world, in a copy of a database that has its tables."""
    folder.mkdir()
    shutil.copy(ready, folder / "l.db")
    return World(folder / "home", f"sqlite:///{folder}/l.db", folder)


def with_a_job(folder: Path, ready: Path) -> World:
    world = on_file(folder, ready)
    submit(world.server.site, name="j", outputs={"model": {"name": "m", "type": "custom_model"}})
    world.db.writes = 0
    return world


@pytest.fixture
def world(home: Path, ready_database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(home, ready_database_url, tmp_path)
    submit(made.server.site, name="j", outputs={"model": {"name": "m", "type": "custom_model"}})
    made.db.writes = 0
    yield made
    made.db.close()


def completes(world: World) -> None:
    server, engine = world.server, world.engine
    server.settle()
    if JOB in engine.attempts:
        for move in (engine.run, engine.finalize, engine.end):
            move(JOB)
            server.settle()


def is_canceled(world: World) -> None:
    server, engine = world.server, world.engine
    server.settle()
    if JOB in engine.attempts:
        engine.run(JOB)
        server.settle()
    call(server.site, jobs.cancel, "default", "j")
    server.settle()


def finish_what_goes_on(world: World) -> None:
    """The world outside goes on whatever becomes of the server."""
    for key in world.engine.going_on():
        world.engine.run(key)
        world.engine.end(key)
    world.later()


def check_completed(world: World) -> None:
    finish_what_goes_on(world)
    job = world.server.show("j")
    assert job["status"] == "Completed"
    assert world.engine.begun == {JOB: 1}
    assert world.engine.attempts[JOB].cleaned <= 2
    assert world.events().count("Completed") == 1
    check_nothing_is_left(world)
    with world.db.read() as db:
        models = db.execute(text("SELECT version FROM lazur_assets")).scalars().all()
        used = db.execute(text("SELECT count(*) FROM lazur_uses")).scalar()
    assert models == ["1"]
    assert used == 1, "what it held is accounted once"


def check_what_it_held(world: World) -> None:
    """Once, from when it began at the latest; nothing, where it never began."""
    with world.db.read() as db:
        rows = db.execute(text("SELECT started_at, ended_at FROM lazur_uses")).all()
    assert len(rows) == len(world.engine.begun)
    for row in rows:
        assert row.started_at <= world.engine.attempts[JOB].phases[0].start
        assert row.ended_at >= row.started_at


def check_nothing_is_left(world: World) -> None:
    with world.db.read() as db:
        rows = db.execute(text("SELECT placed, due_at, lease_token FROM lazur_jobs")).all()
        tokens = db.execute(text("SELECT count(*) FROM lazur_tokens WHERE kind = 'job'")).scalar()
    assert [(bool(placed), due, lease) for placed, due, lease in rows] == [(False, None, None)]
    assert tokens == 0
    assert world.engine.going_on() == []
    check_the_run_agrees(world)


def check_the_run_agrees(world: World) -> None:
    with world.db.read() as db:
        (job,) = db.execute(text("SELECT state, started_at, ended_at FROM lazur_jobs")).all()
        (run,) = db.execute(text("SELECT status, start_time, end_time FROM runs")).all()
    statuses = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
    assert run.status == statuses[job.state]
    assert run.end_time == int(job.ended_at * 1000)
    if job.started_at is not None:
        assert run.start_time == int(job.started_at * 1000)


class TestEveryWriteFails:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_the_job_completes_once(self, tmp_path: Path, ready_file: Path, fault: Fault) -> None:
        writes = self._writes(tmp_path / "dry", ready_file, completes)
        assert writes > 8
        for n in range(1, writes + 1):
            world = with_a_job(tmp_path / f"{n}", ready_file)
            world.db.fail_at, world.db.fault = n, fault
            world.live(completes)
            check_completed(world)
            world.db.close()

    @pytest.mark.parametrize("fault", FAULTS)
    def test_the_job_is_canceled_once(
        self, tmp_path: Path, ready_file: Path, fault: Fault
    ) -> None:
        writes = self._writes(tmp_path / "dry", ready_file, is_canceled)
        for n in range(1, writes + 1):
            world = with_a_job(tmp_path / f"{n}", ready_file)
            world.db.fail_at, world.db.fault = n, fault
            with contextlib.suppress(Exception):
                world.live(is_canceled)
            call(world.server.site, jobs.cancel, "default", "j")
            world.later()
            assert world.server.show("j")["status"] == "Canceled"
            assert world.engine.begun.total() <= 1
            check_nothing_is_left(world)
            check_what_it_held(world)
            world.db.close()

    def _writes(self, folder: Path, ready: Path, story: Callable[[World], None]) -> int:
        world = with_a_job(folder, ready)
        story(world)
        world.db.close()
        return world.db.writes


class TestEveryWriteFailsOnTheServer:
    """The same faults on a database that is a server, at the writes that matter most."""

    @pytest.mark.parametrize("fault", ["rolled back", "told wrong", "killed after"])
    @pytest.mark.parametrize("n", [1, 3, 5, 7, 9])
    def test_the_job_completes_once(self, world: World, fault: Fault, n: int) -> None:
        world.db.fail_at, world.db.fault = n, fault
        world.live(completes)
        check_completed(world)


class TestKilledWhileActing:
    def test_in_every_call_of_the_backend_the_job_completes_once(
        self, tmp_path: Path, ready_file: Path
    ) -> None:
        places = self._places(tmp_path / "dry", ready_file, completes)
        assert {"submit", "submitted", "poll", "clean"} <= set(places)
        for n in range(1, len(places) + 1):
            world = with_a_job(tmp_path / f"{n}", ready_file)
            world.engine.fault = Countdown(n)
            world.live(completes)
            check_completed(world)
            world.db.close()

    def test_in_every_call_of_the_backend_the_job_is_canceled_once(
        self, tmp_path: Path, ready_file: Path
    ) -> None:
        places = self._places(tmp_path / "dry", ready_file, is_canceled)
        assert {"cancel", "canceled"} <= set(places)
        for n in range(1, len(places) + 1):
            world = with_a_job(tmp_path / f"{n}", ready_file)
            world.engine.fault = Countdown(n)
            world.live(is_canceled)
            call(world.server.site, jobs.cancel, "default", "j")
            world.later()
            assert world.server.show("j")["status"] == "Canceled"
            assert world.engine.begun.total() <= 1
            check_nothing_is_left(world)
            check_what_it_held(world)
            world.db.close()

    def _places(self, folder: Path, ready: Path, story: Callable[[World], None]) -> list[str]:
        world = with_a_job(folder, ready)
        world.engine.fault = dry = Countdown()
        story(world)
        world.db.close()
        return dry.calls


class TestCanceledBetweenStartAndRecord:
    def test_what_had_begun_is_ended(self, world: World) -> None:
        """Killed after the submit and before the handle was written; then the person cancels."""

        def die(place: str) -> None:
            if place == "submitted":
                raise Killed

        world.engine.fault = die
        with pytest.raises(Killed):
            world.server.settle()
        world.engine.fault = lambda _place: None
        assert world.engine.going_on() == [JOB]
        call(world.server.site, jobs.cancel, "default", "j")
        world.later()
        assert world.server.show("j")["status"] == "Canceled"
        assert world.engine.attempts[JOB].exit == Exit("canceled")
        check_nothing_is_left(world)
        check_what_it_held(world)

    def test_what_had_not_begun_never_does(self, world: World) -> None:
        def die(place: str) -> None:
            if place == "submit":
                raise Killed

        world.engine.fault = die
        with pytest.raises(Killed):
            world.server.settle()
        world.engine.fault = lambda _place: None
        call(world.server.site, jobs.cancel, "default", "j")
        world.later()
        assert world.server.show("j")["status"] == "Canceled"
        assert world.engine.begun == {}
        check_nothing_is_left(world)


def _history(context: Context) -> list[dict[str, str]]:
    return jobs.history(context, "default", "j")
