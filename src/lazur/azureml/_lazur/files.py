"""Files and folders as scripts give and get them."""

from __future__ import annotations

import os

KEPT = ("outputs", "logs")


def below(path: str) -> list[str]:
    """All files of a folder; a file is itself."""
    if os.path.isfile(path):
        return [path]
    return sorted(os.path.join(top, f) for top, _, files in os.walk(path) for f in files)


def is_kept(name: str) -> bool:
    return os.path.normpath(name).split(os.sep)[0] in KEPT


def place(name: str) -> str:
    """A path in the working directory, with the folders above it."""
    path = os.path.normpath(name)
    if os.path.isabs(path) or path.startswith(".."):
        raise ValueError("%r leads out of the working directory." % name)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    return path


def kept_as(name: str) -> str:
    """Where a file is kept as soon as it is there."""
    return place(name if is_kept(name) else "outputs/" + name)


OWN = "lazur_v1"
"""The input by which this package comes where scripts name it `lazur.v1`."""
