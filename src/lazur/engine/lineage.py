"""What came of what: the words of the lineage graph, and how it is walked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

JOBS, TREES, URIS, BUILDS = "jobs", "trees", "uris", "builds"
SCHEDULES = "schedules"
"""Kinds of nodes beside those of assets: jobs and what fires them, content that was uploaded
without a name, addresses, and environments without a name."""
BUILT_IN = 0
"""The home of what comes with Lazur. Others are ids of workspaces and registries."""
_GONE = "#"
"""Between a version and the time of its purge; in no name."""


class Node(NamedTuple):
    home: int
    kind: str
    name: str
    version: str = ""

    @property
    def shown_version(self) -> str:
        return self.version.partition(_GONE)[0]

    @property
    def purged_at(self) -> float | None:
        """When it was purged: another thing of the same name may have come since."""
        _, _, time = self.version.partition(_GONE)
        return float(time) if time else None

    def purged(self, now: float) -> Node:
        return self._replace(version=f"{self.shown_version}{_GONE}{now:.3f}")


class Edge(NamedTuple):
    """`target` came of `source`, which was its `role`."""

    source: Node
    target: Node
    role: str
    at: float = 0.0
    who: str = ""


@dataclass
class Graph:
    """`distances`: steps from the root, negative for what it came of."""

    root: Node
    distances: dict[Node, int] = field(default_factory=dict[Node, int])
    edges: dict[tuple[Node, Node, str], Edge] = field(
        default_factory=dict[tuple[Node, Node, str], Edge]
    )
    truncated: bool = False


Neighbours = Callable[[Collection[Node], bool], Iterable[Edge]]
"""The edges into some nodes (True: upstream), or out of them."""


def walk(
    root: Node, look: Neighbours, opens: Callable[[Node], bool], up: bool, depth: int, most: int
) -> Graph:
    """Breadth first, so that of too many the nearest are kept. Each node is looked at once,
    whatever circles there are; nobody looks behind a node that does not open."""
    graph = Graph(root, {root: 0})
    front = [root]
    for step in range(1, depth + 1):
        found: dict[Node, None] = {}
        for edge in look(front, up):
            node = edge.source if up else edge.target
            if node not in graph.distances:
                if len(graph.distances) >= most:
                    graph.truncated = True
                    continue
                graph.distances[node] = -step if up else step
                found[node] = None
            graph.edges[edge.source, edge.target, edge.role] = edge
        front = [node for node in found if opens(node)]
        if not front:
            return graph
    graph.truncated = graph.truncated or any(True for _ in look(front, up))
    return graph


def joined(above: Graph, below: Graph) -> Graph:
    """Both of one root."""
    return Graph(
        above.root,
        {**below.distances, **above.distances},
        {**above.edges, **below.edges},
        above.truncated or below.truncated,
    )
