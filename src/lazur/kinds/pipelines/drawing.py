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
    check = Check(job)
    graph = compile_graph(job, check)
    states = _states(job)
    ids = {name: f"s{number}" for number, name in enumerate(graph["steps"])}
    lines = ["flowchart LR"]
    lines += [f"  {ids[name]}{_box(graph, name, states)}" for name in graph["steps"]]
    made = {b.get("promoted") for s in graph["steps"].values() for b in s["outputs"].values()}
    outputs = {n: f"o{at}" for at, n in enumerate(graph["outputs"]) if n in made}
    lines += [f'  {ids_of}(("{text(name)}"))' for name, ids_of in outputs.items()]
    for edge in dict.fromkeys(_edges(graph, ids, outputs)):
        lines.append(f"  {edge}")
    lines.append(_STYLES)
    for style in dict.fromkeys(_CLASSES.values()):
        mine = [ids[n] for n, state in states.items() if n in ids and _CLASSES.get(state) == style]
        if mine:
            lines.append(f"  class {','.join(mine)} {style}")
    return "\n".join(lines) + "\n"


def _states(job: Mapping[str, Any]) -> dict[str, str]:
    """By step; of a loop's body that of its last round."""
    found: dict[str, str] = {}
    told: list[dict[str, Any]] = job.get("steps") or []
    for step in told:
        name = step["name"].partition(".")[0]
        found[name] = step["status"]
    return found


def _box(graph: Graph, name: str, states: Mapping[str, str]) -> str:
    kind = graph["steps"][name]["kind"]
    begin, end = {**_SHAPES, **_LOOPS}.get(kind, _BOX)
    label = text(name) + (f"<br/>{text(kind)}" if kind in _LOOPS or kind == "if_else" else "")
    state = states.get(name)
    return f"{begin}{label}{f'<br/>{text(state)}' if state else ''}{end}"


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
