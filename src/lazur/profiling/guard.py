"""Which files a table may name: those of the data itself, and those of the datastores that its
workspace has here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

from lazur.mltable import MLTableError, resolve


class Guard:
    """For `mltable.load(…, resolver=…)`: paths that are somewhere else are refused."""

    def __init__(self, root: str, datastores: Mapping[str, str]) -> None:
        self._folders = [os.path.realpath(root), *map(os.path.realpath, datastores.values())]

    def __call__(self, path: str) -> str:
        actual = resolve(path)
        if "://" in actual:
            _refuse(path, "is not on this server, and a look at data fetches nothing")
        real = os.path.realpath(actual)
        if not any(real == top or real.startswith(f"{top}/") for top in self._folders):
            _refuse(path, "is not a part of this data")
        return actual


def _refuse(path: str, why: str) -> NoReturn:
    raise MLTableError(f"{path} {why}. Read it in a job: there it is an input like any other.")
