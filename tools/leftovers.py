"""Processes that the tests left behind: exit 1 and name them when there are any.

    LEFTOVER_MARK=<name>-<seconds since the epoch> …tests…; python -m tools.leftovers <the same>

A process is ours when it inherited the mark, or when it belongs to a job and began after that
second. Linux only.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_PATIENCE = 10.0
"""Seconds that what is just ending gets."""


def main() -> int:
    mark = sys.argv[1]
    since = float(mark.rpartition("-")[2])
    give_up = time.monotonic() + _PATIENCE
    while left := list(_marked(mark, since)):
        if time.monotonic() > give_up:
            print("Left behind:", *left, sep="\n  ")
            return 1
        time.sleep(0.2)
    return 0


def _marked(mark: str, since: float) -> Iterator[str]:
    own, sign = _ancestors(), f"LEFTOVER_MARK={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in own:
            variables = _read(folder / "environ").split(b"\0")
            of_a_job = any(variable.startswith(b"LAZUR_ATTEMPT=") for variable in variables)
            if sign in variables or (of_a_job and _began(folder) >= since):
                command = (
                    _read(folder / "cmdline").replace(b"\0", b" ").decode(errors="replace").split()
                )
                yield f"{folder.name}: {' '.join(command)[:200]}"


def _began(folder: Path) -> float:
    """Roughly: when the kernel made the folder. 0 when the process is gone."""
    try:
        return folder.stat().st_ctime
    except OSError:
        return 0.0


def _ancestors() -> set[int]:
    found, pid = set[int](), os.getpid()
    while pid > 1:
        found.add(pid)
        stat = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
        pid = int(stat[1]) if len(stat) > 1 else 0
    return found


def _read(path: Path) -> bytes:
    """Empty when the process is gone, or somebody else's."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main())
