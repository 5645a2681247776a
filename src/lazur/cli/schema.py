"""`lazur schema`: JSON schemas for editors."""

from __future__ import annotations

from typing import Any

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"schema": ("schema", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "schema": {
        "kind": {
            "options_list": [],
            "help": "Such as command-job, environment, data, model.",
            "nargs": "?",
        }
    }
}
HELP: dict[str, dict[str, Any]] = {
    "schema": {
        "short-summary": "Print the JSON schema of a kind of YAML, for editors.",
        "long-summary": "Without a kind, the kinds there are.",
        "examples": [
            {"name": "The kinds", "text": "lazur schema"},
            {
                "name": "Of a command job",
                "text": "lazur schema command-job > command-job.schema.json",
            },
            {
                "name": "Then, as the first line of the YAML",
                "text": "# yaml-language-server: $schema=command-job.schema.json",
            },
        ],
    }
}


def schema(kind: str | None = None) -> Any:
    # The models take a tenth of a second to import, and no other command needs them.
    from lazur.kinds import catalog  # noqa: PLC0415
    from lazur.kinds.schema import json_schema  # noqa: PLC0415

    return json_schema(kind) if kind else list(catalog.KINDS)
