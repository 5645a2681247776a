"""What ends jobs, and what does not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import Person

ENVIRONMENT = "environment: {image: 'python:3.11'}\n"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Zombies are not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestCancel:
    def test_ends_children_that_hide(self, person: Person) -> None:
        pids = person.folder / "pids"
        person.write(
            "job.yml",
            f"""\
            command: |
              setsid sleep 600 & echo $! >> {pids}
              (sleep 600 & echo $! >> {pids}) &
              nohup sh -c 'echo $$ >> {pids}; while :; do sleep 1; done' &
              wait
            {ENVIRONMENT}""",
        )
        name = person.text("job", "create", "-f", "job.yml", "--query", "name")
        until(lambda: pids.exists() and len(pids.read_text().split()) == 3)
        children = [int(pid) for pid in pids.read_text().split()]
        assert all(map(alive, children))
        assert person("job", "cancel", "-n", name).code == 0
        person("job", "stream", "-n", name)
        assert person.text("job", "show", "-n", name, "--query", "status") == "Canceled"
        assert not any(map(alive, children))


class TestTimeout:
    def test_ends_the_job_and_says_so(self, person: Person) -> None:
        person.write(
            "job.yml", f"command: echo begun; sleep 60\nlimits: {{timeout: 3}}\n{ENVIRONMENT}"
        )
        ran = person("job", "create", "-f", "job.yml", "--stream")
        assert (ran.code, ran.out) == (1, "begun\n")
        assert "longer than its limit" in ran.err


class TestFailure:
    def test_names_cause_phase_and_next_step(self, person: Person) -> None:
        person.write("job.yml", f"command: python -c 'import pandas'\n{ENVIRONMENT}")
        name = person.text("job", "create", "-f", "job.yml", "--query", "name")
        person("job", "stream", "-n", name)
        error = person.ok("job", "show", "-n", name, "--query", "error")
        assert (error["code"], error["phase"]) == ("ModuleMissing", "running")
        assert "Add pandas" in error["hint"]
        told = person("job", "explain", "-n", name)
        assert "ModuleNotFoundError" in told.out


class TestServerKilled:
    def test_job_and_stream_go_on(self, newcomer: Person) -> None:
        newcomer.write(
            "job.yml",
            f"""\
            command: for i in $(seq 60); do echo line $i; sleep 0.05; done
            {ENVIRONMENT}""",
        )
        name = newcomer.text("job", "create", "-f", "job.yml", "--query", "name")
        with newcomer.start("job", "stream", "-n", name) as stream:
            assert stream.stdout is not None
            assert stream.stderr is not None
            seen = [stream.stdout.readline() for _ in range(10)]
            os.kill(newcomer.server, signal.SIGKILL)
            out = stream.stdout.read()  # communicate() would leave out what readline() took
            err = stream.stderr.read()
        assert stream.returncode == 0, err
        assert "".join(seen) + out == "".join(f"line {i}\n" for i in range(1, 61))
        job = newcomer.ok("job", "show", "-n", name)
        assert (job["status"], job["attempt"]) == ("Completed", 1)

    def test_stopping_it_leaves_jobs_running(self, newcomer: Person) -> None:
        gate = newcomer.folder / "gate"
        wait = f"while [ ! -e {gate} ]; do sleep 0.1; done"
        newcomer.write("job.yml", f"command: {wait}; echo done\n{ENVIRONMENT}")
        name = newcomer.text("job", "create", "-f", "job.yml", "--query", "name")
        until(lambda: newcomer.text("job", "show", "-n", name, "--query", "status") == "Running")
        assert newcomer("server", "stop").code == 0
        gate.touch()
        assert newcomer.log(name) == "done\n"


class TestDistribution:
    @pytest.mark.parametrize(
        "nodes, each, world", [(1, 2, 2), (2, 2, 4)], ids=["one node", "two nodes"]
    )
    def test_every_process_knows_its_place(
        self, person: Person, nodes: int, each: int, world: int
    ) -> None:
        person.write(
            "job.yml",
            f"""\
            command: echo $RANK/$WORLD_SIZE as $NODE_RANK.$LOCAL_RANK at $MASTER_ADDR:$MASTER_PORT
            distribution:
              type: pytorch
              process_count_per_instance: {each}
            resources:
              instance_count: {nodes}
              properties: {{cpus: 1}}
            {ENVIRONMENT}""",
        )
        name = person.run("job.yml")
        files = person.download(name)
        said = [files[f"artifacts/user_logs/std_log_process_{rank}.txt"] for rank in range(world)]
        place = said[0].rpartition(" at ")[2]
        assert place.startswith("127.0.0.1:")
        assert said == [
            f"{rank}/{world} as {rank // each}.{rank % each} at {place}" for rank in range(world)
        ]
        assert person.log(name) == said[0]
