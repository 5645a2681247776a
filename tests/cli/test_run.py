from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.tracked import Tracker


@pytest.fixture
def tracker(lazur: Cli) -> Tracker:
    return Tracker.of(lazur)


def listed(lazur: Cli, *words: str) -> list[str]:
    """Names, in order."""
    ran = lazur("run", "list", *words, "--query", "[].name", "-o", "tsv")
    assert ran.code == 0, ran.err
    return ran.out.splitlines()


class TestList:
    def test_shows_what_was_asked_about_as_columns(self, lazur: Cli, tracker: Tracker) -> None:
        for name, auc in (("low", 0.5), ("best", 0.95), ("good", 0.92)):
            tracker.run(name, {"val/auc": [auc], "a": [1.0]}, {"lr": "0.1"}, f"list-{name}")
        query = ("--filter", "metrics.val/auc > 0.9 and params.lr = '0.1'")
        ran = lazur("run", "list", *query, "--order-by", "metrics.val/auc DESC")
        assert ran.code == 0, ran.err
        head, *rows = ran.out.splitlines()
        assert head.split()[:6] == ["Run", "Name", "Status", "val/auc", "a", "lr"]
        assert [row.split()[1:4] for row in rows] == [
            ["best", "FINISHED", "0.95"],
            ["good", "FINISHED", "0.92"],
        ]

    def test_ids_are_whole_where_nobody_looks(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("whole", experiment="whole")
        ran = lazur("run", "list", "--experiment-name", "whole")
        assert ran.out.splitlines()[1].split()[0] == run

    def test_a_list_that_was_cut_says_so(self, lazur: Cli, tracker: Tracker) -> None:
        tracker.run("cut")
        assert "--max-results shows more" in lazur("run", "list", "--max-results", "1").err
        assert lazur("run", "list", "-r", "1", "-o", "json").err == ""

    def test_none_at_most_is_no_wish(self, lazur: Cli) -> None:
        for number in ("0", "-1", "few"):
            ran = lazur("run", "list", f"--max-results={number}")
            assert (ran.code, ran.out) == (2, "")
            assert f"invalid count value: '{number}'" in ran.err

    def test_a_metric_that_none_has_is_told(self, lazur: Cli, tracker: Tracker) -> None:
        tracker.run("slip", {"auc": [0.5]}, {"lr": "1"}, experiment="slips")
        query = ("run", "list", "--experiment-name", "slips")
        ran = lazur(*query, "--order-by", "metrics.acu DESC")
        assert "None of these runs has the metric 'acu'. Did you mean 'auc'?" in ran.err
        ran = lazur(*query, "--metrics", "loss", "auc", "--params", "rate")
        assert ran.err.splitlines() == [
            "None of these runs has the metric 'loss'.",
            "None of these runs has the param 'rate'.",
        ]
        ran = lazur(*query, "--order-by", "metrics.auc", "--metrics", "auc", "--params", "lr")
        assert (ran.code, ran.err) == (0, "")

    def test_a_filter_that_is_not_understood_says_how(self, lazur: Cli) -> None:
        ran = lazur("run", "list", "--filter", "metrics.auc > high")
        assert (ran.code, ran.out) == (1, "")
        assert "not understood: metrics.auc > high" in ran.err
        assert "Write, for example: metrics.auc > 0.9" in ran.err


class TestLook:
    def test_show_tells_all(self, lazur: Cli, tracker: Tracker) -> None:
        metrics = {"loss": [2.0, 1.5], "system/job_cpu_cores": [3.5]}
        run = tracker.run("shown", metrics, {"lr": "0.1"})
        out = lazur("run", "show", run[:10]).out
        assert out.endswith("\n\nMachine\n  job_cpu_cores  3.5\n")
        assert "job_cpu_cores" not in lazur("run", "show", run, "-o", "table").out.lower()
        assert f"Run          {run}" in out
        assert "  loss  1.5" in out
        assert lazur.ok("run", "show", "-n", run, "-o", "json")["params"] == {"lr": "0.1"}

    def test_a_job_is_a_run(self, lazur: Cli) -> None:
        name = lazur("job", "create", "-f", lazur.job("true"), "--query", "name", "-o", "tsv")
        run = lazur.ok("run", "show", name.out.strip(), "-o", "json")
        assert run["job"] == name.out.strip()

    def test_metrics_in_short_and_whole(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("m", {"loss": [3.0, 1.0, 2.0]})
        rows = lazur("run", "metrics", run).out.splitlines()
        assert rows[1].split() == ["loss", "2", "2", "1", "3", "3"]
        values = lazur.ok("run", "metrics", run, "--metric", "loss", "-o", "json")
        assert [point["value"] for point in values] == [3.0, 1.0, 2.0]
        ran = lazur("run", "metrics", run, "--metric", "los")
        assert (ran.code, "It has: loss." in ran.err) == (3, True)

    def test_compare_shows_what_differs(self, lazur: Cli, tracker: Tracker) -> None:
        one = tracker.run("one", {"loss": [1.0]}, {"lr": "0.1", "depth": "3"})
        two = tracker.run("two", {"loss": [0.5]}, {"lr": "0.2", "depth": "3"})
        out = lazur("run", "compare", one, two).out
        assert [line.split() for line in out.splitlines()] == [
            ["one", "two"],
            ["params"],
            ["lr", "0.1", "0.2"],
            ["metrics"],
            ["loss", "1", "0.5"],
        ]
        assert "depth" in lazur("run", "compare", one, two, "--all").out
        about = lazur.ok("run", "compare", one, two, "-o", "json")["sections"][0]["rows"]
        differs = {row["name"]: row["differs"] for row in about}
        assert (differs["name"], differs["duration"], differs["status"]) == (True, False, False)

    def test_what_is_missing_is_asked_for(self, lazur: Cli) -> None:
        for verb in ("compare", "delete", "export", "restore"):
            ran = lazur("run", verb)
            assert (ran.code, "lazur run list" in ran.err) == (1, True)
        for verb in ("show", "metrics"):
            ran = lazur("run", verb)
            assert (ran.code, "NAME, or --name/-n" in ran.err) == (2, True)


class TestTrash:
    def test_what_was_deleted_can_be_restored(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("gone", experiment="trash")
        assert lazur("run", "delete", run).code == 0
        assert listed(lazur, "--experiment-name", "trash") == []
        assert listed(lazur, "--experiment-name", "trash", "--deleted") == ["gone"]
        assert lazur("run", "restore", run).code == 0
        assert listed(lazur, "--experiment-name", "trash") == ["gone"]

    def test_what_is_there_already_is_told(self, lazur: Cli, tracker: Tracker) -> None:
        one, two = tracker.run("one", experiment="twice"), tracker.run("two")
        lazur("run", "delete", one)
        again = lazur("run", "delete", one, two[:12], two).out.splitlines()
        assert again[0] == f"{one} is in the trash already."
        assert again[1].startswith("Put 1 run into the trash.")
        all_of_it = lazur("run", "delete", "--experiment-name", "twice", "--yes").out
        assert all_of_it == "All runs of this experiment are in the trash already.\n"
        assert lazur.ok("run", "delete", one, "-o", "json") == []
        lazur("run", "restore", two)
        back = lazur("run", "restore", one, two).out.splitlines()
        assert back == [f"{two} is not in the trash.", "Restored 1 run."]
        none = lazur("run", "restore", "--experiment-name", "twice").out
        assert none == "No run of this experiment is in the trash.\n"

    def test_a_purge_frees_and_says_how_much(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("freed", {"loss": [1.0] * 50}, experiment="purge")
        tracker.upload(run, "model/weights", b"x" * 1234)
        lazur("run", "delete", run)
        dry = lazur("run", "purge", run, "--dry-run")
        assert "This would free 1 run: " in dry.out
        assert "1 file, 1.2 kB" in dry.out
        assert lazur("run", "show", run).code == 0
        refused = lazur("run", "purge", run)
        assert (refused.code, "Add --yes." in refused.err) == (1, True)
        freed = lazur.ok("run", "purge", run, "--yes", "-o", "json")
        assert (freed["files"], freed["bytes"]) == (1, 1234)
        assert lazur("run", "show", run).code == 3
        left = list((lazur.home / "workspaces").rglob(f"*{run}*"))
        assert left == []

    def test_what_a_model_needs_is_kept_and_the_model_named(
        self, lazur: Cli, tracker: Tracker
    ) -> None:
        run = tracker.run("needed", experiment="needed")
        tracker.register("fraud", run)
        lazur("run", "delete", run)
        ran = lazur("run", "purge", run, "--yes")
        assert (ran.code, "registered model 'fraud' version 1" in ran.err) == (1, True)
        kept = lazur("run", "purge", "--experiment-name", "needed", "--yes")
        assert "needed is kept: needed by registered model 'fraud' version 1" in kept.out
        assert lazur("run", "restore", run).code == 0

    def test_ages_are_days_hours_or_minutes(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("new", experiment="ages")
        lazur("run", "delete", run)
        assert "Freed 0 runs" in lazur("run", "purge", "--deleted-before", "30d", "-y").out
        assert lazur("run", "show", run).code == 0
        assert lazur("run", "purge", "--deleted-before", "month", "-y").code == 1

    def test_a_live_job_is_cancelled_first(self, lazur: Cli) -> None:
        create = ("job", "create", "-f", lazur.job("sleep 600"), "--query", "name", "-o", "tsv")
        name = lazur(*create).out.strip()
        ran = lazur("run", "delete", name)
        assert (ran.code, f"lazur job cancel -n {name}" in ran.err) == (1, True)
        lazur("job", "cancel", "-n", name)
        lazur("job", "stream", "-n", name)
        assert lazur("run", "delete", name).code == 0


class TestFile:
    def test_runs_travel_between_servers(self, lazur: Cli, alone: Cli, tracker: Tracker) -> None:
        run = tracker.run("travels", {"loss": [0.1 + 0.2, 1e-300]}, {"lr": "ä"}, "there")
        tracker.upload(run, "model/weights.bin", bytes(range(256)) * 5000)
        assert lazur("run", "export", run, "-f", "runs.zip").code == 0
        assert "imported: run" in alone("run", "import", "runs.zip").out
        assert "is there already" in alone("run", "import", "runs.zip").out
        back = str(alone.folder / "back.zip")
        new = alone.ok("run", "list", "-o", "json")[0]["id"]
        assert alone("run", "export", new, "-f", back).code == 0
        sent, got = content(lazur.folder / "runs.zip"), content(Path(back))
        assert got.pop("run.json")["tags"].pop("lazur.import.run") == run
        assert sent.pop("run.json")["params"] == {"lr": "ä"}
        assert got == sent

    def test_a_file_that_is_none_is_told(self, lazur: Cli) -> None:
        (lazur.folder / "x.zip").write_text("nothing")
        for name in ("x.zip", "none.zip"):
            ran = lazur("run", "import", name)
            assert ran.code in {1, 3}
            assert "Traceback" not in ran.err

    def test_a_file_that_nobody_named_is_not_replaced(self, lazur: Cli, tracker: Tracker) -> None:
        run = tracker.run("kept")
        assert lazur("run", "export", run).code == 0
        first = (lazur.folder / "runs.zip").read_bytes()
        ran = lazur("run", "export", run)
        assert (ran.code, "-f runs.zip" in ran.err) == (1, True)
        assert (lazur.folder / "runs.zip").read_bytes() == first
        assert lazur("run", "export", run, "-f", "runs.zip").code == 0

    def test_code_that_is_not_in_the_file_is_told(self, lazur: Cli) -> None:
        code = lazur.folder / "src"
        code.mkdir()
        (code / "train.py").write_text("print('code that goes away')")
        spec = lazur.job("python train.py", code="src")
        name = lazur("job", "create", "-f", spec, "--query", "name", "-o", "tsv").out.strip()
        lazur("job", "stream", "-n", name)
        assert "Without" not in lazur("run", "export", name, "-f", "whole.zip").out
        digest = hashlib.sha256((code / "train.py").read_bytes()).hexdigest()
        (stored,) = (lazur.home / "blobs").rglob(f"*{digest[8:]}*")
        stored.unlink()
        ran = lazur("run", "export", name, "-f", "runs.zip")
        assert ran.code == 0, ran.err
        assert "Without the code " in ran.out
        assert f"There is no blob {digest}" in ran.out
        (why,) = lazur.ok("run", "export", name, "-f", "r.zip", "-o", "json")["code_left_out"]
        assert len(why) == 64

    def test_nothing_half_is_left_where_there_is_no_such_run(self, lazur: Cli) -> None:
        assert lazur("run", "export", "nothing", "-f", "runs.zip").code == 3
        assert list(lazur.folder.iterdir()) == []


def content(file: Path) -> dict[str, Any]:
    """By path in the run's folder: bytes, and the run's own document."""
    with zipfile.ZipFile(file) as found:
        paths = [name for name in found.namelist() if name.startswith("runs/")]
        made: dict[str, Any] = {name.split("/", 2)[2]: found.read(name) for name in paths}
    made["run.json"] = json.loads(made["run.json"])
    return made


class TestMlflowUri:
    def test_prints_the_address_of_the_workspace(self, lazur: Cli) -> None:
        ran = lazur("mlflow-uri", "-w", "default")
        assert ran.out.strip().endswith("/mlflow/workspaces/default")
        assert "lazur mlflow-uri --export" in ran.err

    def test_the_token_is_not_in_what_is_exported(self, lazur: Cli) -> None:
        token = (lazur.home / "token").read_text().strip()
        out = lazur("mlflow-uri", "--export").out
        assert token not in out
        assert "export MLFLOW_TRACKING_URI=http" in out
        assert token not in lazur("mlflow-uri", "-o", "json").out

    def test_the_token_comes_from_a_program_that_is_on_no_path(self, lazur: Cli) -> None:
        out = lazur("mlflow-uri", "--export", PATH="/usr/bin:/bin").out
        done = subprocess.run(
            ["bash", "-c", f'{out}echo "$MLFLOW_TRACKING_TOKEN"'],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == (lazur.home / "token").read_text().strip() + "\n", done.stderr

    def test_a_workspace_that_is_not_there_has_no_address(self, lazur: Cli) -> None:
        ran = lazur("mlflow-uri", "--export", "-w", "nowhere")
        assert (ran.code, ran.out) == (3, "")
        assert "There is no workspace 'nowhere'" in ran.err
