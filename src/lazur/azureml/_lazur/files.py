"""Files and folders as scripts give and get them."""

from __future__ import annotations

import os
import shutil
from fnmatch import fnmatchcase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEPT = ("outputs", "logs")
_SOME = ("*", "?", "[")


def below(path: str) -> list[str]:
    """All files of a folder; a file is itself."""
    if os.path.isfile(path):
        return [path]
    return sorted(os.path.join(top, f) for top, _, files in os.walk(path) for f in files)


def home() -> str:
    """The job's folder, wherever the script has gone since."""
    return os.environ.get("AZUREML_CR_EXECUTION_WORKING_DIR_PATH") or os.getcwd()


def place(name: str) -> str:
    """A path in the job's folder, with the folders above it."""
    inside = os.path.normpath(name)
    if os.path.isabs(inside) or inside.split(os.sep)[0] == os.pardir:
        raise ValueError("%r leads out of the working directory." % name)
    path = os.path.join(home(), inside)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def kept_as(name: str) -> str:
    """What a file is called among those that are kept as soon as they are there."""
    inside = os.path.normpath(name).replace(os.sep, "/")
    return inside if inside.split("/")[0] in KEPT else "outputs/" + inside


def kept_name(path: str) -> str | None:
    """What a path is called among what is kept, if it lies there."""
    real = os.path.realpath(path)
    for folder in KEPT:
        top = os.path.realpath(os.path.join(home(), folder))
        if real == top:
            return folder
        if real.startswith(top + os.sep):
            return folder + "/" + os.path.relpath(real, top).replace(os.sep, "/")
    return None


def kept() -> list[str]:
    """What all files are called that are kept."""
    top = home()
    found = [path for folder in KEPT for path in below(os.path.join(top, folder))]
    return sorted(os.path.relpath(path, top).replace(os.sep, "/") for path in found)


def copy(source: Any, target: str) -> None:
    """A path, or something to read from; what lies there already is fine."""
    if hasattr(source, "read"):
        with open(target, "wb") as file:
            shutil.copyfileobj(source, file)
    elif not (os.path.exists(target) and os.path.samefile(source, target)):
        shutil.copyfile(source, target)


def aim(path: str, default: str) -> str:
    """Where a download goes: into a folder by its own name, else to the path itself."""
    target = os.path.join(path, default) if os.path.isdir(path) else path
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    return target


def divided(pattern: str) -> tuple[str, str]:
    """The folder that a pattern begins in, and the pattern below it: "" where there is none."""
    parts = pattern.split("/")
    for index, part in enumerate(parts):
        if any(sign in part for sign in _SOME):
            return "/".join(parts[:index]), "/".join(parts[index:])
    return pattern, ""


def fits(path: str, pattern: str) -> bool:
    """Whether a path below the pattern's folder is meant: `**` is any number of folders."""
    return not pattern or _fit(path.split("/"), pattern.split("/"))


def _fit(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        rest = pattern[1:] or ["*"]
        return any(_fit(parts[index:], rest) for index in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fit(parts[1:], pattern[1:])


OWN = "lazur_v1"
"""The input by which this package comes where scripts name it `lazur.v1`."""
