"""Build scripts of packages are strangers' code: they run without sight of the server's own files.

    python _fence.py <secret folder> <allowed folder>… -- <program> <argument>…

On Linux with Landlock (5.19 and newer) the program below can neither read nor write files of the
secret folder outside of the allowed ones, whoever it runs as. Elsewhere it just runs: there, only
the allow-list of variables protects. Standard library only, for it starts before every uv.
"""

from __future__ import annotations

import ctypes
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_SIGNS = ("token", "server.json", "lazur.db")
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVILEGES = 38
_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 2, 1 << 13, 1 << 14
_REFER_SINCE, _TRUNCATE_SINCE = 2, 3


def around(root: Path, allowed: list[Path]) -> list[str]:
    """What to put before a program; empty where there is nothing to hide or no way to hide it."""
    home = next((folder for folder in (root, root.parent) if _is_home(folder)), None)
    if home is None or not possible():
        return []
    named = [str(path.resolve()) for path in (allowed if home == root else [root])]
    return [sys.executable, "-I", "-S", __file__, str(home.resolve()), *named, "--"]


def possible() -> bool:
    """Whether this kernel can do it."""
    return _abi() >= _REFER_SINCE


def close(secret: Path, allowed: list[Path]) -> None:
    """For this process and all below it, for good. Raises OSError when the kernel refuses."""
    abi = _abi()
    file_rights = _READ_FILE | _WRITE_FILE | (_TRUNCATE if abi >= _TRUNCATE_SINCE else 0)
    rights = file_rights | _REFER
    ruleset = _call(_CREATE, struct.pack("=Q", rights), 8, 0)
    for path in [*_beside(secret), *allowed]:
        _allow(ruleset, path, rights, file_rights)
    _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _call(_RESTRICT, ruleset, 0)


def _beside(secret: Path) -> Iterator[Path]:
    """Everything on the machine but the folder. Links lead to what is allowed, or is not."""
    on_the_way = {secret, *secret.parents}
    for folder in secret.parents:
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue  # the program could not list it either
        yield from (path for path in entries if path not in on_the_way)


def _allow(ruleset: int, path: Path, rights: int, file_rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        mode = os.fstat(opened).st_mode
        if not stat.S_ISLNK(mode):
            granted = rights if stat.S_ISDIR(mode) else file_rights
            _call(_ADD, ruleset, _PATH_BENEATH, struct.pack("=Qi", granted, opened), 0)
    except OSError:
        return  # a kind of file that has no rules stays closed
    finally:
        os.close(opened)


def _is_home(folder: Path) -> bool:
    return any((folder / name).exists() for name in _SIGNS)


def _abi() -> int:
    """Landlock's version here; 0 when it is not there."""
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}:
        return 0
    return max(0, _libc().syscall(_CREATE, None, 0, 1))


def _call(number: int, *arguments: object) -> int:
    return _checked(_libc().syscall(number, *arguments))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    cut = arguments.index("--")
    secret, *allowed = (Path(text) for text in arguments[:cut])
    close(secret, allowed)
    program = arguments[cut + 1 :]
    os.execv(program[0], program)  # noqa: S606 - an argument list is the point


if __name__ == "__main__":
    main(sys.argv[1:])
