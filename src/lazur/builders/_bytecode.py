"""Compiles an environment's modules in the background. Run as a program, detached, one at a time
per root.

    python _bytecode.py <lock file> <environment>

Standard library only: it starts while a job does, and must cost nothing.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

MARKER = "lazur-compiled"
_IDLE_CLASS = "3"


def start(lock: Path, prefix: Path) -> None:
    """Called by the builder; returns at once. The compiler outlives its caller."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(lock), str(prefix)],
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody must collect it when it ends, or it stays a zombie of a long-lived server.
    threading.Thread(target=process.wait, daemon=True).start()


def compile_all(lock: Path, prefix: Path) -> None:
    with lock.open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if (prefix / MARKER).exists() or not (prefix / "bin" / "python").exists():
            return
        python = str(prefix / "bin" / "python")
        subprocess.run(
            # -I -S: the environment's own start-up hooks do not run here.
            [*_idle(), python, "-I", "-S", "-m", "compileall", "-q", "-j1", *_folders(prefix)],
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if (prefix / "bin" / "python").exists():
            (prefix / MARKER).touch()


def _folders(prefix: Path) -> list[str]:
    return [str(path) for path in prefix.glob("lib/python*/site-packages")]


def _idle() -> list[str]:
    program = "/usr/bin/ionice"
    return [program, "-c", _IDLE_CLASS] if os.access(program, os.X_OK) else []


if __name__ == "__main__":
    os.nice(19)
    compile_all(Path(sys.argv[1]), Path(sys.argv[2]))
