"""Which cases there are, and how two sides are run and compared."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.conformance.sides import Side
from tests.conformance.surface import matching

CASES = "tests.conformance.cases"
FOLDER = Path(__file__).parent / "cases"
_PARTS = ("exchanges", "steps", "rows")
_NUMBERED = re.compile(r"<id \d+>")
_BETWEEN = re.compile(r"[\s,\[\]{}()]+")


def cases(chosen: Sequence[str] = ()) -> list[str]:
    """`runs.metrics`: module and function; all, or those chosen by either. Read, not imported:
    they need mlflow."""
    found = [
        (path.stem, f"{path.stem}.{node.name}")
        for path in sorted(FOLDER.glob("[a-z]*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    if unknown := set(chosen) - {name for pair in found for name in pair}:
        raise ValueError(f"there is no case {', '.join(sorted(unknown))}")
    return [name for module, name in found if not chosen or {module, name} & set(chosen)]


def run_both(sides: Sequence[Side], names: Sequence[str]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda side: run(side, names), sides))


def run(side: Side, names: Sequence[str]) -> dict[str, Any]:
    """The transcripts of cases that ran against one side."""
    work = side.folder / "client"
    work.mkdir()
    settings = {
        "uri": side.uri,
        "token": side.token,
        "database": side.database,
        "folder": str(work),
    }
    with (side.folder / "client.out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.conformance.drive", *names],
            input=json.dumps(settings).encode(),
            stdout=out,
            stderr=out,
            cwd=work,
            env=side.environ(),
            check=False,
        )
    assert done.returncode == 0, (side.folder / "client.out").read_text()[-3000:]
    return json.loads((work / "transcripts.json").read_text())


def findings(upstream: dict[str, Any], ours: dict[str, Any], *, ordered: bool = True) -> list[str]:
    """What is not the same, one text for each exchange, step or row. Not `ordered`: the same words
    in another order are the same, since PostgreSQL gives rows as they come where upstream asks for
    no order."""
    found = [f"broke: {side['broke']}" for side in (upstream, ours) if side["broke"]]
    for part in _PARTS:
        found += _unlike(part, upstream[part], ours[part], ordered)
    return found


def _unlike(part: str, upstream: list[str], ours: list[str], ordered: bool) -> list[str]:
    if part == "rows":
        if not ordered and _bags(upstream) == _bags(ours):
            return []
        only = [f"rows: upstream only: {row}" for row in _less(upstream, ours)]
        return only + [f"rows: ours only: {row}" for row in _less(ours, upstream)]
    found: list[str] = []
    for left, right in zip(upstream, ours, strict=False):
        if left != right and (ordered or _bag(left) != _bag(right)):
            found.append(f"{part}: {_difference(left, right)}")
    for more, whose in ((upstream[len(ours) :], "upstream"), (ours[len(upstream) :], "ours")):
        found += [f"{part}: {whose} only: {item[:300]}" for item in more]
    return found


def _bags(texts: list[str]) -> list[list[str]]:
    return sorted(_bag(text) for text in texts)


def _bag(text: str) -> list[str]:
    """Its words; ids are numbered in the order in which they came."""
    return sorted(_BETWEEN.split(_NUMBERED.sub("<id>", text)))


def _less(these: list[str], those: list[str]) -> list[str]:
    rest = list(those)
    found: list[str] = []
    for row in these:
        if row in rest:
            rest.remove(row)
        else:
            found.append(row)
    return found


def _difference(left: str, right: str) -> str:
    first = left.splitlines()[0][:200]
    lines = unified_diff(left.splitlines(), right.splitlines(), "upstream", "ours", "", "", 1, "")
    return "\n".join([first, *(line[:600] for line in lines)])


def covered(transcripts: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Functions that were called, and routes that answered something else than an error."""
    called = {name for told in transcripts.values() for name in told["called"]}
    answered = {name for name, told in statuses(transcripts).items() if min(told) < 400}
    return called, answered


def statuses(transcripts: dict[str, Any]) -> dict[str, dict[int, list[str]]]:
    """Of every route that was asked, with the cases that got them."""
    found: dict[str, dict[int, list[str]]] = {}
    for name, told in transcripts.items():
        for method, path, status in told["routes"]:
            route = matching(method, unquote(urlsplit(path).path))
            if route is not None:
                who = found.setdefault(route.short, {}).setdefault(status, [])
                who += [name] if name not in who else []
    return found
