from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.causes import MEANINGS, explain
from lazur.engine.packages import package_of
from lazur.engine.plan import Exit
from lazur.engine.symptoms import SYMPTOMS

REASONS = "ok exit signal canceled timeout memory input output internal lost".split()


def why(tail: str, code: int = 1, environment: str | None = None) -> dict[str, str]:
    return explain(Exit("exit", code=code), "running", tail, environment)


def bash(command: str, folder: Path) -> tuple[int, str]:
    """What a real shell says and ends with, as the runtime would log it."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LC_ALL": "C"},
    )
    return done.returncode, done.stdout


class TestMiniBatches:
    def test_what_the_job_says_is_the_cause_and_the_next_step_names_it(self) -> None:
        tail = "lazur: 1 of 2 done\nlazur: the job fails: 1 mini-batch has failed\n"
        told = explain(Exit("exit", code=1), "running", tail, None, "kind_lime")
        assert told["code"] == "MiniBatchesFailed"
        assert told["message"] == "1 mini-batch has failed"
        assert "lazur job mini-batches -n kind_lime --status failed" in told["hint"]

    def test_of_a_table_that_could_not_be_cut_there_are_none(self) -> None:
        why = "the table /t could not be cut into mini-batches: it has no column 'Store'"
        told = explain(
            Exit("exit", code=1), "running", f"lazur: the job fails: {why}\n", None, "k"
        )
        assert (told["code"], told["message"]) == ("MiniBatchesFailed", why)
        assert "MLTable" in told["hint"]

    def test_before_the_first_the_traceback_is_among_the_files(self) -> None:
        why = "init() failed: ValueError: x (3 workers in a row could not begin)"
        told = explain(
            Exit("exit", code=1), "running", f"lazur: the job fails: {why}\n", None, "k"
        )
        assert (told["code"], told["message"]) == ("MiniBatchesFailed", why)
        assert "lazur job download -n k" in told["hint"]


class TestRealPrograms:
    """The messages as today's shell and Python really write them."""

    @pytest.mark.parametrize(
        "command, code",
        [
            ("python -c 'import no_such_thing_here.sub'", "ModuleMissing"),
            ("python -m no_such_thing_here", "ModuleMissing"),
            ("python -c 'from json import nothing'", "ImportFailed"),
            ("no-such-program --flag", "CommandNotFound"),
            ("./script.sh", "CommandNotExecutable"),
            ("python train.py", "FileNotFound"),
            ("cat data.csv", "FileNotFound"),
            ("python -c 'open(\"data.csv\")'", "FileNotFound"),
            ("python -c 'raise ValueError(1)'", "PythonException"),
            ("python broken.py", "SyntaxError"),
            ("python arguments.py", "BadArguments"),
            ("python arguments.py --data x --epoch 3", "BadArguments"),
            ("python -c 'import os; os.environ[\"NOT_SET\"]'", "VariableMissing"),
            ("python -c 'raise MemoryError'", "OutOfMemory"),
            ("python -c 'raise OSError(28, \"No space left on device\")'", "DiskFull"),
            ('python -c \'raise OSError(30, "Read-only file system", "a")\'', "ReadOnlyInput"),
            ("python -c 'raise OSError(98, \"Address already in use\")'", "PortInUse"),
            (
                'python -c \'raise PermissionError(13, "Permission denied", "a")\'',
                "PermissionDenied",
            ),
            ("python -c 'import os; os.abort()'", "Aborted"),
            ("python -c 'import os; os.kill(os.getpid(), 9)'; exit $?", "Killed"),
            ("python -c 'import os; os.kill(os.getpid(), 11)'; exit $?", "Segfault"),
            ("echo ${bad", "ShellSyntax"),
            ("if true; then", "ShellSyntax"),
            ("exit 3", "ExitCode"),
        ],
    )
    def test_it_is_told_by_its_code(self, command: str, code: str, tmp_path: Path) -> None:
        (tmp_path / "script.sh").write_text("echo never\n")
        (tmp_path / "broken.py").write_text("def f(:\n    pass\n")
        (tmp_path / "arguments.py").write_text(
            "import argparse\np = argparse.ArgumentParser()\n"
            "p.add_argument('--data', required=True)\np.parse_args()\n"
        )
        status, log = bash(command, tmp_path)
        reason = Exit("signal", signal=-status) if status < 0 else Exit("exit", code=status)
        told = explain(reason, "running", log, None)
        assert told["code"] == code, log
        assert told["hint"]


class TestTraceback:
    def test_the_last_exception_is_the_message(self) -> None:
        told = why(
            "Traceback (most recent call last):\n"
            '  File "a.py", line 1, in <module>\n'
            "    import nothing\n"
            "ModuleNotFoundError: No module named 'nothing'\n"
            "\n"
            "During handling of the above exception, another exception occurred:\n"
            "\n"
            "Traceback (most recent call last):\n"
            '  File "a.py", line 3, in <module>\n'
            "    raise ValueError('bad learning rate')\n"
            "ValueError: bad learning rate\n"
        )
        assert (told["code"], told["message"]) == (
            "PythonException",
            "ValueError: bad learning rate",
        )

    def test_one_that_was_survived_does_not_explain_another_exit_code(self) -> None:
        survived = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n'
        assert why(survived + "going on\n" * 3, code=7)["code"] == "ExitCode"

    def test_the_launchers_own_is_passed_over_for_the_workers(self) -> None:
        told = why(
            "[rank1]: Traceback (most recent call last):\n"
            '[rank1]:   File "train.py", line 9, in <module>\n'
            "[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n"
            "Traceback (most recent call last):\n"
            '  File "torchrun", line 8, in <module>\n'
            "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
            "train.py FAILED\n"
        )
        assert told["code"] == "GpuOutOfMemory"

    def test_the_launchers_own_is_better_than_none(self) -> None:
        told = why(
            "Traceback (most recent call last):\n"
            '  File "run.py", line 2, in <module>\n'
            "subprocess.CalledProcessError: Command 'make' returned non-zero exit status 2.\n"
        )
        assert told["code"] == "PythonException"
        assert "make" in told["message"]

    def test_an_exception_without_text_is_found(self) -> None:
        tail = 'Traceback (most recent call last):\n  File "a.py", line 1\nAssertionError\n'
        assert why(tail)["message"] == "AssertionError"

    def test_the_second_line_of_a_message_counts(self) -> None:
        told = why(
            'Traceback (most recent call last):\n  File "a.py", line 1\n'
            "RuntimeError: worker failed\nCUDA out of memory\n"
        )
        assert told["code"] == "GpuOutOfMemory"


class TestMissingModule:
    @pytest.mark.parametrize(
        "module, package",
        [
            ("cv2", "opencv-python-headless"),
            ("sklearn.ensemble", "scikit-learn"),
            ("yaml", "PyYAML"),
            ("PIL.Image", "pillow"),
            ("azure.ai.ml.entities", "azure-ai-ml"),
            ("azureml.core", "azureml-core"),
            ("pandas", "pandas"),
            ("something_else.sub", "something_else"),
        ],
    )
    def test_the_package_is_named_as_pip_knows_it(self, module: str, package: str) -> None:
        assert package_of(module) == package
        hint = why(f"ModuleNotFoundError: No module named '{module}'")["hint"]
        assert hint.startswith(f"Add {package} to the conda.yml")

    def test_the_environment_is_named(self) -> None:
        told = why("ModuleNotFoundError: No module named 'pandas'", environment="train-env:3")
        assert "the environment train-env:3" in told["hint"]

    def test_one_that_the_job_spells_out_has_no_name(self) -> None:
        told = why("ModuleNotFoundError: No module named 'pandas'", environment="inline")
        assert told["hint"].endswith("of the job's environment.")

    def test_an_unknown_one_may_be_the_persons_own(self) -> None:
        own = why("ModuleNotFoundError: No module named 'helpers'")["hint"]
        assert "`code:` must be the folder" in own
        assert "`code:`" not in why("ModuleNotFoundError: No module named 'pandas'")["hint"]

    def test_what_python_dropped_asks_for_an_older_python(self) -> None:
        hint = why("ModuleNotFoundError: No module named 'imp'")["hint"]
        assert "Python 3.12 no longer has imp" in hint


class TestReasons:
    @pytest.mark.parametrize(
        "reason, code",
        [
            ("canceled", "Canceled"),
            ("timeout", "TimedOut"),
            ("memory", "OutOfMemory"),
            ("input", "InputUnavailable"),
            ("output", "OutputNotKept"),
            ("internal", "RunnerFailed"),
            ("lost", "RunnerLost"),
        ],
    )
    def test_what_the_runner_knows_wins_over_the_log(self, reason: str, code: str) -> None:
        log = "ModuleNotFoundError: No module named 'pandas'"
        assert explain(Exit(reason), "inputs", log, None)["code"] == code  # pyright: ignore[reportArgumentType]

    def test_its_message_is_passed_on(self) -> None:
        told = explain(
            Exit("input", message="input `data`: /no/where is absent"), "inputs", "", None
        )
        assert told["message"] == "input `data`: /no/where is absent"
        assert told["phase"] == "inputs"

    @pytest.mark.parametrize(
        "ended, cause",
        [
            (Exit("exit", code=3), "The command ended with exit code 3"),
            (Exit("signal", signal=9), "The command was ended by SIGKILL"),
            (Exit("memory"), "The job used more memory than it may and was stopped"),
        ],
    )
    def test_which_process_failed_stands_behind_the_cause(self, ended: Exit, cause: str) -> None:
        ended = replace(ended, message="the process of rank 1 failed first")
        told = explain(ended, "running", "", None)
        assert told["message"] == f"{cause} (the process of rank 1 failed first)."

    @pytest.mark.parametrize("reason", ["timeout", "canceled"])
    def test_of_those_that_were_told_to_end_none_failed_first(self, reason: str) -> None:
        ended = Exit(reason, message="the process of rank 0 failed first")  # pyright: ignore[reportArgumentType]
        assert "rank" not in explain(ended, "running", "", None)["message"]

    def test_a_full_disk_is_told_in_any_phase(self) -> None:
        gone = Exit("output", message="outputs.model: [Errno 28] No space left on device")
        assert explain(gone, "finalizing", "", None)["code"] == "DiskFull"

    def test_a_kill_after_a_message_about_memory_is_memory(self) -> None:
        told = explain(Exit("signal", signal=9), "running", "std::bad_alloc\nKilled\n", None)
        assert told["code"] == "OutOfMemory"

    def test_what_mlflow_does_to_a_job_is_explained(self) -> None:
        begin = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
        refused = (
            "mlflow.exceptions.MlflowException: Cannot start run with ID j because active"
            " experiment ID does not match environment run ID. Make sure"
        )
        assert why(begin + refused, code=1)["code"] == "OtherExperiment"
        taken = "  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'MLFLOW_RUN_ID'"
        assert "AZUREML_RUN_ID" in str(why(begin + taken, code=1)["hint"])

    @pytest.mark.parametrize("code, signal", [(137, 9), (139, 11), (134, 6), (143, 15)])
    def test_the_shells_code_for_a_signal_is_that_signal(self, code: int, signal: int) -> None:
        by_shell = why("", code=code)
        by_system = explain(Exit("signal", signal=signal), "running", "", None)
        assert by_shell == by_system


class TestLogTail:
    def test_colours_and_progress_bars_are_gone(self) -> None:
        told = why("\x1b[31mred\x1b[0m\r\n 10%|#    |\r 90%|#### |\r100%|#####|\n")
        assert told["log_tail"] == "red\n100%|#####|"

    def test_it_is_short(self) -> None:
        tail = why("x" * 5000 + "\n" + "line\n" * 1000)["log_tail"]
        assert len(tail.splitlines()) == 20
        assert len(why(("y" * 5000 + "\n") * 100)["log_tail"]) <= 4000

    def test_a_long_message_is_cut(self) -> None:
        tail = f'Traceback (most recent call last):\n  File "a.py"\nValueError: {"v" * 9000}\n'
        assert len(why(tail)["message"]) == 500


class TestExplain:
    def test_every_code_has_a_meaning(self) -> None:
        assert {symptom.code for symptom in SYMPTOMS} <= set(MEANINGS)

    @given(
        st.sampled_from(REASONS),
        st.none() | st.integers(0, 255),
        st.none() | st.integers(0, 64),
        st.text(),
    )
    def test_it_is_total(
        self, reason: str, code: int | None, signal: int | None, tail: str
    ) -> None:
        ended = Exit(reason, code=code, signal=signal)  # pyright: ignore[reportArgumentType]
        told = explain(ended, "running", tail, None)
        assert told["code"] in MEANINGS
        assert told["message"]

    @pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda s: s.code)
    def test_no_log_makes_a_pattern_slow(self, symptom: object) -> None:
        """S57. Each literal of the pattern, repeated up to the longest line that is ever
        matched."""
        pattern: re.Pattern[str] = symptom.pattern  # pyright: ignore[reportAttributeAccessIssue]
        pieces = {*re.findall(r"[A-Za-z: ]{2,}", pattern.pattern), "a", "'", ": ", "line 1: ", " "}
        for piece in pieces:
            evil = (piece * 1000)[:1000]
            started = time.process_time()
            pattern.search(evil)
            assert time.process_time() - started < 0.1

    def test_a_huge_hostile_log_is_quick(self) -> None:
        pieces = ("Traceback (most recent call last):\n", "  a\n", "bash: line 1: ", "\x1b[", "\r")
        for piece in pieces:
            started = time.process_time()
            why(piece * 200_000)
            assert time.process_time() - started < 1
