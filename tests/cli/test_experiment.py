"""`lazur experiment …`, and experiments on their way to another server and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, stop
from tests.cli.tracked import Tracker

_TOLD = ("name", "params", "metrics", "status", "started_at", "ended_at", "experiment_name")


@pytest.fixture
def tracker(lazur: Cli) -> Tracker:
    return Tracker.of(lazur)


@pytest.fixture
def other(home: Path, tmp_path: Path) -> Iterator[Cli]:
    """Another server."""
    yield Cli(home, tmp_path)
    stop(home)


class TestNoun:
    def test_it_is_listed_noted_archived_and_restored(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("one", experiment="group/tries")
        table = lazur("experiment", "list", "-o", "table").out.splitlines()
        assert table[0].split() == ["Name", "Runs", "Running", "Last", "Made", "State"]
        assert table[2].split()[:3] == ["group/tries", "1", "0"]
        name = ("-n", "group/tries")
        words = ("experiment", "update", *name, "--description", "Tries", "--tags", "a=1", "b=2")
        lazur.ok(*words)
        noted = lazur.ok("experiment", "update", *name, "--tags", "a=")
        assert (noted["description"], noted["tags"]) == ("Tries", {"b": "2"})
        assert lazur.ok("experiment", "archive", *name, "--yes")["archived"]
        assert "group/tries" not in lazur("experiment", "list", "-o", "json").out
        (hidden,) = lazur.ok("experiment", "list", "--archived-only")
        assert hidden["name"] == "group/tries"
        assert lazur.ok("experiment", "restore", *name)["runs"] == 1
        assert not lazur.ok("run", "show", run, "-o", "json")["deleted"]

    def test_what_is_missing_is_told(self, lazur: Cli) -> None:
        ran = lazur("experiment", "show", "-n", "nothing")
        assert (ran.code, ran.out) == (3, "")
        assert "There is no experiment 'nothing'" in ran.err
        assert "There is no experiment 'a/b'" in lazur("experiment", "show", "-n", "a/b").err
        assert "--description or --tags" in lazur("experiment", "update", "-n", "Default").err
        assert "stays" in lazur("experiment", "archive", "-n", "Default", "--yes").err


class TestMoving:
    def test_there_and_back_nothing_is_lost(
        self, lazur: Cli, other: Cli, tracker: Tracker
    ) -> None:
        parent = tracker.run("parent", {"loss": [2.0, 1.0]}, {"lr": "0.1"}, "moved")
        child = tracker.run("child", {"loss": [3.0]}, experiment="moved too")
        tag = {"run_id": child, "key": "mlflow.parentRunId", "value": parent}
        tracker.post("runs/set-tag", tag)
        tracker.upload(parent, "a/b.txt", b"here")
        lazur.ok("experiment", "update", "-n", "moved", "--description", "Away", "--tags", "k=v")
        was = [_seen(lazur, run) for run in (parent, child)]
        folder = str(other.folder / "out")
        lazur.ok("workspace", "export", "-n", "default", "--to", folder)
        done = other.ok("workspace", "import", folder, "-n", "there")
        assert done["runs"] >= 2
        now = [_seen(other, run, "-w", "there") for run in (parent, child)]
        assert [{**one, "id": "", "parent": ""} for one in was] == [
            {**one, "id": "", "parent": ""} for one in now
        ]
        assert now[1]["parent"] == now[0]["id"]
        noted = other.ok("experiment", "show", "-n", "moved", "-w", "there")
        assert (noted["description"], noted["tags"]) == ("Away", {"k": "v"})
        (file,) = other.home.rglob(f"{now[0]['id']}/artifacts/a/b.txt")
        assert file.read_bytes() == b"here"
        again = other.ok("workspace", "import", folder, "-n", "there")
        assert again["runs"] == 0
        elsewhere = other.ok("workspace", "import", folder, "-n", "elsewhere")
        assert elsewhere["runs"] == done["runs"]
        other.ok("run", "delete", child, "-w", "elsewhere", "-o", "json")
        assert other.ok("workspace", "import", folder, "-n", "elsewhere")["runs"] == 0
        back = str(other.folder / "back")
        other.ok("workspace", "export", "-n", "there", "--to", back)
        lazur.ok("workspace", "import", back, "-n", "home-again")
        last = [_seen(lazur, one["id"], "-w", "home-again") for one in now]
        assert [one["history"] for one in last] == [one["history"] for one in was]
        assert last[1]["parent"] == last[0]["id"]


def _seen(cli: Cli, run: str, *words: str) -> dict[str, Any]:
    found = cli.ok("run", "show", run, "-o", "json", *words)
    history = {
        metric: cli.ok("run", "metrics", run, "--metric", metric, "-o", "json", *words)
        for metric in found["metrics"]
    }
    told = {key: found[key] for key in _TOLD}
    return {**told, "id": found["id"], "parent": found["parent"], "history": history}
