"""Plain MLflow on a laptop, then looking, keeping and removing: a shell, real servers, kills."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.tracked import Tracker
from tests.journeys.conftest import Person
from tests.journeys.test_life import until
from tests.journeys.tracking import QUIET

pytestmark = pytest.mark.slow

TRAIN = """\
import mlflow

mlflow.set_experiment("laptop")
for lr in (0.1, 0.01):
    with mlflow.start_run(run_name=f"lr {lr}"):
        mlflow.log_param("lr", lr)
        for step in range(50):
            mlflow.log_metric("val/loss", lr / (step + 1), step=step)
        mlflow.log_dict({"lr": lr}, "config/model.json")
"""


class TestLaptop:
    def test_from_two_lines_in_a_shell_to_one_file(self, person: Person) -> None:
        person.write("train.py", TRAIN)
        in_shell(person, 'eval "$(lazur mlflow-uri --export)" && python train.py')
        best = person.text(
            "run", "list", "--filter", "metrics.val/loss < 1 and params.lr = '0.01'",
            "--order-by", "metrics.val/loss", "--experiment-name", "laptop", "--query", "[0].id",
        )  # fmt: skip
        other = person.text(
            "run", "list", "--filter", "params.lr = '0.1'", "--experiment-name", "laptop",
            "--query", "[0].id",
        )  # fmt: skip
        told = person("run", "compare", other, best).out
        assert ["lr", "0.1", "0.01"] in [line.split() for line in told.splitlines()]
        assert ["val/loss", "0.002", "0.0002"] in [line.split() for line in told.splitlines()]
        assert person("run", "export", best, other, "-f", "runs.zip").code == 0
        for name in (best, other):
            assert person("run", "delete", name).code == 0
        freed = person.ok("run", "purge", best, other, "--yes", "-o", "json")
        assert freed["files"] == 2
        assert person("run", "show", best).code == 3
        back = person.ok("run", "import", "runs.zip", "-o", "json")
        shown = person.ok("run", "show", back[0]["id"], "-o", "json")
        assert shown["metrics"] == {"val/loss": 0.0002}


class TestPurge:
    def test_one_that_was_killed_goes_on_by_itself(self, newcomer: Person) -> None:
        newcomer.ok("workspace", "list")
        tracker = Tracker.of(Cli(newcomer.home, newcomer.folder))
        run, kept = tracker.run("large", {"loss": [1.0]}), tracker.run("kept", {"loss": [1.0]})
        fill(newcomer.home, run)
        for number in range(20):
            tracker.upload(run, f"files/{number}", b"x")
        newcomer("run", "delete", run)
        purging = newcomer.start("run", "purge", run, "--yes")
        try:
            until(lambda: is_hidden(newcomer.home, run))
            os.kill(newcomer.server, signal.SIGKILL)
        finally:
            purging.kill()
            purging.communicate()
        assert newcomer("run", "show", run).code == 3
        until(lambda: count(newcomer.home, run) == 0)
        assert not list((newcomer.home / "workspaces").rglob(f"*{run}*"))
        assert newcomer("run", "show", kept).code == 0


def in_shell(person: Person, line: str) -> None:
    """With the program where a person has it, and nothing of Lazur's in the environment but the
    home."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {**os.environ, **QUIET, "PATH": path, "LAZUR_HOME": str(person.home)}
    done = subprocess.run(
        ["bash", "-c", line], env=environ, cwd=person.folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def fill(home: Path, run: str) -> None:
    """More points than one piece of a purge takes along."""
    with closing(sqlite3.connect(home / "lazur.db", timeout=30)) as db, db:
        db.executemany(
            "INSERT INTO metrics (run_uuid, key, step, timestamp, value, is_nan)"
            " VALUES (?, 'long', ?, 0, 1.0, 0)",
            ((run, step) for step in range(200_000)),
        )


def is_hidden(home: Path, run: str) -> bool:
    return not rows(home, "runs WHERE experiment_id IS NOT NULL AND run_uuid = ?", run)


def count(home: Path, run: str) -> int:
    return sum(rows(home, f"{table} WHERE run_uuid = ?", run) for table in ("runs", "metrics"))


def rows(home: Path, what: str, run: str) -> int:
    with closing(sqlite3.connect(home / "lazur.db", timeout=30)) as db:
        return int(db.execute(f"SELECT COUNT(*) FROM {what}", (run,)).fetchone()[0])
