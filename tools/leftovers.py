"""Processes that the tests left behind: exit 1 and name them when there are any.

    LEFTOVER_MARK=<unique> …tests…; python -m tools.leftovers <unique>

A process is ours when it inherited the mark, or when it belongs to a job. Linux only.
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
    signs = (f"LEFTOVER_MARK={sys.argv[1]}".encode(), b"LAZUR_ATTEMPT=")
    give_up = time.monotonic() + _PATIENCE
    while left := list(_marked(signs)):
        if time.monotonic() > give_up:
            print("Left behind:", *left, sep="\n  ")
            return 1
        time.sleep(0.2)
    return 0


def _marked(signs: tuple[bytes, ...]) -> Iterator[str]:
    own = _ancestors()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in own:
            variables = _read(folder / "environ").split(b"\0")
            if any(variable.startswith(signs) for variable in variables):
                command = _read(folder / "cmdline").replace(b"\0", b" ").decode(errors="replace")
                yield f"{folder.name}: {command}"


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
