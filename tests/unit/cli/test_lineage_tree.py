"""A graph as people read it."""

from __future__ import annotations

from typing import Any

from lazur.cli import lineage_tree
from tests.unit.engine.test_mermaid import GRAPH


def node(name: str, distance: int, **more: Any) -> dict[str, Any]:
    kind, _, rest = name.partition(":")
    more.setdefault("state", "there")
    return {"id": name, "kind": kind, "name": rest, "distance": distance, **more}


def edge(source: str, target: str, role: str) -> dict[str, Any]:
    return {"source": source, "target": target, "role": role}


class TestGraph:
    def test_what_it_came_of_stands_above_what_came_of_it(self) -> None:
        lines = lineage_tree.graph(GRAPH).splitlines()
        assert lines[0].startswith("model:x:3")
        assert lines.index("came of") < lines.index("what came of it")
        assert lines[lines.index("what came of it") + 1] == "  └─ hidden:after:model:x:3"
        (code,) = [line for line in lines if "tree:" in line]
        assert "tree:aaaaaaaaaaaa  " in code

    def test_what_is_reached_twice_is_opened_once(self) -> None:
        graph = {
            "root": "model:x:1",
            "nodes": [
                node("model:x:1", 0),
                node("job:a", -1),
                node("job:b", -1),
                node("data:y:1", -2),
                node("uri:z", -3),
            ],
            "edges": [
                edge("job:a", "model:x:1", "path"),
                edge("job:b", "model:x:1", "path"),
                edge("data:y:1", "job:a", "inputs.i"),
                edge("data:y:1", "job:b", "inputs.i"),
                edge("data:y:1", "job:b", "inputs.j"),
                edge("uri:z", "data:y:1", "path"),
            ],
            "direction": "up",
            "truncated": True,
        }
        assert lineage_tree.graph(graph).splitlines() == [
            "model:x:1",
            "",
            "came of",
            "  ├─ job:a  (path)",
            "  │  └─ data:y:1  (inputs.i)",
            "  │     └─ uri:z  (path)",
            "  └─ job:b  (path)",
            "     └─ data:y:1  (inputs.i, inputs.j)  …as above",
            "",
            "There is more than this: the nearest are shown. See --depth.",
        ]

    def test_a_circle_ends(self) -> None:
        graph = {
            "root": "uri:a",
            "nodes": [node("uri:a", 0), node("job:x", 1), node("uri:b", 2), node("job:y", 3)],
            "edges": [
                edge("uri:a", "job:x", "inputs.i"),
                edge("job:x", "uri:b", "outputs.o"),
                edge("uri:b", "job:y", "inputs.i"),
                edge("job:y", "uri:a", "outputs.o"),
            ],
            "direction": "down",
            "truncated": False,
        }
        assert lineage_tree.graph(graph).count("uri:a") == 1

    def test_the_purged_say_when_and_by_whom(self) -> None:
        gone = node(
            "data:y:1#1700000000.123",
            0,
            state="purged",
            purged_at="2026-01-01T00:00:00Z",
            purged_by="ann",
        )
        graph = {"root": gone["id"], "nodes": [gone], "edges": []}
        text = lineage_tree.graph({**graph, "direction": "up", "truncated": False})
        assert text.startswith("data:y:1  purged 20")
        assert "by ann" in text
        assert "nothing that is known" in text


class TestImpact:
    def test_counts_then_things_then_people(self) -> None:
        affected = [
            node("job:a", 1, through="data:y:1", created_by="ann"),
            node("data:z:1", 2, through="job:a", created_by="ann"),
            node("data:z:2", 2, through="job:a", created_by="ann"),
        ]
        people = [
            {
                "name": "ann",
                "affected": 5,
                "latest": "2026-01-01T00:00:00Z",
                "things": [one["id"] for one in affected],
            }
        ]
        told = {"of": node("data:y:1", 0), "affected": affected, "people": people}
        text = lineage_tree.impact({**told, "hidden": True, "truncated": False})
        assert text.startswith("If data:y:1 is wrong, so may be 1 job, 2 data assets:")
        assert "  ann: job:a, data:z:1, data:z:2 and 2 more (the latest" in text
        assert text.endswith("ask an owner there.")

    def test_nothing_is_said_as_such(self) -> None:
        told = {"of": node("data:y:1", 0), "affected": [], "people": [], "hidden": False}
        text = lineage_tree.impact({**told, "truncated": False})
        assert text == "Nothing is known to have come of data:y:1."
