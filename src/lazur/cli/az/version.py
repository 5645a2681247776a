"""`az version`, `az upgrade`."""

from __future__ import annotations

from typing import Any

import lazur
from lazur.cli import terminal

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "version": ("version", {}),
    "upgrade": ("upgrade", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "upgrade": {
        "yes": {"options_list": ["--yes", "-y"], "action": "store_true", "help": "No question."},
        "everything": {
            "options_list": ["--all"],
            "nargs": "?",
            "const": "true",
            "help": "Accepted for Azure's scripts.",
        },
    }
}
HELP: dict[str, dict[str, Any]] = {
    "version": {
        "short-summary": "Show which versions of Azure's tools this speaks like, and Lazur's own.",
        "examples": [{"name": "Of Lazur", "text": "az version --query lazur -o tsv"}],
    },
    "upgrade": {
        "short-summary": "Say how Lazur is upgraded.",
        "examples": [{"name": "Ask", "text": "az upgrade --yes"}],
    },
}
CLI = "2.80.0"
ML = "2.41.0"
"""Whose forms those of this program are."""


def version() -> Any:
    return {
        "azure-cli": CLI,
        "azure-cli-core": CLI,
        "azure-cli-telemetry": "1.1.0",
        "extensions": {"ml": ML},
        "lazur": lazur.__version__,
    }


def upgrade(yes: bool = False, everything: str | None = None) -> None:
    terminal.note(
        f"This is the az of Lazur {lazur.__version__}, upgraded with it: pip install -U lazur"
    )
