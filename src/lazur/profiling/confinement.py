"""What this process may do from now on and for good: read the data, write into its scratch folder.

On Linux the kernel sees to it: Landlock closes all other files, a filter of system calls closes
the network and other programs. Elsewhere limits and Python's own audit hook are what there is.
Standard library only, and before anything else is imported: threads that run already keep what
they had.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import stat
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_ALL = (1 << 13) - 1
_TRUNCATE = 1 << 14
_IOCTL = 1 << 15
_OF_FILES = 0b111 | _TRUNCATE
_NETWORK = 0b11
_SCOPES = 0b11
_REFER = 1 << 13
_NO_NEW_PRIVILEGES, _DIE_WITH_PARENT, _FILTER = 38, 1, 22

_FORBIDDEN = {
    "x86_64": (
        0xC000003E,
        (41, 42, 49, 50, 53, 59, 62, 101, 165, 246, 272, 308, 310, 311, 321, 322, 425, 434),
    ),
    "aarch64": (
        0xC00000B7,
        (40, 97, 104, 117, 129, 198, 199, 200, 201, 203, 221, 268, 270, 271, 280, 281, 425, 434),
    ),
}
"""By machine: its mark, and the numbers of socket, connect, bind, listen, socketpair, execve,
kill, ptrace, mount, kexec_load, unshare, setns, process_vm_*, bpf, execveat, io_uring_setup and
pidfd_open."""
_GRACE = 5
"""Seconds between the signal that says why and the one that nobody outlives."""
_LIBRARIES = ("/lib", "/lib64", "/usr", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom")


@dataclass(frozen=True)
class Limits:
    memory: int
    """Bytes of memory that can be written to."""
    cpu: int
    """Seconds of all cores together."""
    seconds: int
    """On a clock on the wall."""
    disk: int
    """Bytes of one scratch file."""


def confine(limits: Limits, readable: Iterable[str], scratch: str) -> list[str]:
    """Returns what holds: `files`, `network`."""
    _limit(limits)
    held: list[str] = []
    if sys.platform == "linux":
        _libc().prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        held = [*_close_files(readable, scratch), *_close_network()]
    sys.addaudithook(_refuse)
    return held


def _limit(limits: Limits) -> None:
    signal.alarm(limits.seconds)
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": limits.cpu,
        "RLIMIT_FSIZE": limits.disk,
        "RLIMIT_NOFILE": 512,
        "RLIMIT_DATA" if sys.platform == "linux" else "RLIMIT_AS": limits.memory,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS has no limit of memory
            most = value + _GRACE if name == "RLIMIT_CPU" else value
            resource.setrlimit(kind, (value, most))


def _close_files(readable: Iterable[str], scratch: str) -> list[str]:
    abi = _abi()
    if abi < 1:
        return []
    files = _ALL | (_REFER if abi >= 2 else 0) | (_TRUNCATE if abi >= 3 else 0)
    files |= _IOCTL if abi >= 5 else 0
    network, scopes = (_NETWORK if abi >= 4 else 0), (_SCOPES if abi >= 6 else 0)
    rules = struct.pack("=QQQ", files, network, scopes)
    rules = rules[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = _libc().syscall(_CREATE, rules, len(rules), 0)
    if ruleset < 0:
        return []
    for path in [*_LIBRARIES, *_python(), *readable]:
        _allow(ruleset, path, _READ_FILE | _READ_FOLDER)
    _allow(ruleset, scratch, files & ~1)
    _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return ["files"] if _libc().syscall(_RESTRICT, ruleset, 0) == 0 else []


def _python() -> set[str]:
    """Where modules are that are imported later."""
    own = Path(__file__).resolve().parent.parent
    return {sys.prefix, sys.base_prefix, str(own), *(path for path in sys.path if path)}


def _allow(ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(OSError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            granted = rights if stat.S_ISDIR(os.fstat(opened).st_mode) else rights & _OF_FILES
            rule = struct.pack("=Qi", granted, opened)
            _libc().syscall(_ADD, ruleset, _PATH_BENEATH, rule, 0)
        finally:
            os.close(opened)


def _close_network() -> list[str]:
    """By a filter that the kernel asks at each system call: what is forbidden is not permitted,
    and callers of another machine's numbers are killed."""
    known = _FORBIDDEN.get(platform.machine())
    if known is None:
        return []
    mark, numbers = known
    tail = len(numbers)
    steps = [(0x20, 0, 0, 4), (0x15, 1, 0, mark), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
    steps.append((0x35, tail + 1, 0, 0x40000000))
    steps += [(0x15, tail - place, 0, number) for place, number in enumerate(numbers)]
    steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    head = struct.pack("@HP", len(steps), ctypes.addressof(program))
    _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return ["network"] if _libc().prctl(_FILTER, 2, head, 0, 0) == 0 else []


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    """What no data needs, where the kernel does not see to it."""
    if event in _EVENTS:
        raise PermissionError(f"{event} is not for a look into data")


_EVENTS = frozenset(
    "socket.__new__ socket.connect socket.bind subprocess.Popen os.exec os.fork os.forkpty"
    " os.posix_spawn os.system pickle.find_class".split()
)


def _abi() -> int:
    """Landlock's version; 0 where it is not there."""
    if platform.machine() not in _FORBIDDEN:
        return 0
    return max(0, _libc().syscall(_CREATE, None, 0, 1))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
