"""What a supervisor is told through its standard input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lazur
from tests.pythons import find

RUNTIME = Path(lazur.__file__).parent / "runtime" / "__main__.py"
VALUE = "correct-horse-battery"
CARRIER = """
import json, os, sys
asked = json.loads(sys.stdin.readline())
assert asked["store"]["credentials"] == {"token": "correct-horse-battery"}
print(json.dumps({"progress": [0, 1, 1, 2]}), flush=True)
if asked["do"] == "fetch":
    os.makedirs(asked["into"])
    open(asked["into"] + "/a", "w").write("1")
else:
    open(os.environ["HOME"] + "/sent", "w").write(open(asked["folder"] + "/b").read())
print(json.dumps({"done": {"files": 1, "bytes": 1, "cached_files": 0, "cached_bytes": 0}}))
"""
STORE = {"type": "s3", "credentials": {"token": VALUE}}


def start(
    folder: Path, given: bytes, python: str = sys.executable, **more: Any
) -> subprocess.CompletedProcess[bytes]:
    plan = {"version": 1, "job": "j", "workspace": "w", "attempt": 1, "folder": str(folder)}
    plan |= {"artifacts": str(folder / "artifacts"), "command": "true", **more}
    (folder / "plan.json").write_text(json.dumps(plan))
    argv = [python, "-I", "-S", str(RUNTIME), str(folder), "private"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(argv, input=given, env=environment, check=False, timeout=60)


def log_of(folder: Path) -> str:
    return (folder / "artifacts" / "user_logs" / "std_log.txt").read_text()


class TestPrivate:
    @pytest.mark.parametrize("given", [b"", b"{", b'{"variables": {"A": "correct-ho'])
    def test_half_of_it_is_nothing_and_nobody_has_the_attempt(
        self, tmp_path: Path, given: bytes
    ) -> None:
        assert start(tmp_path, given).returncode == 3
        assert not (tmp_path / "claim").exists()

    def test_variables_are_the_commands_and_masked_in_its_log(self, tmp_path: Path) -> None:
        given = {"variables": {"PW": VALUE}, "masked": [VALUE]}
        command = "echo is $PW; (sleep 0.2; echo late $PW) & cat; exit 3"
        start(tmp_path, json.dumps(given).encode(), command=command)
        assert log_of(tmp_path) == "is ***\nlate ***\n"
        assert json.loads((tmp_path / "exit.json").read_text())["code"] == 3
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in files if VALUE in path.read_text()]

    def test_each_process_has_its_own_log(self, tmp_path: Path) -> None:
        given = {"variables": {"PW": VALUE}, "masked": [VALUE]}
        shape = {"type": "pytorch", "processes": 2}
        start(tmp_path, json.dumps(given).encode(), command="echo $RANK $PW", distribution=shape)
        for rank in (0, 1):
            log = tmp_path / "artifacts" / "user_logs" / f"std_log_process_{rank}.txt"
            assert log.read_text() == f"{rank} ***\n"


class TestCarrier:
    def plan(self, argv: list[str], **more: Any) -> dict[str, Any]:
        source = {"remote": "s3://b/x"}
        return {
            "inputs": [{"name": "x", "mode": "ro_mount", "file": False, "source": source}],
            "outputs": [
                {
                    "name": "y",
                    "mode": "upload",
                    "file": False,
                    "destination": "s3://b/y",
                    "remote": True,
                }
            ],
            "command": "cat ${{inputs.x}}/a; echo 2 > ${{outputs.y}}/b",
            "carrier": {"argv": argv, "rule": [], "limit": 1},
            **more,
        }

    @pytest.mark.parametrize("version", ["3.8", "3.11", "3.14"])
    def test_it_brings_and_takes(self, tmp_path: Path, version: str) -> None:
        python = find(version)
        if python is None:
            pytest.skip(f"no Python {version} on this machine")
        given = json.dumps({"stores": {"s3://b/x": STORE, "s3://b/y": STORE}}).encode()
        start(tmp_path, given, python, **self.plan([sys.executable, "-c", CARRIER]))
        assert json.loads((tmp_path / "exit.json").read_text())["reason"] == "ok"
        assert (tmp_path / "sent").read_text() == "2\n"
        assert log_of(tmp_path).splitlines()[1] == "1lazur: output y: 1 file, 1 bytes to s3://b/y"

    def test_one_that_dies_without_a_word_is_started_again(self, tmp_path: Path) -> None:
        dies = "import os; open(os.environ['HOME'] + '/tries', 'a').write('x')"
        given = json.dumps({"stores": {"s3://b/x": STORE, "s3://b/y": STORE}}).encode()
        start(tmp_path, given, **self.plan([sys.executable, "-c", dies]))
        assert (tmp_path / "tries").read_text() == "xxx"
        ended = json.loads((tmp_path / "exit.json").read_text())
        assert ended["reason"] == "input"
        assert "ended without a word" in ended["message"]

    @pytest.mark.parametrize("do", ["fetch", "send"])
    def test_canceled_meanwhile_it_ends(self, tmp_path: Path, do: str) -> None:
        hangs = CARRIER.replace(
            "print(json",
            f"""
if asked["do"] == "{do}":
    import time
    open(os.environ["HOME"] + "/pid", "w").write(str(os.getpid()))
    time.sleep(100)
print(json""",
            1,
        )
        given = json.dumps({"stores": {"s3://b/x": STORE, "s3://b/y": STORE}}).encode()
        plan = self.plan([sys.executable, "-c", hangs])
        running = threading.Thread(target=lambda: start(tmp_path, given, **plan))
        running.start()
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        (tmp_path / "cancel").touch()
        os.kill(json.loads((tmp_path / "claim").read_text())["pid"], signal.SIGTERM)
        running.join(60)
        assert json.loads((tmp_path / "exit.json").read_text())["reason"] == "canceled"
        pid = int((tmp_path / "pid").read_text())
        until(lambda: not Path(f"/proc/{pid}").exists())

    def test_what_it_says_is_why_the_job_failed(self, tmp_path: Path) -> None:
        error = {"code": "Forbidden", "message": "No way in.", "hint": "Ask."}
        says = f"print({json.dumps(json.dumps({'error': error}))})"
        given = json.dumps({"stores": {"s3://b/x": STORE}}).encode()
        start(tmp_path, given, **self.plan([sys.executable, "-c", says]))
        ended = json.loads((tmp_path / "exit.json").read_text())
        assert ended["message"] == "the input x (s3://b/x): No way in. Ask."

    def test_a_store_that_nobody_spoke_of_is_told(self, tmp_path: Path) -> None:
        start(tmp_path, b"{}", **self.plan([sys.executable, "-c", CARRIER]))
        ended = json.loads((tmp_path / "exit.json").read_text())
        assert "was not told how to reach it" in ended["message"]


def until(true: Callable[[], object], patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
