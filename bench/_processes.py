"""What processes use, as Linux tells it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> set[int]:
    """The processes below one."""
    parents: dict[int, int] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(_fields(stat)[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def parent(pid: int) -> int:
    return int(_fields(_PROC / str(pid) / "stat")[1])


def command(pid: int) -> str:
    return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def find(told: str) -> int | None:
    """The process with exactly this command line."""
    for path in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if command(int(path.name)) == told:
                return int(path.name)
    return None


def cpu(pid: int) -> float:
    """Seconds of its life, to the hundredth."""
    fields = _fields(_PROC / str(pid) / "stat")
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory(pid: int) -> float:
    """MB, with its share of what it shares."""
    text = (_PROC / str(pid) / "smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0]) / 1024


def forget_peak(pid: int) -> float:
    """MB that it holds now; from now on its peak is counted anew."""
    (_PROC / str(pid) / "clear_refs").write_text("5")
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    return _status(pid, "VmHWM")


def _status(pid: int, field: str) -> float:
    text = (_PROC / str(pid) / "status").read_text()
    return int(text.partition(f"{field}:")[2].split()[0]) / 1024


def _fields(stat: Path) -> list[str]:
    """Those behind the name, which may hold anything."""
    return stat.read_text().rpartition(")")[2].split()
