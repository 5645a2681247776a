"""Processes of this machine: who is alive, and who belongs to which attempt."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import NamedTuple

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PATIENCE = 1.0
WRONG = (KeyError, TypeError, ValueError, OverflowError)
"""What comes of a document of an attempt that its job has written itself."""
_children: set[int] = set()
_lock = threading.Lock()


class Identity(NamedTuple):
    """A pid alone says nothing: it is used again."""

    pid: int
    started: int | None
    boot: str | None


def is_alive(who: Identity) -> bool:
    """A process that ended and was not fetched yet (a zombie) is not alive."""
    if who.boot != _boot():
        return False
    try:
        fields = Path(f"/proc/{who.pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return who.started is None and _answers(who.pid)
    return fields[0] not in (b"Z", b"X") and int(fields[19]) == who.started


def end_attempt(key: str, folder: Path) -> bool:
    """The supervisor is dead: KILL what carries the attempt's mark, what descends from that, and
    what is in its cgroup, until nothing is left. False when something still was there after a
    moment."""
    group = _group(folder)
    end = time.monotonic() + _PATIENCE
    while [pid for pid in marked(key) | _members(group) if _kill(pid)]:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    while group and not _removed(group) and time.monotonic() < end:
        time.sleep(0.01)
    return True


def _removed(group: Path) -> bool:
    """The kernel may not be done yet with the last process."""
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def marked(key: str) -> set[int]:
    mark = f"LAZUR_ATTEMPT={key}".encode()
    parents = _parents()
    found = {pid for pid in parents if _has_mark(pid, mark)}
    grown = True
    while grown:
        below = {pid for pid, parent in parents.items() if parent in found}
        grown = not below <= found
        found |= below
    return found - {os.getpid()}


def remember(pid: int) -> None:
    """A child that `reap` is to fetch when it has ended."""
    with _lock:
        _children.add(pid)
    reap()


def reap() -> None:
    """Ended supervisors would stay as zombies of this process otherwise. Only our own children:
    others in this process wait for theirs."""
    with _lock:
        _children.difference_update([pid for pid in _children if _has_ended(pid)])


def _group(folder: Path) -> Path | None:
    """The attempt's cgroup, if it has one."""
    text = _text(folder / "cgroup")
    return Path(text) if text else None


def _members(group: Path | None) -> set[int]:
    return {int(pid) for pid in _text(group / "cgroup.procs").split()} if group else set()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _kill(pid: int) -> bool:
    """Whether it was there, and ours to end. What became another user's is beyond us."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    if not _BOOT.exists():
        return found
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields and fields[0] not in (b"Z", b"X"):
                found[int(entry.name)] = int(fields[1])
    return found


def _has_mark(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _boot() -> str | None:
    return _text(_BOOT).strip() or None


def _answers(pid: int) -> bool:
    """Where there is no /proc."""
    if _BOOT.exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
