"""Packages that are needed only for some tables: imported when they are, and named when absent."""

from __future__ import annotations

import importlib
from typing import Any

from ._errors import MissingPackage

_NAMES = {"yaml": "PyYAML"}


def need(module: str, why: str) -> Any:
    """The module, or an error that says what to install and what for."""
    top = module.split(".", 1)[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name not in (top, module):
            raise
        package = _NAMES.get(top, top)
        raise MissingPackage(
            f"{why} needs the package '{package}', which is not installed here. Add it to the"
            f" environment: pip install {package}"
        ) from None


def arrow() -> Any:
    return need("pyarrow", "Reading a table")


def compute() -> Any:
    return need("pyarrow.compute", "Reading a table")
