"""A limit on the job's memory, by a cgroup of its own, in version 1 or 2, where the node permits
one."""

from __future__ import annotations

import os
import time

from lazur.runtime.attempt import Attempt

_MOUNTS = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup", "/sys/fs/cgroup/unified")


class Limit:
    """`group` is the folder of the cgroup; the job's processes enter it before they become the
    user's."""

    def __init__(self, group: str, version: int) -> None:
        self.group = group
        self._version = version

    def was_hit(self) -> bool:
        """Whether the kernel ended a process of the job for lack of memory."""
        name = "memory.events" if self._version == 2 else "memory.oom_control"
        for line in _read(self.group + "/" + name).splitlines():
            if line.startswith("oom_kill ") and line.split()[1] != "0":
                return True
        return False

    def close(self) -> None:
        """The last process may be gone and the kernel not yet done with it."""
        for _ in range(50):
            if self._remove():
                return
            time.sleep(0.02)

    def _remove(self) -> bool:
        try:
            os.rmdir(self.group)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def open_limit(attempt: Attempt) -> Limit | None:
    name = "lazur-" + attempt.plan.key.replace("/", "-") + "-%d" % os.getpid()
    for parent, version in _parents():
        limit = _try(parent + "/" + name, version, attempt.plan.memory)
        if limit:
            with open(attempt.folder + "/cgroup", "w", encoding="utf-8") as file:
                file.write(limit.group)
            return limit
    attempt.note("no cgroup can be made here: the job's memory is not limited")
    return None


def _try(group: str, version: int, size: int) -> Limit | None:
    try:
        os.mkdir(group)
    except OSError:
        return None
    limit = Limit(group, version)
    try:
        if version == 2:
            _set(group + "/memory.max", size)
            _set_if_there(group + "/memory.swap.max", 0)
        else:
            _set(group + "/memory.limit_in_bytes", size)
            _set_if_there(group + "/memory.memsw.limit_in_bytes", size)
    except OSError:
        limit.close()
        return None
    return limit


def _parents() -> list[tuple[str, int]]:
    """Where a group may be made: below this process's own, or beside it, since version 2 wants no
    processes in a group that has others below."""
    found: list[tuple[str, int]] = []
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, own = line.split(":", 2)
        version = 1 if controllers else 2
        if controllers and "memory" not in controllers.split(","):
            continue
        places = _MOUNTS[:1] if version == 1 else _MOUNTS[1:]
        for mount in places:
            groups = dict.fromkeys((own.rstrip("/"), own.rstrip("/").rpartition("/")[0]))
            found += [(mount + group, version) for group in groups]
    return [place for place in found if os.path.isdir(place[0])]


def _set(path: str, value: int) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, b"%d" % value)
    finally:
        os.close(fd)


def _set_if_there(path: str, value: int) -> None:
    """Not every kernel counts swap."""
    if os.path.exists(path):
        _set(path, value)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
