"""A lineage graph as a Mermaid flowchart, which Markdown pages and wikis draw. Pure."""

from __future__ import annotations

from typing import Any

_SHAPES = {
    "job": ('(["', '"])'),
    "data": ('[("', '")]'),
    "uri": ('[("', '")]'),
    "tree": ('[("', '")]'),
    "model": ('{{"', '"}}'),
    "hidden": ('("', '")'),
}
_BOX = ('["', '"]')
_STYLES = """\
  classDef root stroke-width:3px
  classDef gone stroke-dasharray:4 3,color:#888"""
_GONE = frozenset({"hidden", "purged", "gone", "deleted"})
_LONGEST = 80


def chart(graph: dict[str, Any]) -> str:
    """Text of people stands in quotes with its special characters as codes, and is no id: no name
    can break out of its place."""
    ids = {node["id"]: f"n{number}" for number, node in enumerate(graph["nodes"])}
    lines = ["flowchart LR"]
    lines += [f"  {ids[node['id']]}{_box(node)}" for node in graph["nodes"]]
    for edge in graph["edges"]:
        role = f'|"{text(edge["role"])}"| ' if edge["role"] else ""
        lines.append(f"  {ids[edge['source']]} --> {role}{ids[edge['target']]}")
    lines.append(_STYLES)
    lines.append(f"  class {ids[graph['root']]} root")
    gone = [ids[node["id"]] for node in graph["nodes"] if node["state"] in _GONE]
    if gone:
        lines.append(f"  class {','.join(gone)} gone")
    return "\n".join(lines) + "\n"


def _box(node: dict[str, Any]) -> str:
    begin, end = _SHAPES.get(node["kind"], _BOX)
    name = node["name"] if node["kind"] == "hidden" else node["id"]
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 20]}…{name[-19:]}"
    state = node.get("status") or (node["state"] if node["state"] != "there" else "")
    label = text(name) + (f"<br/>{text(state)}" if state and node["kind"] != "hidden" else "")
    return f"{begin}{label}{end}"


def text(written: str) -> str:
    """As it stands in a quoted label: Mermaid reads `#35;` as a character reference."""
    plain = "".join(letter if letter.isprintable() else " " for letter in written)
    return "".join(
        letter if letter.isalnum() or letter in _PLAIN else f"#{ord(letter)};" for letter in plain
    )


_PLAIN = " .:/@_-,…"
