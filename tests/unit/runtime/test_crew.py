from __future__ import annotations

import subprocess
import sys

CODE = """
import os, signal, sys
import lazur.runtime.crew as crew
from lazur.runtime.processes import Command
sys.argv[1] == "bare" and delattr(crew.signal, "sigtimedwait")
adopts = sys.argv[1] != "bare"
crew._LINGER = 0.2
crew.hold_signals()
command = Command(0, ["/bin/sh", "-c", sys.argv[2]], {}, "/", "/dev/null")
one = crew.Crew([command], 0.2, 5.0, adopts)
one.start(0o077, None)
one.wait(lambda: True)
print(one.reason, one.first)
"""


def run(kind: str, command: str) -> str:
    argv = [sys.executable, "-c", CODE, kind, command]
    return subprocess.check_output(argv, text=True, timeout=60)


class TestWithoutTheKernelsHelp:
    """A system that cannot wait for signals with a time limit, nor hand over orphans: macOS."""

    def test_the_end_is_seen(self) -> None:
        assert run("bare", "exit 3") == f"None (0, {3 << 8})\n"

    def test_cancel_is_seen(self) -> None:
        assert run("bare", "kill -TERM $PPID; sleep 100").startswith("canceled")

    def test_what_ignores_the_end_is_killed(self) -> None:
        command = "trap '' TERM; kill -TERM $PPID; while :; do sleep 0.1; done"
        assert run("bare", command).startswith("canceled")


class TestCrew:
    def test_how_the_command_ended_wins_over_a_later_cancel(self) -> None:
        command = "(sleep 0.1; kill -TERM $PPID; sleep 100) & exit 0"
        assert run("linux", command) == "None (0, 0)\n"
