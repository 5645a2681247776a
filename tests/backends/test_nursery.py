"""Supervisors that are forked: the same as those that are started, whatever becomes of the
process that forks them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import lazur
from lazur.backends import _nursery, local
from lazur.backends._nursery import Nursery
from lazur.backends.local import Local
from lazur.engine.contracts import Handle
from lazur.engine.plan import Private
from lazur.testing.backends import BackendTools
from tests.pythons import find

WORLD = """
ulimit -a; umask; id -u; pwd | sed s,.*/,,; grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status
ls /proc/self/fd | wc -l; env | grep -vE 'LAZUR|AZUREML|PWD|^_=' | sort
cut -d' ' -f6 /proc/self/stat | sed s/$$/me/
tr '\\0' '\\n' < /proc/$PPID/environ | sort
"""
SUBMIT = """
import json, sys, time
from lazur.backends.local import Local
from lazur.engine.plan import Plan
given = json.loads(sys.argv[1])
print(json.dumps(Local({}).submit(Plan(**given))), flush=True)
time.sleep(60)
"""
linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


class Case(BackendTools):
    @pytest.fixture
    def backend(self) -> Local:
        return Local({})

    @pytest.fixture(autouse=True)
    def nursery(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
        made = Nursery(local._ARGV)
        monkeypatch.setattr(local, "_NURSERY", made)
        yield made
        made.close()

    def begin(self, backend: Local, node: Path, command: str, **more: object) -> Handle:
        handle = backend.submit(self.make_plan(node, f"echo up; {command}", **more))
        self.wait_for_log(backend, handle, "up")
        return handle


class TestNursery(Case):
    @linux
    def test_who_is_forked_lives_as_who_is_started(
        self, backend: Local, node: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", "Europe/Berlin")
        _, forked = self.run(backend, node, WORLD)
        monkeypatch.setattr(local, "_fork", lambda *_: False)
        _, started = self.run(backend, node, WORLD)
        assert "TZ=Europe/Berlin" in forked
        assert forked == started

    @linux
    def test_each_says_in_its_command_line_whose_it_is(
        self, backend: Local, node: Path, nursery: Nursery
    ) -> None:
        handle = self.begin(backend, node, "tr '\\0' '\\n' < /proc/$PPID/cmdline; sleep 0.1")
        self.wait(backend, handle)
        lines = Path(handle["log"]).read_text().split("\n")
        assert handle["folder"] in lines
        assert "--nursery" not in lines
        shown = Path(f"/proc/{nursery.pid}/cmdline").read_bytes().split(b"\0")
        assert b"--nursery" in shown

    def test_nothing_private_is_handed_on(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, "echo got $SECRET")
        private = Private(variables={"SECRET": "correct-horse"})
        first = backend.submit(replace(plan, private=private))
        self.wait(backend, first)
        assert Path(first["log"]).read_text() == "got correct-horse\n"
        _, log = self.run(backend, node, "echo got $SECRET; env; ls -l /proc/self/fd")
        assert log.startswith("got\n")
        assert "correct-horse" not in log

    @linux
    def test_it_keeps_no_descriptor_and_no_zombie(
        self, backend: Local, node: Path, nursery: Nursery
    ) -> None:
        self.run(backend, node, "true")
        before = descriptors(nursery.pid)
        for _ in range(3):
            self.run(backend, node, "true")
        assert descriptors(nursery.pid) == before
        children = Path(f"/proc/{nursery.pid}/task/{nursery.pid}/children")
        assert not children.exists() or until_empty(children)


class TestTrouble(Case):
    def test_a_killed_one_is_followed_by_another(
        self, backend: Local, node: Path, nursery: Nursery
    ) -> None:
        self.run(backend, node, "true")
        gone = nursery.pid
        os.kill(gone, signal.SIGKILL)
        for _ in range(2):
            ended, _ = self.run(backend, node, "true")
            assert ended.reason == "ok"
        assert nursery.pid != gone

    def test_its_supervisors_outlive_it(
        self, backend: Local, node: Path, nursery: Nursery
    ) -> None:
        handle = self.begin(backend, node, f"until [ -e {node}/go ]; do sleep 0.02; done; echo on")
        os.kill(nursery.pid, signal.SIGKILL)
        assert backend.poll(handle).state == "running"
        (node / "go").touch()
        ended = self.wait(backend, handle)
        assert ended.exit is not None
        assert ended.exit.reason == "ok"
        assert Path(handle["log"]).read_text() == "up\non\n"

    def test_one_that_hangs_is_given_up(
        self, backend: Local, node: Path, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_nursery, "_PATIENCE", 0.2)
        self.run(backend, node, "true")
        os.kill(nursery.pid, signal.SIGSTOP)
        private = Private(variables={"SECRET": "horse"})
        handle = backend.submit(replace(self.make_plan(node, "echo $SECRET"), private=private))
        self.wait(backend, handle)
        assert Path(handle["log"]).read_text() == "horse\n"

    def test_one_that_forked_and_could_not_say_so_began_the_attempt_once(
        self, backend: Local, node: Path, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It died between the two: the supervisor lives, and another one is started."""
        real = Nursery.start

        def unheard(self: Nursery, *request: object) -> None:
            real(self, *request)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr(Nursery, "start", unheard)
        for private in (Private(), Private(variables={"SECRET": "horse"})):
            plan = self.make_plan(node, f"echo ran >> {node}/ran; sleep 0.2")
            handle = backend.submit(replace(plan, private=private))
            self.wait(backend, handle)
            time.sleep(0.3)
            assert (node / "ran").read_text() == "ran\n"
            (node / "ran").unlink()

    def test_where_there_is_none_supervisors_are_started(
        self, backend: Local, node: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local, "_NURSERY", Nursery([sys.executable, "-c", "pass"]))
        ended, log = self.run(backend, node, "echo hi")
        assert (ended.reason, log) == ("ok", "hi\n")

    @linux
    def test_it_goes_with_its_server_and_the_jobs_stay(self, backend: Local, node: Path) -> None:
        plan = self.make_plan(node, f"until [ -e {node}/go ]; do sleep 0.02; done")
        keys = ("job", "workspace", "attempt", "folder", "artifacts", "command")
        given = json.dumps({key: getattr(plan, key) for key in keys})
        server = subprocess.Popen([sys.executable, "-c", SUBMIT, given], stdout=subprocess.PIPE)
        assert server.stdout is not None
        handle = json.loads(server.stdout.readline())
        born = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        server.kill()
        server.wait()
        server.stdout.close()
        assert gone(int(born[0]))
        (node / "go").touch()
        ended = self.wait(backend, handle)
        assert ended.exit is not None
        assert ended.exit.reason == "ok"


class TestPythons:
    @pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13", "3.14"])
    def test_it_forks_on(self, version: str, tmp_path: Path) -> None:
        python = find(version)
        if python is None:
            pytest.skip(f"no Python {version} on this machine")
        runtime = str(Path(lazur.__file__).parent / "runtime" / "__main__.py")
        plan = {"version": 1, "job": "j", "workspace": "w", "attempt": 1}
        plan |= {"folder": str(tmp_path), "artifacts": str(tmp_path / "a"), "command": "echo hi"}
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        made = Nursery([python, "-I", "-S", "-X", "utf8", runtime])
        with (tmp_path / "notes").open("ab") as notes, Path(os.devnull).open("rb") as null:
            assert made.start([str(tmp_path)], null.fileno(), notes.fileno(), {}) is not None
        until = time.monotonic() + 30
        while not (tmp_path / "exit.json").exists() and time.monotonic() < until:
            time.sleep(0.02)
        made.close()
        assert (tmp_path / "notes").read_text() == ""
        assert (tmp_path / "a/user_logs/std_log.txt").read_text() == "hi\n"


def descriptors(pid: int) -> set[str]:
    return {entry.name for entry in Path(f"/proc/{pid}/fd").iterdir()}


def until_empty(path: Path) -> bool:
    until = time.monotonic() + 60
    while path.read_text().strip() and time.monotonic() < until:
        time.sleep(0.02)
    return not path.read_text().strip()


def gone(pid: int) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return True
        if stat.rpartition(b")")[2].split()[0] == b"Z":
            return True
        time.sleep(0.02)
    return False
