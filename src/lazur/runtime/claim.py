"""Who owns an attempt. A supervisor is known by pid, start time and boot, never by its pid
alone."""

from __future__ import annotations

import os

from lazur.runtime.documents import render


def take(folder: str) -> bool:
    """Make the attempt this process's own, or answer False: another supervisor has it, or it was
    fenced."""
    pid = os.getpid()
    return place(folder, {"pid": pid, "started": started(pid), "boot": boot()})


def place(folder: str, content: dict[str, object]) -> bool:
    """A link appears whole and only once, where creating and then writing would show an empty
    claim in between."""
    draft = "%s/claim.%d" % (folder, os.getpid())
    data = render(content).encode("ascii")
    _write(draft, data, os.O_TRUNC)
    try:
        os.link(draft, folder + "/claim")
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        return _create(folder + "/claim", data)
    finally:
        os.unlink(draft)
    return True


def started(pid: int) -> int | None:
    """Start time in clock ticks since boot, or None where there is no /proc."""
    try:
        with open("/proc/%d/stat" % pid, "rb", buffering=0) as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None


def boot() -> str | None:
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb", buffering=0) as file:
            return file.read().decode("ascii").strip()
    except OSError:
        return None


def _create(path: str, data: bytes) -> bool:
    try:
        _write(path, data, os.O_EXCL)
    except FileExistsError:
        return False
    return True


def _write(path: str, data: bytes, flag: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)
