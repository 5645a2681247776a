"""A lineage graph as a tree of text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from lazur.cli.tables import when

_LONGEST = 100
_PURGED = re.compile(r"#\d+\.\d{3}$")
_MOST_THINGS = 3


def graph(found: dict[str, Any]) -> str:
    """What it came of above all, then what came of it. Each thing is opened once."""
    nodes = {node["id"]: node for node in found["nodes"]}
    lines = [_line(nodes[found["root"]])]
    for up, title in ((True, "came of"), (False, "what came of it")):
        if found["direction"] not in ("both", "up" if up else "down"):
            continue
        below = list(_below(found, nodes, up))
        lines += ["", title, *(below or ["  nothing that is known"])]
    return "\n".join(lines + _notes(found))


def impact(found: dict[str, Any]) -> str:
    of, affected = found["of"], found["affected"]
    if not affected:
        return "\n".join([f"Nothing is known to have come of {_name(of)}.", *_notes(found)])
    kinds: dict[str, int] = defaultdict(int)
    for node in affected:
        kinds[node["kind"]] += 1
    counts = ", ".join(_many(number, kind) for kind, number in kinds.items())
    lines = [f"If {_name(of)} is wrong, so may be {counts}:", ""]
    lines += [f"  {_line(node)}  from {_plain(node['through'] or '')}" for node in affected]
    lines += ["", "Whom to tell:", ""]
    for person in found["people"]:
        things = ", ".join(person["things"][:_MOST_THINGS])
        more = person["affected"] - min(_MOST_THINGS, len(person["things"]))
        lines.append(
            f"  {person['name']}: {things}{f' and {more} more' if more > 0 else ''}"
            f" (the latest {when(person['latest'])})"
        )
    return "\n".join(lines + _notes(found))


def _below(found: dict[str, Any], nodes: dict[str, Any], up: bool) -> Iterator[str]:
    ends = ("target", "source") if up else ("source", "target")
    branches: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for edge in found["edges"]:
        side = nodes[edge["source" if up else "target"]]["distance"]
        if side * (-1 if up else 1) > 0:
            branches[edge[ends[0]]].append((edge[ends[1]], edge["role"]))
    opened: set[str] = set()

    def walk(of: str, indent: str) -> Iterator[str]:
        opened.add(of)
        ways = _merged(branches[of])
        for number, (node, roles) in enumerate(ways.items()):
            last = number == len(ways) - 1
            again = node in opened and bool(branches[node])
            role = f"  ({', '.join(roles)})" if roles else ""
            tail = "  …as above" if again else ""
            yield f"{indent}{'└─' if last else '├─'} {_line(nodes[node])}{role}{tail}"
            if node not in opened:
                yield from walk(node, f"{indent}{'   ' if last else '│  '}")

    yield from walk(found["root"], "  ")


def _merged(ways: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The same thing in two roles is one branch."""
    merged: dict[str, list[str]] = {}
    for node, role in ways:
        merged.setdefault(node, []).extend([role] if role else [])
    return merged


def _line(node: dict[str, Any]) -> str:
    if node["kind"] == "hidden":
        return str(node["name"])
    facts = [node.get("status"), None if node["state"] == "there" else node["state"]]
    if node["state"] == "purged":
        facts = [f"purged {when(node.get('purged_at'))} by {node.get('purged_by') or 'somebody'}"]
    facts += [node.get("created_by"), when(node.get("created_at"))]
    told = " · ".join(fact for fact in facts if fact)
    return f"{_name(node)}  {told}" if told else _name(node)


def _name(node: dict[str, Any]) -> str:
    """Long hashes by their beginning."""
    if node["kind"] == "tree":
        return f"tree:{node['name'][:12]}"
    if node["kind"] == "build":
        return f"an environment without a name ({node['name'][:12]})"
    return _plain(node["id"])


def _plain(name: str) -> str:
    """Without the time by which a purged one is told from its namesakes."""
    return _short(_PURGED.sub("", name))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 30]}…{text[-29:]}"


def _many(number: int, kind: str) -> str:
    if kind == "data":
        return f"{number} data asset{'s' if number > 1 else ''}"
    return f"{number} {kind}{'s' if number > 1 else ''}"


def _notes(found: dict[str, Any]) -> list[str]:
    notes: list[str] = []
    if found["truncated"]:
        notes.append("There is more than this: the nearest are shown. See --depth.")
    if found.get("hidden"):
        notes.append("Something that you may not see is affected as well: ask an owner there.")
    return ["", *notes] if notes else []
