"""Data cut into mini-batches, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.conftest import Person

SCORE = """\
    import os, time

    def init():
        print("ready")

    begun = 0

    def run(mini_batch, mini_batch_context):
        global begun
        begun += 1
        time.sleep(0.05)
        while begun > 5 and os.path.exists({hold!r}):
            time.sleep(0.05)
        names = [os.path.basename(path) for path in mini_batch]
        if "f13.txt" in names:
            raise ValueError("thirteen is bad")
        mini_batch_context.log_metric("size", len(names))
        return names
"""
JOB = """\
    type: parallel
    inputs:
      files:
        type: uri_folder
        path: ./data
    outputs:
      names:
        type: uri_file
    input_data: ${{inputs.files}}
    mini_batch_size: "2"
    max_concurrency_per_instance: 2
    retry_settings:
      max_retries: 1
    task:
      type: run_function
      code: ./src
      entry_script: score.py
      environment:
        image: python:3.11
      append_row_to: ${{outputs.names}}
"""
FILES = 80


@pytest.fixture
def project(person: Person) -> Person:
    for number in range(FILES):
        person.write(f"data/f{number}.txt", str(number))
    person.write("src/score.py", SCORE.format(hold=str(person.folder / "hold")))
    person.write("job.yml", JOB)
    return person


class TestMiniBatches:
    def test_what_failed_and_what_was_measured_is_listed(self, project: Person) -> None:
        name = project.run("job.yml")
        assert f"39 of 40 mini-batches done, 1 failed; 78 of {FILES} items" in project.log(name)
        (failed,) = project.ok("job", "mini-batches", "-n", name, "--status", "failed")
        assert failed["error"] == "ValueError: thirteen is bad"
        files = project.download(name)
        assert "thirteen is bad" in files[f"artifacts/{failed['log']}"]
        done = project.ok("job", "mini-batches", "-n", name, "--status", "done", "-r", "100")
        assert [batch["metrics"] for batch in done] == [{"size": 2.0}] * 39
        job = project.ok("job", "show", "-n", name)
        assert job["progress"]["mini_batches"]["done"] == 39

    def test_a_job_that_gives_up_says_why(self, project: Person) -> None:
        name = project.text(
            "job",
            "create",
            "-f",
            "job.yml",
            "--set",
            "mini_batch_error_threshold=0",
            "--query",
            "name",
        )
        ran = project("job", "stream", "-n", name)
        assert ran.code == 1
        assert "1 mini-batch has failed, and mini_batch_error_threshold is 0" in ran.err
        assert project.ok("job", "show", "-n", name)["error"]["code"] == "MiniBatchesFailed"

    def test_a_command_job_has_none(self, project: Person) -> None:
        project.write("hello.yml", "command: 'true'\nenvironment: {image: python:3.11}\n")
        ran = project("job", "mini-batches", "-n", project.run("hello.yml"))
        assert "only parallel jobs have mini-batches" in ran.err


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
class TestKills:
    @pytest.mark.parametrize("victim", ["worker", "coordinator", "supervisor", "server"])
    def test_whoever_is_killed_each_item_counts_once(self, project: Person, victim: str) -> None:
        hold = Path(project.folder, "hold")
        hold.touch()
        name = project.text("job", "create", "-f", "job.yml", "--query", "name")
        ledger = _ledger(project, name)
        until = time.monotonic() + 120
        while not ledger.exists() or ledger.read_text().count("\n") < 5:
            assert time.monotonic() < until
            time.sleep(0.05)
        os.kill(_pid(project, name, victim), signal.SIGKILL)
        hold.unlink()
        assert project("job", "stream", "-n", name).code == 0
        rows = next(
            text for path, text in project.download(name).items() if path.startswith("named-")
        )
        bad = {"f12.txt", "f13.txt", "f14.txt"}
        found = rows.split()
        assert len(found) == len(set(found)) == FILES - 2
        assert {f"f{n}.txt" for n in range(FILES)} - set(found) < bad
        told = [json.loads(line) for line in ledger.read_text().splitlines()]
        done = [entry["d"] for entry in told if "d" in entry]
        assert len(done) == len(set(done)) == 39


def _ledger(person: Person, name: str) -> Path:
    store = person.home / "workspaces" / "default" / "workspaceartifactstore"
    return store / "ExperimentRun" / f"dcid.{name}" / "system_logs" / "parallel" / "ledger.jsonl"


def _pid(person: Person, name: str, victim: str) -> int:
    if victim == "server":
        return person.server
    if victim == "supervisor":
        claim = person.home / "jobs" / "default" / name / "1" / "claim"
        return json.loads(claim.read_text())["pid"]
    role = "LAZUR_ROLE=worker"
    for pid, variables in _processes(name):
        if (role in variables) == (victim == "worker"):
            return pid
    raise AssertionError(f"there is no {victim}")


def _processes(name: str) -> Iterator[tuple[int, list[str]]]:
    """Those of the job's program, with their variables."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            variables = Path(entry, "environ").read_text().split("\0")
            words = Path(entry, "cmdline").read_text().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if f"LAZUR_JOB={name}" in variables and any(w.endswith("/parallel") for w in words):
            yield int(entry.name), variables
