"""`lazur experiment …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from knack.util import CLIError

from lazur.cli import session, specs, terminal
from lazur.cli.arguments import (
    ARCHIVED_ONLY,
    DESCRIPTION,
    INCLUDE_ARCHIVED,
    MAX_RESULTS,
    TAGS,
    YES,
    name,
)
from lazur.cli.tables import when


def _row(found: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Name=found["name"],
        Runs=found["runs"],
        Running=found["running"],
        Last=when(found["last_activity_at"]),
        Made=when(found["created_at"]),
        State="archived" if found["archived"] else "active",
    )


def _rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(one) for one in found]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "experiment list": ("list_", {"table_transformer": _rows}),
    "experiment show": ("show", {"table_transformer": _row}),
    "experiment update": ("update", {"table_transformer": _row}),
    "experiment archive": ("archive", {"table_transformer": _row}),
    "experiment restore": ("restore", {"table_transformer": _row}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "experiment": {"name": name("experiment, or its id in MLflow")},
    "experiment list": {
        "include_archived": INCLUDE_ARCHIVED,
        "archived_only": ARCHIVED_ONLY,
        "max_results": MAX_RESULTS,
    },
    "experiment update": {"description": DESCRIPTION, "tags": TAGS},
    "experiment archive": {"yes": YES},
}
HELP: dict[str, dict[str, Any]] = {
    "experiment list": {
        "short-summary": "List experiments, the newest first, with how much is in each.",
        "examples": [
            {"name": "As a table", "text": "lazur experiment list -o table"},
            {"name": "What was archived", "text": "lazur experiment list --archived-only"},
        ],
    },
    "experiment show": {
        "short-summary": "Show an experiment: its runs in number, when something last happened.",
        "examples": [{"name": "Show", "text": "lazur experiment show -n mnist"}],
    },
    "experiment update": {
        "short-summary": "Change an experiment's description and tags.",
        "long-summary": "Tags are added to those that are there; KEY= removes one.",
        "examples": [
            {
                "name": "Say what it is about",
                "text": "lazur experiment update -n mnist --description Digits --tags team=vision",
            }
        ],
    },
    "experiment archive": {
        "short-summary": "Archive an experiment, with its runs. `experiment restore` undoes it.",
        "long-summary": (
            "It is what MLflow calls deleting: until its runs are purged, nothing is lost. What"
            " still runs is cancelled first."
        ),
        "examples": [{"name": "Archive", "text": "lazur experiment archive -n mnist --yes"}],
    },
    "experiment restore": {
        "short-summary": "Take an experiment out of the archive, with the runs that went with it.",
        "examples": [{"name": "Restore", "text": "lazur experiment restore -n mnist"}],
    },
}


def list_(
    include_archived: bool = False, archived_only: bool = False, max_results: int | None = None
) -> Any:
    view = "archived" if archived_only else "all" if include_archived else "active"
    found = session.client().experiments.list(view=view, max_results=max_results)
    return [one.to_dict() for one in found]


def show(name: str) -> Any:
    return session.client().experiments.get(name).to_dict()


def update(name: str, description: str | None = None, tags: Any = None) -> Any:
    changes: dict[str, Any] = {} if description is None else {"description": description}
    if tags:
        changes["tags"] = {key: value or None for key, value in (specs.pairs(tags) or {}).items()}
    if not changes:
        raise CLIError("What is to change? Give --description or --tags.")
    return session.client().experiments.update(name, **changes).to_dict()


def archive(name: str, yes: bool = False) -> Any:
    experiments = session.client().experiments
    if not yes and (count := experiments.get(name).runs):
        terminal.confirm(f"Archive {name!r} with its {count} runs?")
    return experiments.archive(name).to_dict()


def restore(name: str) -> Any:
    return session.client().experiments.restore(name).to_dict()
