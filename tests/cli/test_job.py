from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest

from tests.cli.conftest import Cli


class TestCreate:
    def test_answers_with_the_job_as_json(self, lazur: Cli) -> None:
        job = lazur.ok("job", "create", "-f", lazur.job("true"))
        assert job["status"] in {"Preparing", "Queued", "Starting", "Running"}
        assert re.fullmatch(r"[a-z]+_[a-z]+_[a-z0-9]{10}", job["name"])

    def test_prints_a_bare_word_for_scripts(self, lazur: Cli) -> None:
        done = lazur("job", "create", "-f", lazur.job("true"), "--query", "name", "-o", "tsv")
        assert re.fullmatch(r"\w+\n", done.out)

    def test_set_wins_over_flags_and_flags_over_the_file(self, lazur: Cli) -> None:
        file = lazur.job("true", display_name="file", experiment_name="file", description="file")
        job = lazur.ok(
            "job", "create", "-f", file, "--experiment-name", "flag", "--display-name", "flag",
            "--set", "display_name=set", "--set", "tags.a=1", "tags.b=two",
        )  # fmt: skip
        assert job["description"] == "file"
        assert job["experiment_name"] == "flag"
        assert job["display_name"] == "set"
        assert {key: str(value) for key, value in job["tags"].items()} == {"a": "1", "b": "two"}

    def test_takes_code_from_beside_the_file(self, lazur: Cli) -> None:
        (lazur.folder / "src").mkdir()
        (lazur.folder / "src" / "hello.py").write_text("print('from the folder')")
        done = lazur("job", "create", "-f", lazur.job("python hello.py", code="src"), "--stream")
        assert (done.code, done.out) == (0, "from the folder\n")

    def test_shows_problems_where_they_are(self, lazur: Cli) -> None:
        (lazur.folder / "bad.yml").write_text(
            "command: echo ${{inputs.lr}}\nenvironment: {image: 'python:3.11'}\n"
        )
        done = lazur("job", "create", "-f", "bad.yml")
        assert done.code == 1
        assert "bad.yml:1:15: error:" in done.err
        assert "  command: echo ${{inputs.lr}}\n" in done.err
        assert done.out == ""

    def test_names_a_path_that_is_not_there(self, lazur: Cli) -> None:
        done = lazur("job", "create", "-f", lazur.job("true", code="./scr"))
        assert done.code == 1
        assert "./scr" in done.err

    def test_a_file_that_is_not_there_is_no_traceback(self, lazur: Cli) -> None:
        done = lazur("job", "create", "-f", "none.yml")
        assert (done.code, done.out) == (1, "")
        assert "none.yml" in done.err
        assert "Traceback" not in done.err


class TestStream:
    def test_the_log_is_all_there_is_on_stdout(self, lazur: Cli) -> None:
        done = lazur("job", "create", "-f", lazur.job("echo one; echo two >&2"), "--stream")
        assert (done.code, done.out) == (0, "one\ntwo\n")
        assert "Completed" in done.err

    def test_an_asked_for_result_has_stdout_for_itself(self, lazur: Cli) -> None:
        file = lazur.job("echo noise")
        done = lazur("job", "create", "-f", file, "--stream", "--query", "status", "-o", "tsv")
        assert done.out == "Completed\n"
        assert "noise\n" in done.err

    def test_only_show_errors_is_not_an_output_format(self, lazur: Cli) -> None:
        file = lazur.job("echo noise")
        done = lazur("job", "create", "-f", file, "--stream", "--only-show-errors")
        assert (done.out, done.err) == ("noise\n", "")

    def test_a_job_that_ended_has_its_whole_log(self, lazur: Cli) -> None:
        file = lazur.job("seq 3000")
        name = lazur("job", "create", "-f", file, "--stream", "--query", "name", "-o", "tsv").out
        done = lazur("job", "stream", "-n", name.strip())
        assert done.out == "".join(f"{n}\n" for n in range(1, 3001))

    def test_a_failed_job_is_an_error_with_its_cause(self, lazur: Cli) -> None:
        done = lazur("job", "create", "-f", lazur.job("echo log; exit 3"), "--stream")
        assert (done.code, done.out) == (1, "log\n")
        assert "ERROR: Job " in done.err
        assert "3" in done.err

    def test_no_line_is_lost_or_doubled_when_the_server_is_killed(self, alone: Cli) -> None:
        file = alone.job("for i in $(seq 150); do echo line $i; sleep 0.02; done")
        with alone.start("job", "create", "-f", file, "--stream") as running:
            assert running.stdout is not None
            assert running.stderr is not None
            first = running.stdout.readline()
            os.kill(alone.pid(), signal.SIGKILL)
            rest = running.stdout.read()  # communicate() would leave out what readline() took
            err = running.stderr.read()
        assert first + rest == "".join(f"line {n}\n" for n in range(1, 151)), err
        assert running.returncode == 0

    def test_an_interrupt_leaves_the_job_running_and_says_so(self, lazur: Cli) -> None:
        running = lazur.start("job", "create", "-f", lazur.job("echo begun; sleep 60"), "--stream")
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=120)
        found = re.search(r"lazur job cancel -n (\w+)", err)
        assert found, err
        assert "Traceback" not in err
        assert running.returncode == 1
        assert lazur.ok("job", "show", "-n", found[1])["status"] == "Running"
        assert lazur("job", "cancel", "-n", found[1]).code == 0


class TestShow:
    def test_what_is_not_there_is_exit_code_3(self, lazur: Cli) -> None:
        done = lazur("job", "show", "-n", "nobody")
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("ERROR: There is no job 'nobody'")

    def test_gives_the_address_of_the_page(self, lazur: Cli) -> None:
        name = lazur.ok("job", "create", "-f", lazur.job("true"))["name"]
        done = lazur("job", "show", "-n", name, "--query", "services.Studio.endpoint", "-o", "tsv")
        assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/jobs/default/{name}\n", done.out)
        assert name in lazur.ok("job", "show-services", "-n", name)["Studio"]["endpoint"]

    def test_gives_the_address_of_a_tensorboard(self, lazur: Cli) -> None:
        a, b = (lazur.ok("job", "create", "-f", lazur.job("true"))["name"] for _ in "ab")
        done = lazur("job", "tensorboard", a, b)
        assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/tensorboard/default/{a},{b}\n", done.out)
        assert done.err.startswith("There are no event files yet")
        assert lazur.ok("job", "tensorboard", "-n", a, "-o", "json")["jobs"] == [a]
        writes = lazur.job("touch outputs/x.tfevents.1", name="has_events")
        assert lazur("job", "create", "-f", writes, "--stream").code == 0
        assert lazur("job", "tensorboard", "has_events").err == ""
        assert lazur("job", "tensorboard", a, "nobody").code == 3
        assert "Which jobs?" in lazur("job", "tensorboard").err


class TestList:
    def test_filters_and_limits(self, lazur: Cli) -> None:
        for number in range(3):
            file = lazur.job("true", experiment_name="listed", tags={"n": str(number)})
            lazur.ok("job", "create", "-f", file)
        both = lazur.ok("job", "list", "--experiment-name", "listed", "--max-results", "2")
        assert [job["tags"]["n"] for job in both] == ["2", "1"]
        tagged = lazur.ok("job", "list", "--experiment-name", "listed", "--tag", "n=0")
        assert len(tagged) == 1
        assert lazur("job", "list", "--experiment-name", "none").json() == []

    def test_archived_jobs_are_listed_on_demand(self, lazur: Cli) -> None:
        name = lazur.ok("job", "create", "-f", lazur.job("true", experiment_name="archive"))[
            "name"
        ]
        listing = ("job", "list", "--experiment-name", "archive", "--query", "[].name")
        assert lazur("job", "archive", "-n", name).code == 0
        assert lazur.ok(*listing) == []
        assert lazur.ok(*listing, "--archived-only") == [name]
        assert lazur.ok(*listing, "--include-archived") == [name]
        assert lazur("job", "restore", "-n", name).code == 0
        assert lazur.ok(*listing) == [name]

    def test_a_table_has_the_columns_that_help(self, lazur: Cli) -> None:
        lazur.ok("job", "create", "-f", lazur.job("true"))
        head, line, first, *_ = lazur("job", "list", "-o", "table").out.splitlines()
        assert head.split() == [
            "Name", "Display", "name", "Experiment", "Status", "Created", "Duration", "Why",
        ]  # fmt: skip
        assert set(line) == {"-", " "}
        assert lazur.folder.name[:10] in first


class TestUpdate:
    def test_changes_one_tag_and_keeps_the_others(self, lazur: Cli) -> None:
        name = lazur.ok("job", "create", "-f", lazur.job("true", tags={"a": "1"}))["name"]
        words = ("job", "update", "-n", name, "--set", "tags.b=x", "--display-name", "nice")
        changed = lazur.ok(*words)
        assert changed["tags"] == {"a": "1", "b": "x"}
        assert changed["display_name"] == "nice"

    def test_nothing_to_change_is_an_error(self, lazur: Cli) -> None:
        assert lazur("job", "update", "-n", "x").code == 1


class TestCancel:
    def test_ends_the_job(self, lazur: Cli) -> None:
        name = lazur.ok("job", "create", "-f", lazur.job("sleep 60"))["name"]
        assert lazur("job", "cancel", "-n", name).code == 0
        done = lazur("job", "stream", "-n", name)
        assert done.code == 0
        assert "Canceled" in done.err
        assert lazur.ok("job", "show", "-n", name)["status"] == "Canceled"


class TestDownload:
    def test_brings_outputs_and_logs(self, lazur: Cli) -> None:
        file = lazur.job(
            "echo out; echo kept > outputs/kept.txt; echo m > ${{outputs.model}}/m.txt",
            outputs={"model": {"type": "uri_folder"}},
        )
        name = lazur(
            "job", "create", "-f", file, "--stream", "--query", "name", "-o", "tsv"
        ).out.strip()
        done = lazur("job", "download", "-n", name, "--all", "-p", "got")
        assert (done.code, done.out) == (0, "")
        got = lazur.folder / "got"
        assert (got / "artifacts" / "user_logs" / "std_log.txt").read_text() == "out\n"
        assert (got / "artifacts" / "outputs" / "kept.txt").read_text() == "kept\n"
        assert (got / "named-outputs" / "model" / "m.txt").read_text() == "m\n"

    def test_brings_nothing_of_a_pipeline_without_outputs_and_says_whose_files_there_are(
        self, lazur: Cli
    ) -> None:
        step = {"command": "echo out", "environment": {"image": "python:3.11"}}
        (lazur.folder / "p.yml").write_text(json.dumps({"type": "pipeline", "jobs": {"a": step}}))
        name = lazur.ok("job", "create", "-f", "p.yml", "--stream", "-o", "json")["name"]
        done = lazur("job", "download", "-n", name, "--all", "-p", "got")
        assert done.code == 0
        assert done.err == (
            f"There is nothing to download: job {name} left no files of its own."
            f" A step's: lazur job download -n {name}_a --all\n"
        )
        assert not (lazur.folder / "got").exists()

    def test_brings_nothing_of_an_output_that_is_empty(self, lazur: Cli) -> None:
        file = lazur.job("true", outputs={"model": None})
        name = lazur.ok("job", "create", "-f", file, "--stream", "-o", "json")["name"]
        done = lazur("job", "download", "-n", name, "--output-name", "model", "-p", "got")
        assert done.err == (
            f"There is nothing to download: the output 'model' of job {name} is empty.\n"
        )

    def test_a_job_that_runs_is_refused(self, lazur: Cli) -> None:
        name = lazur.ok("job", "create", "-f", lazur.job("sleep 60"))["name"]
        assert "not ended" in lazur("job", "download", "-n", name).err
        lazur("job", "cancel", "-n", name)


class TestExplain:
    def test_shows_time_cause_and_next_step(self, lazur: Cli) -> None:
        file = lazur.job("python -c 'import nothing_like_it'")
        name = lazur("job", "create", "-f", file, "--query", "name", "-o", "tsv").out.strip()
        assert lazur("job", "stream", "-n", name).code == 1
        text = lazur("job", "explain", "-n", name).out
        assert re.search(r"^  running +\d", text, re.MULTILINE)
        assert "Cause (ModuleMissing)" in text
        assert "nothing_like_it" in text
        assert f"lazur job stream -n {name}" in text

    def test_is_data_for_a_program(self, lazur: Cli) -> None:
        name = lazur.ok("job", "create", "-f", lazur.job("true"))["name"]
        assert lazur.ok("job", "explain", "-n", name, "-o", "json")["name"] == name


class TestValidate:
    def test_creates_nothing(self, lazur: Cli) -> None:
        file = lazur.job("true", experiment_name="validated")
        assert lazur.ok("job", "validate", "-f", file)["result"] == "Succeeded"
        assert lazur.ok("job", "list", "--experiment-name", "validated") == []

    def test_finds_what_is_wrong(self, lazur: Cli) -> None:
        done = lazur("job", "validate", "-f", lazur.job("echo ${{inputs.x}}"))
        assert done.code == 1
        assert "error:" in done.err


class TestScripts:
    """What public pipelines type (run-job.sh of azureml-examples): create, then ask for the state
    until it ends."""

    def test_wait_for_the_end_by_status(self, lazur: Cli) -> None:
        file = lazur.job("true")
        words = ("job", "create", "-f", file, "--set", "experiment_name=ci", "--query", "name")
        name = lazur(*words, "-o", "tsv").out.strip()
        waiting = "Queued NotStarted Starting Preparing Running Finalizing"
        deadline = time.monotonic() + 60
        status = "NotStarted"
        while status in waiting:
            assert time.monotonic() < deadline
            status = lazur("job", "show", "-n", name, "--query", "status", "-o", "tsv").out.strip()
        assert status == "Completed"

    @pytest.mark.parametrize(
        "words", [("-g", "rg"), ("--resource-group", "rg", "--subscription", "s")]
    )
    def test_azures_own_options_do_no_harm(self, lazur: Cli, words: tuple[str, ...]) -> None:
        assert lazur("job", "list", *words, "--out", "none", "-w", "default").code == 0
