"""What a script asks for and gets nothing of, told by name."""

from __future__ import annotations

import sys
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Ignored(UserWarning):
    """A parameter of v1 that changes nothing here."""


def ignored(owner: str, given: Mapping[str, Any], why: str = "it has no effect here") -> None:
    for name, value in given.items():
        if not is_harmless(value):
            warnings.warn("%s: %s is ignored: %s." % (owner, name, why), Ignored, _level())


def is_harmless(value: Any) -> bool:
    """As good as not given. Tables and arrays would not say whether they equal something."""
    return value is None or value is False or (isinstance(value, _EMPTY) and not value)


def _level() -> int:
    """Where the script is, above all that is ours."""
    level = 2
    while sys._getframe(level).f_globals.get("__name__", "").split(".")[0] in _OURS:
        level += 1
    return level


_OURS = ("azureml", "lazur")
_EMPTY = (str, tuple, list, dict)
