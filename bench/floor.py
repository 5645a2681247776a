"""What this machine can do at all: every other figure is to be read beside these."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.harness import Result, compare

_HELLO = "print('hello', flush=True)"


def measure() -> list[Result]:
    rounds = 3 if os.environ.get("BENCH_QUICK") else 15
    bare, isolated = [sys.executable, "-c", _HELLO], [sys.executable, "-I", "-S", "-c", _HELLO]
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe"
        return [
            compare(
                "Start a Python that prints one line",
                {"python": lambda: _run(bare), "python -I -S": lambda: _run(isolated)},
                rounds=rounds,
                floor="python",
            ),
            compare("Write 4 KiB and sync", {"fsync": lambda: _sync(probe)}, rounds=rounds),
        ]


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _sync(path: Path) -> None:
    with path.open("wb") as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
