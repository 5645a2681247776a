"""What a script "uploads": known until it ends, by the place that it named.

Data from local files are stored by their content, with the job or the asset that uses them; a
datastore is not written to. So a script that uploads and then names the place gets its files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from lazur.azureml._lazur.sources import Here

_placed: list[tuple[str, str, Path]] = []
"""Datastore, place in it, and what is here: the newest first."""
_folders: list[tempfile.TemporaryDirectory[str]] = []
"""Of places that were put together from several files; they go with the process."""


def put(store: str, place: str, found: Path) -> None:
    _placed.insert(0, (store, _checked(place), found.absolute()))


def find(store: str, place: str) -> Path | None:
    """Where it is, if this script put it there."""
    wanted = _checked(place)
    for known, at, found in _placed:
        if known == store and (at in ("", wanted) or wanted.startswith(f"{at}/")):
            inner = found / wanted[len(at) :].lstrip("/")
            if inner.exists():
                return inner
    return _together(store, wanted)


def _together(store: str, wanted: str) -> Path | None:
    above = f"{wanted}/" if wanted else ""
    parts = [(at, f) for known, at, f in _placed if known == store and at.startswith(above)]
    if not parts:
        return None
    made = folder()
    for at, found in reversed(parts):
        target = made / at[len(above) :]
        target.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(found, target)
    return made


def folder() -> Path:
    """An empty one, until the script ends."""
    _folders.append(tempfile.TemporaryDirectory(prefix="lazur-v1-uploads-"))
    return Path(_folders[-1].name)


def chosen(top: Path, pattern: str) -> Path:
    """A folder with the files below `top` that fit."""
    made = folder()
    Here(str(top), pattern).into(str(made))
    return made


def copied(found: Path, target: Path) -> list[str]:
    """A file or a folder's files, into another folder."""
    return Here(str(found)).into(str(target))


def _checked(place: str) -> str:
    """Below the datastore."""
    inside = os.path.normpath(place.strip("/") or ".").removeprefix(".")
    if inside.startswith("."):
        raise ValueError(f"{place!r} leads out of the datastore.")
    return inside
