"""Phase `code`: the snapshot becomes the working directory."""

from __future__ import annotations

import os

from lazur.runtime.attempt import Attempt

_KEPT = ("outputs", "logs")


def prepare_code(attempt: Attempt) -> None:
    source = attempt.plan.code
    if source is not None:
        # A job without code (`command: echo hi`) does not pay for this module.
        from lazur.runtime import trees  # noqa: PLC0415

        trees.copy_code(attempt, source)
    for name in _KEPT:
        _link(attempt, name)


def _link(attempt: Attempt, name: str) -> None:
    """`./outputs` and `./logs` are kept, so they are the artifacts' folders; what the snapshot had
    there moves in."""
    place = attempt.wd + "/" + name
    kept = attempt.artifacts + "/" + name
    try:
        os.symlink(kept, place)
    except FileExistsError:
        if not os.path.isdir(place) or os.path.islink(place):
            attempt.warn("the code has a file named %s, so ./%s is not kept" % (name, name))
            return
        from lazur.runtime.folders import merge  # noqa: PLC0415  # rare

        merge(place, kept)
        os.symlink(kept, place)
