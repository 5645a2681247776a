"""The runtime as a program: on every Python it is made for, and light."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lazur
from tests.pythons import find

RUNTIME = Path(lazur.__file__).parent / "runtime"
HEAVY = {
    "json",
    "re",
    "signal",
    "subprocess",
    "ctypes",
    "pathlib",
    "typing",
    "dataclasses",
    "socket",
}


def start(
    folder: Path, python: str, *options: str, **more: object
) -> subprocess.CompletedProcess[str]:
    plan = {"version": 1, "job": "j", "workspace": "w", "attempt": 1, "folder": str(folder)}
    plan |= {"artifacts": str(folder / "artifacts"), "command": "echo $LAZUR_ATTEMPT", **more}
    (folder / "plan.json").write_text(json.dumps(plan))
    argv = [python, "-I", "-S", *options, str(RUNTIME / "__main__.py"), str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def log_of(folder: Path) -> str:
    return (folder / "artifacts" / "user_logs" / "std_log.txt").read_text()


class TestPythons:
    @pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
    def test_a_job_runs(self, version: str, tmp_path: Path) -> None:
        python = find(version)
        if python is None:
            pytest.skip(f"no Python {version} on this machine")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "a").write_text("1")
        done = start(
            tmp_path,
            python,
            command="cat ${{inputs.x}}/a; echo 2 > ${{outputs.y}}/b; echo '${{inputs.z}}'",
            values={"inputs.z": "$x"},
            inputs=[
                {
                    "name": "x",
                    "mode": "ro_mount",
                    "file": False,
                    "source": {"path": f"{tmp_path}/data"},
                }
            ],
            outputs=[
                {"name": "y", "mode": "upload", "file": False, "destination": f"{tmp_path}/kept"}
            ],
            demand={"cpus": 1, "memory": 1 << 30, "gpus": 0},
        )
        assert (done.stdout, done.stderr) == ("", "")
        assert json.loads((tmp_path / "exit.json").read_text())["reason"] == "ok"
        assert log_of(tmp_path) == "1$x\n"
        assert (tmp_path / "kept" / "b").read_text() == "2\n"


class TestStart:
    def test_a_plain_job_loads_nothing_heavy(self, tmp_path: Path) -> None:
        done = start(tmp_path, sys.executable, "-X", "importtime")
        assert log_of(tmp_path) == "w/j/1\n"
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "lazur.runtime.supervisor" in loaded
        assert loaded & HEAVY == set()

    def test_a_copy_runs_under_another_name(self, tmp_path: Path) -> None:
        shutil.copytree(RUNTIME, tmp_path / "elsewhere")
        plan = {"job": "j", "workspace": "w", "attempt": 1, "command": "echo hi"}
        folder = tmp_path / "f"
        folder.mkdir()
        whole = {**plan, "folder": str(folder), "artifacts": str(folder / "artifacts")}
        (folder / "plan.json").write_text(json.dumps(whole))
        argv = [sys.executable, "-I", "-S", tmp_path / "elsewhere" / "__main__.py", folder]
        subprocess.run(argv, check=True, cwd=tmp_path)
        assert log_of(folder) == "hi\n"

    def test_a_plan_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "plan.json").write_text("{")
        argv = [sys.executable, "-I", "-S", RUNTIME / "__main__.py", tmp_path]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        found = json.loads((tmp_path / "exit.json").read_text())
        assert found["reason"] == "internal"
        assert "Traceback" in done.stderr

    def test_a_plan_from_the_future_is_refused(self, tmp_path: Path) -> None:
        start(tmp_path, sys.executable, version=99)
        found = json.loads((tmp_path / "exit.json").read_text())
        assert found["reason"] == "input"
        assert "update Lazur on this node" in found["message"]

    def test_without_a_folder_it_says_how_it_is_used(self) -> None:
        argv = [sys.executable, "-I", "-S", RUNTIME / "__main__.py"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "usage" in done.stderr

    def test_a_missing_environment_is_told(self, tmp_path: Path) -> None:
        start(tmp_path, sys.executable, environment="/no/such/prefix")
        found = json.loads((tmp_path / "exit.json").read_text())
        assert found["reason"] == "input"
        assert "/no/such/prefix is no longer there" in log_of(tmp_path)

    def test_the_environments_programs_come_first(self, tmp_path: Path) -> None:
        (tmp_path / "env" / "bin").mkdir(parents=True)
        python = tmp_path / "env" / "bin" / "python"
        python.write_text("#!/bin/sh\necho this one, in $VIRTUAL_ENV\n")
        python.chmod(0o755)
        start(
            tmp_path,
            sys.executable,
            environment=str(tmp_path / "env"),
            command="python x",
            variables={"PATH": "/usr/bin:/bin"},
        )
        assert log_of(tmp_path) == f"this one, in {tmp_path}/env\n"

    def test_what_pip_installs_stays_with_the_job(self, tmp_path: Path) -> None:
        (tmp_path / "env" / "bin").mkdir(parents=True)
        (tmp_path / "env" / "bin" / "python").touch()
        (tmp_path / "env" / "lib" / "python3.9").mkdir(parents=True)
        start(
            tmp_path,
            sys.executable,
            environment=str(tmp_path / "env"),
            command="echo $PIP_PREFIX; echo $PYTHONPATH; echo ${PATH%%:*}",
            variables={"PYTHONPATH": "mine"},
        )
        own = tmp_path / "packages"
        assert log_of(tmp_path).splitlines() == [
            str(own),
            f"mine:{own}/lib/python3.9/site-packages",
            f"{own}/bin",
        ]

    def test_a_long_command_goes_through_a_file(self, tmp_path: Path) -> None:
        start(tmp_path, sys.executable, command=f": {'x' * 200_000}; echo done")
        assert log_of(tmp_path) == "done\n"

    def test_a_command_that_cannot_be_started_says_so_in_the_log(self, tmp_path: Path) -> None:
        start(tmp_path, sys.executable, variables={"BIG": "x" * 200_000})
        found = json.loads((tmp_path / "exit.json").read_text())
        assert (found["reason"], found["code"]) == ("exit", 126)
        assert log_of(tmp_path).startswith("lazur: the command cannot be started: ")

    def test_kill_0_spares_the_supervisor(self, tmp_path: Path) -> None:
        start(tmp_path, sys.executable, command="trap 'exit 3' TERM; kill 0; sleep 1")
        assert json.loads((tmp_path / "exit.json").read_text())["code"] == 3

    def test_a_pipe_that_nobody_reads_ends_its_writer(self, tmp_path: Path) -> None:
        """Python ignores SIGPIPE; the user's programs must not inherit that."""
        start(tmp_path, sys.executable, command="yes | head -1; echo ${PIPESTATUS[0]}")
        assert log_of(tmp_path) == "y\n141\n"
