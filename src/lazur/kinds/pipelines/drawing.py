"""The steps of a pipeline as a Mermaid flowchart, which Markdown pages and wikis draw. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lazur.engine.mermaid import text
from lazur.kinds.pipelines import bindings, steps
from lazur.kinds.pipelines.compiling import Graph, compile_graph
from lazur.spec.checking import Check

_SHAPES = {"if_else": ('{"', '"}'), "pipeline": ('[["', '"]]')}
_LOOPS = {"do_while": ('(["', '"])'), "parallel_for": ('(["', '"])')}
_BOX = ('["', '"]')
_CLASSES = {
    "Completed": "done",
    "Failed": "failed",
    "Canceled": "failed",
    "Running": "running",
    "Skipped": "left",
    "NotRun": "left",
}
_STYLES = """\
  classDef done fill:#dff5e1,stroke:#2e7d32
  classDef failed fill:#fde0e0,stroke:#c62828
  classDef running fill:#e3f0fd,stroke:#1565c0
  classDef left stroke-dasharray:4 3,color:#888"""


def chart(job: Mapping[str, Any]) -> str:
    """`job` is a pipeline as it is written, or as the server shows it, with its `steps`. What is
    wrong in it is drawn as far as it goes."""
    drawn = _Drawn()
    graph, ids = drawn.steps(job, _told(job), "s", "  ")
    made = {b.get("promoted") for s in graph["steps"].values() for b in s["outputs"].values()}
    outputs = {n: f"o{at}" for at, n in enumerate(graph["outputs"]) if n in made}
    drawn.lines += [f'  {place}(("{text(name)}"))' for name, place in outputs.items()]
    drawn.edges += _edges(graph, ids, outputs)
    looks = [
        f"  class {','.join(mine)} {style}"
        for style in dict.fromkeys(_CLASSES.values())
        if (mine := drawn.looks.get(style))
    ]
    edges = [f"  {edge}" for edge in dict.fromkeys(drawn.edges)]
    return "\n".join(["flowchart LR", *drawn.lines, *edges, _STYLES, *looks]) + "\n"


class _Drawn:
    """What comes together of all pipelines that lie in each other."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.edges: list[str] = []
        self.looks: dict[str, list[str]] = {}

    def steps(
        self, job: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]], lead: str, indent: str
    ) -> tuple[Graph, dict[str, str]]:
        """The boxes of a pipeline, and all that is within those that are pipelines themselves."""
        graph = compile_graph(job, Check(job))
        ids = {name: f"{lead}{number}" for number, name in enumerate(graph["steps"])}
        for name, step in graph["steps"].items():
            known = told.get(name, {})
            if (style := _CLASSES.get(known.get("status", ""))) is not None:
                self.looks.setdefault(style, []).append(ids[name])
            if not is_pipeline(step["spec"]):
                self.lines.append(f"{indent}{ids[name]}{_box(graph, name, known)}")
                continue
            self.lines.append(f'{indent}subgraph {ids[name]}["{_label(graph, name, known)}"]')
            inner = self.steps(step["spec"], _told(known), f"{ids[name]}_", f"{indent}  ")
            self.lines.append(f"{indent}end")
            self.edges += _edges(*inner, {})
        return graph, ids


def _told(job: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is known of each step; of a loop's body that is its last round."""
    told: list[dict[str, Any]] = job.get("steps") or []
    return {step["name"].partition(".")[0]: step for step in told}


def _box(graph: Graph, name: str, known: Mapping[str, Any]) -> str:
    begin, end = {**_SHAPES, **_LOOPS}.get(graph["steps"][name]["kind"], _BOX)
    return f"{begin}{_label(graph, name, known)}{end}"


def _label(graph: Graph, name: str, known: Mapping[str, Any]) -> str:
    kind = graph["steps"][name]["kind"]
    parts = [name, kind if kind in _LOOPS or kind == "if_else" else "", known.get("status") or ""]
    return "<br/>".join(text(part) for part in parts if part)


def _edges(graph: Graph, ids: Mapping[str, str], outputs: Mapping[str, str]) -> Iterator[str]:
    for name, step in graph["steps"].items():
        told: set[str] = set()
        for value in step["inputs"].values():
            for ref in bindings.refs(value):
                if ref.kind == "step_output" and ref.step in ids:
                    told.add(ref.step)
                    yield f'{ids[ref.step]} -->|"{text(ref.name)}"| {ids[name]}'
        for other in step["needs"]:
            if other not in told:
                yield f"{ids[other]} -.-> {ids[name]}"
        for other in step["on_failure"]:
            yield f'{ids[other]} -. "if it fails" .-> {ids[name]}'
        if "guard" in step:
            by, way = step["guard"]
            yield f'{ids[by]} -->|"{str(way).lower()}"| {ids[name]}'
        if "owner" in step:
            word = "each" if graph["steps"][step["owner"]]["kind"] == "parallel_for" else "repeat"
            yield f'{ids[step["owner"]]} ==>|"{word}"| {ids[name]}'
        for port, body in step["outputs"].items():
            if body.get("promoted") in outputs:
                yield f'{ids[name]} -->|"{text(port)}"| {outputs[body["promoted"]]}'


def is_pipeline(spec: Mapping[str, Any]) -> bool:
    return steps.kind_of(spec) == "pipeline" and bool(spec.get("jobs"))
