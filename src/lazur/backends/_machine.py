"""What this machine has: cores, memory and GPUs, within what a container leaves of them."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 1 << 60


def cpus() -> int:
    """Those this process may run on, less what a quota takes away."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _quota()
    return max(1, min(count, int(quota))) if quota else count


def memory() -> int:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_number(f) for f in _files("memory", "memory.max", "memory.limit_in_bytes")]
    return min([total, *(n for n in limits if n and n < _NO_LIMIT)])


def gpus() -> int:
    """NVIDIA's driver lists them; asking its tools would take seconds."""
    listed = Path("/proc/driver/nvidia/gpus")
    visible = [d for d in Path("/dev").glob("nvidia[0-9]*") if d.name[6:].isdigit()]
    if visible or not listed.is_dir():
        return len(visible)
    return len(list(listed.iterdir()))


def _quota() -> float | None:
    for file in _files("cpu", "cpu.max"):
        words = _text(file).split()
        if len(words) == 2 and words[0].isdigit():
            return int(words[0]) / int(words[1])
    for file in _files("cpu", "cpu.cfs_quota_us"):
        quota = _number(file)
        period = _number(file.with_name("cpu.cfs_period_us"))
        if quota and period and quota > 0:
            return quota / period
    return None


def _files(controller: str, *names: str) -> list[Path]:
    """A controller's files for this process's group and those above it, in both versions of
    cgroups."""
    found: list[Path] = []
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mounts = (
            [_CGROUPS / controllers, _CGROUPS / controller]
            if controllers
            else [_CGROUPS, _CGROUPS / "unified"]
        )
        for mount in mounts:
            place = mount / group.lstrip("/")
            while place.is_relative_to(mount):
                found += [place / name for name in names if (place / name).is_file()]
                place = place.parent
    return found


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.lstrip("-").isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except OSError:
        return ""
