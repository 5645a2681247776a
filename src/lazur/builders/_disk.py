"""Bytes on the disk, and folders that vanish in one step."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

TRASH = ".trash-"


def own_bytes(folder: Path) -> int:
    """What deleting the folder would free: files that nobody else links to."""
    total, todo = 0, [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        status = entry.stat(follow_symlinks=False)
                        total += status.st_size if status.st_nlink == 1 else 0
        except FileNotFoundError:  # deleted meanwhile: it frees nothing
            continue
    return total


def discard(folder: Path) -> None:
    """Gone under its name at once, so that nobody finds half of it; then deleted."""
    trash = folder.parent / f"{TRASH}{uuid.uuid4().hex}"
    try:
        folder.rename(trash)
    except FileNotFoundError:
        return
    empty(trash)


def empty(trash: Path) -> None:
    """Another process may be deleting the same; what stays is taken by the next sweep."""
    shutil.rmtree(trash, ignore_errors=True)


def environment_bytes(prefix: Path) -> int:
    """As `own_bytes`, for an environment that was just installed. When its packages are linked
    to the cache, only what the installer wrote itself is its own, and a look at thousands of
    files is saved."""
    if not _is_linked(prefix):
        return own_bytes(prefix)
    written = [prefix / "bin", *prefix.glob("lib/python*/site-packages/*.dist-info")]
    return sum(own_bytes(folder) for folder in written)


def _is_linked(prefix: Path) -> bool:
    module = next(prefix.glob("lib/python*/site-packages/*.dist-info/METADATA"), None)
    return module is None or module.stat().st_nlink > 1
