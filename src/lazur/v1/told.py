"""What a script asks for and Lazur does not do, told by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazur.azureml._lazur import absent as in_job
from lazur.azureml._lazur.told import Ignored, ignored
from lazur.errors import Unsupported

__all__ = ["Ignored", "absent", "ignored", "refused"]

_INSTEAD = "See docs/azure-v1.md for what there is."


def refused(what: str, instead: str = _INSTEAD) -> Unsupported:
    return Unsupported(f"{what} is not part of lazur.v1.", hint=instead)


def absent(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module that has more names in v1: scripts import far more than they
    use, so only a use is refused."""
    return in_job.absent(module, refuse=refused)
