"""Whatever fails, and wherever a server is killed, a job and its run agree: on how they began, and
on what was done to the run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lazur.errors import LazurError
from lazur.services.base.site import Context
from lazur.services.jobs import run_hooks as hooks
from lazur.store.db import Database
from lazur.store.mlflow import sql
from tests.faults import FAULTS, Fault, Killed
from tests.loops.test_crashes import (
    JOB,
    World,
    check_nothing_is_left,
    finish_what_goes_on,
    on_file,
)
from tests.site import call, submit

AT_COMMIT: tuple[Fault, ...] = ("told wrong", "killed before", "killed after")


def writes(folder: Path, ready: Path, story: Callable[[World], None]) -> int:
    """How many there are in a story that nothing disturbs."""
    world = on_file(folder, ready)
    world.db.writes = 0
    story(world)
    world.db.close()
    return world.db.writes


def begins(world: World) -> None:
    submit(world.server.site, name="j", experiment_name="fresh")


def runs(world: World) -> None:
    begins(world)
    world.server.settle()
    if JOB in world.engine.attempts:
        world.engine.run(JOB)
        world.server.settle()


def is_killed_by_its_run(world: World) -> None:
    runs(world)
    call(world.server.site, kill_run)
    world.server.settle()


def is_deleted_by_its_run(world: World) -> None:
    runs(world)
    if JOB in world.engine.attempts:
        world.engine.end(JOB)
        world.server.settle()
    call(world.server.site, delete_run)


def kill_run(context: Context) -> None:
    """As the lane does: the run, and what follows for the job, in one transaction."""
    sql.execute(context.db, "UPDATE runs SET status = 'KILLED' WHERE run_uuid = 'j'", {})
    hooks.updated(context, "j", "KILLED")


def kill_run_without_a_word(world: World) -> None:
    """As upstream's server does, which was killed with ours before the hook."""
    with Database.write(world.db) as db:
        sql.execute(db, "UPDATE runs SET status = 'KILLED' WHERE run_uuid = 'j'", {})


def delete_run(context: Context) -> None:
    hooks.deleted(context, "j")
    sql.execute(
        context.db,
        "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 1 WHERE run_uuid = 'j'",
        {},
    )


def says_failed(world: World) -> None:
    """The script, whose client tries until the server answers."""
    with Database.write(world.db) as db:
        sql.execute(db, "UPDATE runs SET status = 'FAILED' WHERE run_uuid = 'j'", {})


def fails_by_its_run(world: World) -> None:
    runs(world)
    if JOB in world.engine.attempts:
        says_failed(world)
        world.engine.end(JOB)
        world.server.settle()


def again(world: World, do: Callable[[Context], object]) -> None:
    """What a client does that got no answer."""
    with contextlib.suppress(LazurError):
        call(world.server.site, do)


class TestBegin:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_there_is_a_job_with_its_run_or_neither(
        self, tmp_path: Path, ready_file: Path, fault: Fault
    ) -> None:
        for n in range(1, writes(tmp_path / "dry", ready_file, begins) + 1):
            world = on_file(tmp_path / f"{n}", ready_file)
            world.db.writes, world.db.fail_at, world.db.fault = 0, n, fault
            with contextlib.suppress(Killed, LazurError):
                begins(world)
            with world.db.read() as db:
                accepted = sql.rows(db, "SELECT run_id FROM lazur_jobs")
                tracked = sql.rows(db, "SELECT run_uuid FROM runs")
                experiments = sql.rows(db, "SELECT 1 FROM experiments WHERE name = 'fresh'")
            assert tracked == accepted
            assert len(experiments) == len(accepted)
            world.db.close()


@pytest.mark.slow
class TestEveryWriteFails:
    @pytest.mark.parametrize("fault", AT_COMMIT)
    def test_a_killed_run_is_a_canceled_job(
        self, tmp_path: Path, ready_file: Path, fault: Fault
    ) -> None:
        for world in self._told(tmp_path, ready_file, is_killed_by_its_run, fault):
            again(world, kill_run)
            world.later()
            assert world.server.show("j")["status"] == "Canceled"
            check_nothing_is_left(world)

    @pytest.mark.parametrize("fault", AT_COMMIT)
    def test_a_deleted_run_is_an_archived_job(
        self, tmp_path: Path, ready_file: Path, fault: Fault
    ) -> None:
        for world in self._told(tmp_path, ready_file, is_deleted_by_its_run, fault):
            finish_what_goes_on(world)
            again(world, delete_run)
            assert world.server.show("j")["status"] == "Completed"
            assert world.server.show("j")["archived"] is True
            check_nothing_is_left(world)

    @pytest.mark.parametrize("fault", AT_COMMIT)
    def test_a_run_that_failed_is_a_failed_job(
        self, tmp_path: Path, ready_file: Path, fault: Fault
    ) -> None:
        for world in self._told(tmp_path, ready_file, fails_by_its_run, fault):
            says_failed(world)
            finish_what_goes_on(world)
            assert world.server.show("j")["error"]["code"] == "RunFailed"
            check_nothing_is_left(world)

    def _told(
        self, folder: Path, ready: Path, story: Callable[[World], None], fault: Fault
    ) -> Iterator[World]:
        """The world after each write of the story failed once."""
        for n in range(1, writes(folder / "dry", ready, story) + 1):
            world = on_file(folder / f"{n}", ready)
            world.db.writes, world.db.fail_at, world.db.fault = 0, n, fault
            with contextlib.suppress(LazurError):
                world.live(story)
            with contextlib.suppress(LazurError):
                begins(world)
            world.later()
            yield world
            world.db.close()


class TestNobodyTold:
    def test_a_job_learns_later_that_its_run_was_killed(
        self, tmp_path: Path, ready_file: Path
    ) -> None:
        world = on_file(tmp_path / "world", ready_file)
        runs(world)
        kill_run_without_a_word(world)
        world.later()
        assert world.server.show("j")["status"] == "Running"
        call(world.server.site, hooks.settle)
        world.later()
        assert world.server.show("j")["status"] == "Canceled"
        check_nothing_is_left(world)
        world.db.close()
