"""What something came of, what came of it, and whom that concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from lazur.engine import lineage
from lazur.engine.lineage import Edge, Graph, Node
from lazur.errors import Invalid
from lazur.services.base.access import SYSTEM
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.results import nodes
from lazur.services.results.nodes import Eyes
from lazur.store import lineage as store

DEPTH, DEEPEST = 10, 50
MOST = 1000
"""Nodes of one answer: the nearest of more."""
_EDGES = 10 * MOST
_DIRECTIONS = ("up", "down", "both")
_UNSEEN = "something that you may not see"
_BETWEEN = frozenset({"uri", "tree", "build"})
"""Nobody made these: they are what lies between."""


def show(
    context: Context,
    workspace: str,
    of: str,
    kind: str | None = None,
    direction: str = "both",
    depth: int = DEPTH,
) -> dict[str, Any]:
    """The graph around `of`: what it came of (up), what came of it (down), or both."""
    home = open_workspace(context, workspace, nodes.READ)
    if direction not in _DIRECTIONS:
        raise Invalid(f"direction is {direction!r}.", hint=f"Known: {', '.join(_DIRECTIONS)}.")
    if not 1 <= depth <= DEEPEST:
        raise Invalid(f"depth is {depth}.", hint=f"Give 1 to {DEEPEST} steps.")
    eyes = Eyes(context, home)
    root = nodes.find(context, workspace, of, kind)
    return _told(context, eyes, _walked(context, eyes, root, direction, depth)) | {
        "direction": direction,
        "depth": depth,
    }


def impact(context: Context, workspace: str, of: str, kind: str | None = None) -> dict[str, Any]:
    """Everything that would be wrong if `of` is, the nearest first, and who made it."""
    home = open_workspace(context, workspace, nodes.READ)
    eyes = Eyes(context, home)
    root = nodes.find(context, workspace, of, kind)
    told = _told(context, eyes, _walked(context, eyes, root, "down", DEEPEST))
    through: dict[str, str] = {}
    for edge in told["edges"]:
        through.setdefault(edge["target"], edge["source"])
    affected = [
        {**node, "through": through.get(node["id"])}
        for node in told["nodes"]
        if node["distance"] > 0 and node["kind"] not in _BETWEEN and node["kind"] != "hidden"
    ]
    _attribute(told["nodes"], affected)
    return {
        "of": next(node for node in told["nodes"] if node["distance"] == 0),
        "affected": affected,
        "people": _people(affected),
        "hidden": any(node["kind"] == "hidden" for node in told["nodes"]),
        "truncated": told["truncated"],
    }


def _walked(context: Context, eyes: Eyes, root: Node, direction: str, depth: int) -> Graph:
    def look(front: Collection[Node], up: bool) -> list[Edge]:
        found = store.of(context.db, front, up=up, most=_EDGES)
        eyes.learn([edge.source if up else edge.target for edge in found])
        return found

    ways = [direction == "up"] if direction != "both" else [True, False]
    walked = [lineage.walk(root, look, eyes.may, up, depth, MOST) for up in ways]
    return walked[0] if len(walked) == 1 else lineage.joined(*walked)


def _told(context: Context, eyes: Eyes, graph: Graph) -> dict[str, Any]:
    seen = [node for node in graph.distances if eyes.may(node)]
    views = nodes.views(context, eyes, seen)
    known = {node: views[node] | {"distance": graph.distances[node]} for node in seen}
    unseen: dict[str, dict[str, Any]] = {}
    edges = [told for edge in graph.edges.values() for told in _edge(graph, known, unseen, edge)]
    shown = sorted([*known.values(), *unseen.values()], key=lambda node: abs(node["distance"]))
    unique = {(edge["source"], edge["target"], edge["role"]): edge for edge in edges}
    return {
        "root": views[graph.root]["id"],
        "nodes": shown,
        "edges": list(unique.values()),
        "truncated": graph.truncated,
    }


def _edge(
    graph: Graph, known: dict[Node, dict[str, Any]], unseen: dict[str, dict[str, Any]], edge: Edge
) -> Iterator[dict[str, Any]]:
    """All that somebody may not see beside a node is one thing without a name: neither what it is
    nor how much of it is told."""
    source, target = known.get(edge.source), known.get(edge.target)
    if source is not None and target is not None:
        yield {
            "source": source["id"],
            "target": target["id"],
            "role": edge.role,
            "at": iso(edge.at),
            "by": edge.who,
        }
    elif (beside := source or target) is not None:
        way = 1 if source is not None else -1
        name = f"hidden:{'after' if way > 0 else 'before'}:{beside['id']}"
        unseen[name] = {
            "id": name,
            "kind": "hidden",
            "name": _UNSEEN,
            "state": "hidden",
            "distance": graph.distances[edge.source if way > 0 else edge.target] + way,
        }
        ends = (beside["id"], name) if way > 0 else (name, beside["id"])
        yield {"source": ends[0], "target": ends[1], "role": "", "at": None, "by": None}


def _attribute(nodes: list[dict[str, Any]], affected: list[dict[str, Any]]) -> None:
    """What the server or a job registered is the work of whose job it came of."""
    makers = {node["id"]: node.get("created_by") for node in nodes}
    for node in affected:
        by = node.get("created_by") or ""
        if by == SYSTEM.name or "/" in by:  # a job's token acts as `workspace/job`
            node["created_by"] = makers[node["id"]] = makers.get(node["through"] or "")


def _people(affected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whom to talk to: who made most of it first."""
    made: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for node in affected:
        if node.get("created_by"):
            made[node["created_by"]].append(node)
    people = [
        {
            "name": name,
            "affected": len(theirs),
            "latest": max(node["created_at"] for node in theirs),
            "things": [node["id"] for node in theirs[:10]],
        }
        for name, theirs in made.items()
    ]
    return sorted(people, key=lambda person: (-person["affected"], person["name"]))
