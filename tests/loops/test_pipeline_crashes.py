"""Whatever fails, and wherever a server is killed, each step of a pipeline runs once, and the
pipeline ends as it should."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lazur.engine.plan import Demand
from lazur.services.jobs import jobs
from tests.faults import FAULTS, Fault
from tests.loops.test_crashes import World
from tests.site import ENVIRONMENT, call


def command(said: str, **more: Any) -> dict[str, Any]:
    return {"command": said, "environment": ENVIRONMENT, "is_deterministic": False, **more}


PIPELINE: dict[str, Any] = {
    "type": "pipeline",
    "name": "p",
    "jobs": {
        "a": command("a", outputs={"o": None}),
        "b": command("b", depends_on=["a"]),
        "n": {"type": "pipeline", "jobs": {"c": command("c")}, "depends_on": ["a"]},
    },
}
KEYS = {"default/p_a/1", "default/p_b/1", "default/p_n_c/1"}


def made(folder: Path, url: str) -> World:
    world = World(folder / "home", url, folder)
    world.engine.capacity = Demand(cpus=8, memory=8 << 30)
    world.db.writes = 0
    return world


def begins(world: World) -> None:
    with contextlib.suppress(Exception):
        call(world.server.site, jobs.submit, "default", PIPELINE)
    world.server.settle()


def completes(world: World) -> None:
    begins(world)
    ends(world)


def ends(world: World) -> None:
    world.server.settle()
    for _ in range(6):
        for key in world.engine.going_on():
            world.engine.run(key)
            world.engine.end(key)
        world.server.settle()


def is_canceled(world: World) -> None:
    begins(world)
    with contextlib.suppress(Exception):
        call(world.server.site, jobs.cancel, "default", "p")
    world.server.settle()


def is_there(world: World) -> bool:
    with world.db.read() as db:
        return db.execute(text("SELECT count(*) FROM lazur_jobs WHERE name = 'p'")).scalar() == 1


def check_completed(world: World) -> None:
    """Of what was accepted; what was refused left nothing."""
    if not is_there(world):
        assert not world.engine.begun
        return
    for _ in range(4):
        ends(world)
        world.later()
    assert world.server.show("p")["status"] == "Completed"
    assert world.engine.begun == dict.fromkeys(KEYS, 1)
    check_nothing_is_left(world, "Completed")


def check_nothing_is_left(world: World, state: str) -> None:
    with world.db.read() as db:
        rows = db.execute(
            text("SELECT name, state, placed, due_at, lease_token, ended_at FROM lazur_jobs")
        ).all()
        runs = db.execute(text("SELECT run_uuid, status FROM runs")).all()
        uses = db.execute(text("SELECT count(*) FROM lazur_uses")).scalar()
    assert {row.name for row in rows if row.state != state} == set()
    assert [row.name for row in rows if row.placed or row.due_at or row.lease_token] == []
    ended = {"Completed": "FINISHED", "Canceled": "KILLED"}[state]
    assert [run for run in runs if run.status != ended] == []
    assert len(runs) == len(rows)
    if state == "Completed":
        assert uses == len(world.engine.begun), "what steps held is accounted once"
    assert world.engine.going_on() == []


class TestEveryWriteFails:
    @pytest.mark.parametrize("fault", FAULTS)
    def test_each_step_runs_once(self, tmp_path: Path, ready_file: Path, fault: Fault) -> None:
        writes = self._writes(tmp_path / "dry", ready_file)
        assert writes > 20
        for n in range(1, writes + 1):
            world = self._world(tmp_path / f"{n}", ready_file)
            world.db.fail_at, world.db.fault = n, fault
            world.live(completes)
            check_completed(world)
            world.db.close()

    @pytest.mark.parametrize("fault", ["rolled back", "killed before", "killed after"])
    def test_a_cancel_ends_all_of_it(self, tmp_path: Path, ready_file: Path, fault: Fault) -> None:
        world = self._world(tmp_path / "dry", ready_file)
        is_canceled(world)
        writes = world.db.writes
        world.db.close()
        for n in range(1, writes + 1):
            world = self._world(tmp_path / f"{n}", ready_file)
            world.db.fail_at, world.db.fault = n, fault
            world.live(is_canceled)
            if is_there(world):
                call(world.server.site, jobs.cancel, "default", "p")
                world.later()
                assert world.server.show("p")["status"] == "Canceled"
                assert set(world.engine.begun.values()) <= {1}
                check_nothing_is_left(world, "Canceled")
            world.db.close()

    def _writes(self, folder: Path, ready: Path) -> int:
        world = self._world(folder, ready)
        completes(world)
        assert world.server.show("p")["status"] == "Completed"
        world.db.close()
        return world.db.writes

    def _world(self, folder: Path, ready: Path) -> World:
        folder.mkdir()
        shutil.copy(ready, folder / "l.db")
        return made(folder, f"sqlite:///{folder}/l.db")


@pytest.fixture
def world(tmp_path: Path, ready_database_url: str) -> Iterator[World]:
    found = made(tmp_path, ready_database_url)
    yield found
    found.db.close()


class TestSomeWritesFailOnTheServer:
    """The same on a database that is a server, at some writes of each kind."""

    @pytest.mark.parametrize("fault", ["rolled back", "told wrong", "killed after"])
    @pytest.mark.parametrize("n", [1, 4, 8, 12, 17])
    def test_each_step_runs_once(self, world: World, fault: Fault, n: int) -> None:
        world.db.fail_at, world.db.fault = n, fault
        world.live(completes)
        check_completed(world)
