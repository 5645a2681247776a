"""`lazur version`"""

from __future__ import annotations

import platform
from typing import Any

import lazur

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"version": ("version", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {}
HELP: dict[str, dict[str, Any]] = {
    "version": {
        "short-summary": "Show the versions of Lazur and of its Python.",
        "examples": [{"name": "Of Lazur alone", "text": "lazur version --query lazur -o tsv"}],
    }
}


def version() -> Any:
    return {
        "lazur": lazur.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
