"""`lazur lineage …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from knack.util import CLIError

from lazur.cli import lineage_tree, session
from lazur.cli.arguments import count, option
from lazur.cli.tables import when


def _node(node: dict[str, Any]) -> dict[str, Any]:
    through = {"From": node["through"] or ""} if "through" in node else {}
    return OrderedDict(
        Id=node["id"],
        Distance=node["distance"],
        State=node.get("status") or node.get("state") or "",
        **through,
        By=node.get("created_by") or "",
        When=when(node.get("created_at")),
    )


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [_node(node) for node in found.get("affected", found.get("nodes", []))]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "lineage show": ("show", {"table_transformer": _rows}),
    "lineage impact": ("impact", {"table_transformer": _rows}),
}
_FORMATS = ("table", "json", "mermaid", "openlineage")
_OF: dict[str, Any] = {
    "options_list": [],
    "help": "What it is about: model:NAME:VERSION, data:NAME@latest, job:NAME, an azureml:// "
    "address, a URL.",
    "metavar": "REFERENCE",
}
_TYPE = option("--type", help="What `azureml:NAME:VERSION` is: model, data, component, …")
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "lineage show": {
        "of": _OF,
        "kind": _TYPE,
        "up": option("--up", help="Only what it came of.", action="store_true"),
        "down": option("--down", help="Only what came of it.", action="store_true"),
        "depth": option("--depth", help="At most so many steps. Default: 10.", type=count),
        "shape": option(
            "--format",
            help=f"One of {', '.join(_FORMATS)}: a tree to read, the graph, a flowchart for "
            "Markdown, or OpenLineage's events.",
            choices=_FORMATS,
        ),
    },
    "lineage impact": {"of": _OF, "kind": _TYPE},
}
HELP: dict[str, dict[str, Any]] = {
    "lineage show": {
        "short-summary": "Show what something came of, and what came of it.",
        "long-summary": (
            "Code, environments, data, components and jobs lead to outputs, models and other "
            "jobs. What you may not see has no name in it."
        ),
        "examples": [
            {"name": "A model's", "text": "lazur lineage show model:x:3"},
            {"name": "Only what it came of", "text": "lazur lineage show model:x:3 --up"},
            {
                "name": "A drawing for Markdown",
                "text": "lazur lineage show model:x:3 --format mermaid",
            },
            {
                "name": "For a data catalogue",
                "text": "lazur lineage show job:NAME --format openlineage",
            },
        ],
    },
    "lineage impact": {
        "short-summary": "Show what is affected if something is wrong, and whom to tell.",
        "examples": [
            {"name": "Of data", "text": "lazur lineage impact data:y:2"},
            {
                "name": "The people alone",
                "text": "lazur lineage impact data:y:2 --query people[].name -o tsv",
            },
        ],
    },
}


def show(
    of: str,
    kind: str | None = None,
    up: bool = False,
    down: bool = False,
    depth: int | None = None,
    shape: str | None = None,
) -> Any:
    if up and down:
        raise CLIError("--up and --down: give one of them. Without either it is both.")
    rooms = session.client().lineage
    direction = "up" if up else "down" if down else "both"
    graph = rooms.show(of, kind=kind, direction=direction, depth=depth)
    if shape == "mermaid":
        print(rooms.mermaid(graph), end="")
        return None
    if shape == "openlineage":
        return rooms.openlineage(graph)
    return _told(graph.to_dict(), lineage_tree.graph, plain=shape == "json")


def impact(of: str, kind: str | None = None) -> Any:
    return _told(session.client().lineage.impact(of, kind=kind).to_dict(), lineage_tree.impact)


def _told(found: dict[str, Any], drawn: Any, *, plain: bool = False) -> Any:
    if plain or session.current.is_read_by_machine:
        return found
    print(drawn(found))
    return None
