"""Read-only views of data, by bind mounts in a mount namespace of this supervisor and its job
alone.

Modes do not hold back root, and an owner may change them; a read-only mount holds back both. Where
the node permits no namespace (a plain container, another system than Linux) callers fall back to
copies.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_NOSUID = 2
_MS_NODEV = 4
_MS_NOEXEC = 8
_MS_REMOUNT = 32
_MS_NOATIME = 1024
_MS_NODIRATIME = 2048
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19
_MS_RELATIME = 1 << 21
_ST_RELATIME = 4096
_KEPT = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC | _MS_NOATIME | _MS_NODIRATIME
"""Flags that `statvfs` reports with the numbers that `mount` takes."""


class View:
    """Opened with the first mount; from then on this process sees its own mounts, which end with
    it."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._open: bool | None = None

    def bind(self, source: str, target: str) -> bool:
        """Show `source` at `target`, read-only, below mounts included. False: not possible
        here."""
        if self._open is None:
            self._open = self._enter()
        if not self._open:
            return False
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        else:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))
        if not _mount(source, target, _MS_BIND | _MS_REC):
            self._note("no bind mount of %s: %s" % (source, _reason()))
            _clear(target)
            return False
        if _seal(target):
            return True
        self._note("no read-only mount of %s: %s" % (source, _reason()))
        _libc().umount2(os.fsencode(target), 2)
        _clear(target)
        return False

    def _enter(self) -> bool:
        uid, gid = os.geteuid(), os.getegid()
        if _libc().unshare(_CLONE_NEWNS) != 0:
            if uid == 0 or _libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0:
                self._note("no private mounts on this node: %s" % _reason())
                return False
            _map_self(uid, gid)
        if _mount("none", "/", _MS_REC | _MS_SLAVE):
            return True
        self._note("mounts of this node cannot be made private: %s" % _reason())
        return False


def _map_self(uid: int, gid: int) -> None:
    """The same user inside as outside. Not root inside: so the job itself has no rights over these
    mounts."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (uid, uid)),
        ("gid_map", "%d %d 1" % (gid, gid)),
    ):
        with open("/proc/self/" + name, "wb", buffering=0) as file:
            file.write(text.encode("ascii"))


def _seal(target: str) -> bool:
    """Read-only for the mount itself and for whatever is mounted below it."""
    return all(
        _mount("none", place, _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _flags(place))
        for place in _mounted_below(target)
    )


def _flags(place: str) -> int:
    """A remount must repeat what the mount has: nobody but root may drop `nosuid` and the like."""
    has = os.statvfs(place).f_flag
    return has & _KEPT | (_MS_RELATIME if has & _ST_RELATIME else 0)


def _mounted_below(target: str) -> list[str]:
    found: list[str] = []
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            place = os.fsdecode(line.split(b" ")[4].decode("unicode_escape").encode("latin-1"))
            if place == target or place.startswith(target + "/"):
                found.append(place)
    return found


def _mount(source: str, target: str, flags: int) -> bool:
    return (
        _libc().mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None)
        == 0
    )


def _clear(target: str) -> None:
    if os.path.isdir(target):
        os.rmdir(target)
    else:
        os.unlink(target)


def _reason() -> str:
    return os.strerror(ctypes.get_errno())


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
