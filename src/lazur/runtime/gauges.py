"""What a node and a job are using right now, read from /proc. Where the system has no /proc, what
it does have."""

from __future__ import annotations

import os
import time

from lazur.runtime.processes import descendants

_MEGABYTE = 1e6
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Gauges:
    """Names are those that MLflow's own client gives, so that curves of both lie side by side;
    `job_…` are the job's alone."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._processor = _processor()
        self._network = _network()
        self._job = (time.monotonic(), 0.0)

    def read(self) -> dict[str, float]:
        found: dict[str, float] = {}
        self._read_processor(found)
        _read_memory(found)
        _read_disk(found, self._folder)
        self._read_network(found)
        self._read_job(found)
        return found

    def _read_processor(self, found: dict[str, float]) -> None:
        now = _processor()
        if now is None or self._processor is None:
            return
        (busy, total), (busy_before, total_before) = now, self._processor
        self._processor = now
        if total > total_before:
            share = (busy - busy_before) / (total - total_before)
            found["cpu_utilization_percentage"] = min(100.0, max(0.0, 100.0 * share))

    def _read_network(self, found: dict[str, float]) -> None:
        now = _network()
        if now is None or self._network is None:
            return
        found["network_receive_megabytes"] = (now[0] - self._network[0]) / _MEGABYTE
        found["network_transmit_megabytes"] = (now[1] - self._network[1]) / _MEGABYTE

    def _read_job(self, found: dict[str, float]) -> None:
        pids = descendants(os.getpid())
        now, used = time.monotonic(), _job_seconds(pids)
        (before, used_before), self._job = self._job, (now, used)
        if pids and now > before:
            found["job_cpu_cores"] = max(0.0, used - used_before) / (now - before)
            found["job_memory_megabytes"] = _resident(pids) / _MEGABYTE


def _processor() -> tuple[float, float] | None:
    """(busy, all) of the machine's time since it started. Time of guests is part of the users'."""
    line = _text("/proc/stat").partition("\n")[0].split()
    if not line:
        return None
    times = [float(part) for part in line[1:9]]
    return sum(times) - times[3] - times[4], sum(times)


def _read_memory(found: dict[str, float]) -> None:
    sizes: dict[str, int] = {}
    for line in _text("/proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name in ("MemTotal", "MemAvailable"):
            sizes[name] = int(rest.split()[0]) * 1024
    if len(sizes) == 2:
        used = sizes["MemTotal"] - sizes["MemAvailable"]
        found["system_memory_usage_megabytes"] = used / _MEGABYTE
        found["system_memory_usage_percentage"] = 100.0 * used / sizes["MemTotal"]


def _read_disk(found: dict[str, float], folder: str) -> None:
    """Of the disk that the job writes to."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    free = disk.f_bavail * disk.f_frsize
    found["disk_usage_megabytes"] = used / _MEGABYTE
    found["disk_available_megabytes"] = free / _MEGABYTE
    if used + free:
        found["disk_usage_percentage"] = 100.0 * used / (used + free)


def _network() -> tuple[int, int] | None:
    """Bytes (received, sent) by all but the loopback."""
    lines = _text("/proc/net/dev").splitlines()[2:]
    counts = [line.partition(":") for line in lines]
    fields = [rest.split() for name, _, rest in counts if name.strip() != "lo"]
    if not lines:
        return None
    return sum(int(f[0]) for f in fields), sum(int(f[8]) for f in fields)


def _job_seconds(pids: list[int]) -> float:
    """Of processors, by everything that the job ran so far: what has ended is added to its parent,
    and in the end to this process."""
    own = os.times()
    total = own.children_user + own.children_system
    for pid in pids:
        fields = _text("/proc/%d/stat" % pid).rpartition(")")[2].split()
        if len(fields) > 14:
            total += sum(float(field) for field in fields[11:15]) / _TICKS
    return total


def _resident(pids: list[int]) -> float:
    """Pages that processes share are counted for each."""
    total = 0
    for pid in pids:
        fields = _text("/proc/%d/statm" % pid).split()
        total += int(fields[1]) * _PAGE if len(fields) > 1 else 0
    return float(total)


def _text(path: str) -> str:
    """Empty where it cannot be read: a process that ended, or a system without /proc."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
