"""What a script asks for and Lazur does not do, told by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from lazur.errors import Unsupported

_HARMLESS = (None, False, (), "")


class Ignored(UserWarning):
    """A parameter of v1 that changes nothing here."""


def ignored(owner: str, given: Mapping[str, Any], why: str = "it has no effect here") -> None:
    for name, value in given.items():
        if value not in _HARMLESS:
            warnings.warn(f"{owner}: {name} is ignored: {why}.", Ignored, stacklevel=3)


def refused(what: str, instead: str) -> Unsupported:
    return Unsupported(f"{what} is not part of lazur.v1.", hint=instead)
