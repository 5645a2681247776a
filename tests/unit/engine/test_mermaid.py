"""Whatever things are called, the chart is one that Mermaid reads."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lazur.engine.mermaid import chart


def _node(name: str, kind: str, distance: int, **more: Any) -> dict[str, Any]:
    _, _, rest = name.partition(":")
    plain, _, version = rest.partition(":")
    return {
        "id": name,
        "kind": kind,
        "name": name if kind in ("uri", "hidden") else plain,
        "version": version or None,
        "workspace": "default",
        "state": "there",
        "created_at": "2026-01-01T00:00:00Z",
        "distance": distance,
        **more,
    }


def _edge(source: str, target: str, role: str) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    return {"source": source, "target": target, "role": role, "at": at, "by": "ann"}


_WEB = "https://example.org/a;b|c.csv"
_CODE = "tree:" + "a" * 64
_ENDED = {"status": "Completed", "ended_at": "2026-01-01T00:05:00Z"}
GRAPH: dict[str, Any] = {
    "root": "model:x:3",
    "nodes": [
        _node("model:x:3", "model", 0),
        _node("job:train", "job", -1, **_ENDED),
        _node("job:second", "job", -1, status="Running"),
        _node("data:y:2", "data", -2),
        _node("environment:e:1", "environment", -2),
        _node(_CODE, "tree", -2),
        _node(_WEB, "uri", -3),
        _node("hidden:after:model:x:3", "hidden", 1, state="hidden"),
    ],
    "edges": [
        _edge("job:train", "model:x:3", "path"),
        _edge("job:train", "job:second", "inputs.x"),
        _edge("data:y:2", "job:train", "inputs.rows"),
        _edge("environment:e:1", "job:train", "environment"),
        _edge(_CODE, "job:train", "code"),
        _edge(_WEB, "data:y:2", "path"),
        {**_edge("model:x:3", "hidden:after:model:x:3", ""), "at": None, "by": None},
    ],
    "truncated": False,
    "direction": "both",
}
_LABEL = r'"[^"\n]*"'
_SHAPE = rf"(\(\[{_LABEL}\]\)|\[\({_LABEL}\)\]|\{{\{{{_LABEL}\}}\}}|\({_LABEL}\)|\[{_LABEL}\])"
_LINES = re.compile(
    rf"""flowchart\ LR
      | \ \ n\d+{_SHAPE}
      | \ \ n\d+\ -->\ (\|{_LABEL}\|\ )?n\d+
      | \ \ classDef\ \w+\ [\w:#,\ -]+
      | \ \ class\ n\d+(,n\d+)*\ \w+""",
    re.VERBOSE,
)


def check(text: str) -> None:
    """Each line is one of the few forms of the grammar that we use."""
    for line in text.splitlines():
        assert _LINES.fullmatch(line), line


class TestChart:
    def test_nodes_have_shapes_and_edges_roles(self) -> None:
        text = chart(GRAPH)
        check(text)
        assert '  n0{{"model:x:3"}}' in text
        assert '  n1(["job:train<br/>Completed"])' in text
        assert '  n1 --> |"path"| n0' in text
        assert "  n0 --> n7" in text
        assert "  class n7 gone" in text
        assert "  class n0 root" in text

    @pytest.mark.parametrize(
        "name",
        [
            'a"]; click n0 call alert()',
            "a\n  n0 --> n1",
            "<script>alert(1)</script>",
            "end",
            "#quot;",
            "a|b",
            "`x`",
            "%%{init: {}}%%",
            "ключ ☃",
            "x" * 5000,
        ],
    )
    def test_no_name_breaks_out_of_its_place(self, name: str) -> None:
        graph = {
            **GRAPH,
            "nodes": [*GRAPH["nodes"], _node(name, "uri", -3)],
            "edges": [*GRAPH["edges"], _edge(name, "data:y:2", name)],
        }
        text = chart(graph)
        check(text)
        assert "<script" not in text
        assert len(text.splitlines()) == len(chart(GRAPH).splitlines()) + 2
