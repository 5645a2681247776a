"""`lazur version`"""

from __future__ import annotations

import platform
from typing import Any

import lazur
from lazur.sdk import home, local

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"version": ("version", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {}
HELP: dict[str, dict[str, Any]] = {
    "version": {
        "short-summary": "Show the versions of Lazur, of this machine's server, of Python.",
        "examples": [{"name": "Of Lazur alone", "text": "lazur version --query lazur -o tsv"}],
    }
}


def version() -> Any:
    server = local.running(home.find())
    return {
        "lazur": lazur.__version__,
        "server": server.version if server else None,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
