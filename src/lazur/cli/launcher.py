"""The file `az` that starts `lazur.cli.az`. An `az` of somebody else's is never written over."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from lazur.errors import Conflict

_MARK = "# Lazur's az. `lazur azure shim --remove` takes it away."


def write(folder: Path) -> Path:
    """Whole or not at all; once more is the same."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    path = folder / "az"
    _check_ours(path)
    draft = folder / f".az.{os.getpid()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_text())
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, never over what came meanwhile
        _check_ours(path)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def remove(folder: Path) -> bool:
    """Whether there was one."""
    path = folder / "az"
    if not os.path.lexists(path):
        return False
    _check_ours(path)
    path.unlink(missing_ok=True)
    return True


def _text() -> str:
    """-P: what lies in the working directory is not taken for Python's own modules."""
    words = [sys.executable, "-P", "-m", "lazur.cli.az"]
    return f'#!/bin/sh\n{_MARK}\nexec {shlex.join(words)} "$@"\n'


def _check_ours(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as file:
            if _MARK.encode() in file.read(1024):
                return
    raise Conflict(
        f"{path} is there, and is not Lazur's.",
        hint="It is left as it is. Choose another folder: lazur azure shim --dir DIR",
    )
