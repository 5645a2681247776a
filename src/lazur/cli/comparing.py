"""`lazur run compare` as people read it: sections of rows, a column for each run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from lazur.cli import grid, terminal
from lazur.cli.tables import duration, when

_LABEL = 30
_COLUMN = 12
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def lines(found: dict[str, Any], *, everything: bool, diff: bool) -> list[str]:
    """Only what differs, unless `everything`. Runs that have no room beside the first follow in
    further blocks."""
    width, stream = terminal.width(200), sys.stdout
    fit = max(1, (width - _LABEL) // (_COLUMN + grid.GAP) - 1)
    count = len(found["runs"])
    made: list[str] = []
    for start in range(1, count, fit):
        chosen = [0, *range(start, min(start + fit, count))]
        made += ["", *_block(found, chosen, width, stream, everything)]
    code = list(_code(found, width, stream, diff=diff))
    return [*made[1:], *(["", *code] if code else [])]


def _block(
    found: dict[str, Any], chosen: list[int], width: int, stream: TextIO, everything: bool
) -> Iterator[str]:
    names = [_name(found["runs"][at]) for at in chosen]
    sections = {s["name"]: list(_rows(s, chosen, everything)) for s in found["sections"]}
    label = _label(sections, width)
    column = max(_COLUMN, (width - label) // len(chosen) - grid.GAP)
    column = min(column, max(map(grid.cells, _texts(sections, names))))
    head = [grid.padded(name, column) for name in names]
    yield terminal.paint(_joined("", head, label), "bold", stream)
    for name, rows in sections.items():
        if rows:
            yield terminal.paint(name, "cyan", stream)
        for title, values, differs in rows:
            yield _row(title, values, label, column, stream, differs=differs)
    if not any(sections.values()):
        yield "Nothing differs, as far as anybody wrote it down."


def _label(sections: dict[str, list[Any]], width: int) -> int:
    """As wide as the longest name in them, and at most a third of all."""
    longest = max((grid.cells(row[0]) for rows in sections.values() for row in rows), default=0)
    return min(longest + 2, max(12, width // 3))


def _texts(sections: dict[str, list[Any]], names: list[str]) -> list[str]:
    return [*names, *(v for rows in sections.values() for row in rows for v in row[1])]


def _rows(
    section: dict[str, Any], chosen: Sequence[int], everything: bool
) -> Iterator[tuple[str, list[str], bool]]:
    for row in section["rows"]:
        values = [row["values"][at] for at in chosen]
        if not (row["differs"] or everything):
            continue
        if section["name"] == "metrics":
            yield from _metric(row["name"], values, everything)
        else:
            texts = [_shown(section["name"], row["name"], value) for value in values]
            yield row["name"], texts, row["differs"]


def _metric(
    name: str, values: list[dict[str, Any] | None], everything: bool
) -> Iterator[tuple[str, list[str], bool]]:
    """The last value; the range beneath it where there was more than one point."""
    last = [grid.figure(value["last"]) if value else "–" for value in values]
    differ = len(set(last)) > 1
    if differ or everything:
        yield name, last, differ
    if any(value and value["points"] > 1 for value in values):
        ranges = [_range(value) if value else "–" for value in values]
        if everything or len(set(ranges)) > 1:
            yield "  min … max", ranges, len(set(ranges)) > 1


def _range(value: dict[str, Any]) -> str:
    return f"{grid.figure(value['min'])} … {grid.figure(value['max'])}"


def _shown(section: str, name: str, value: Any) -> str:
    if value is None:
        return "–"
    if section == "phases" or name == "duration":
        return duration(value)
    if name == "started_at":
        return when(value)
    if name in {"snapshot", "build"}:
        return str(value)[:12]
    return grid.figure(value)


def _row(
    title: str, values: list[str], label: int, column: int, stream: TextIO, *, differs: bool
) -> str:
    """What is not as in the first run stands out."""
    made: list[str] = []
    for value in values:
        cell = grid.padded(value, column)
        if value != values[0]:
            cell = terminal.paint(cell, "yellow", stream)
        made.append(cell)
    line = _joined(f"  {title}", made, label + 2)
    return line if differs else terminal.paint(line, "dim", stream)


def _joined(title: str, cells: list[str], label: int) -> str:
    gap = " " * grid.GAP
    return gap.join([grid.padded(title, label) if title.strip() else " " * label, *cells]).rstrip()


def _code(found: dict[str, Any], width: int, stream: TextIO, *, diff: bool) -> Iterator[str]:
    first = _name(found["runs"][0])
    for run, code in zip(found["runs"], found["code"], strict=True):
        if not code or not code["files"]:
            continue
        yield terminal.paint(f"code of {_name(run)}, against {first}", "cyan", stream)
        for file in code["files"]:
            yield grid.short(f"{_SIGNS[file['change']]} {file['path']}{_counts(file)}", width)
            if diff and file["diff"]:
                yield from (_coloured(line, stream) for line in file["diff"].split("\n")[2:])
        if code["more"]:
            yield f"  … and {code['more']} more files"
        if not diff:
            yield terminal.paint("  (--diff shows the lines)", "dim", stream)


_SIGNS = {"added": "  A", "removed": "  D", "changed": "  M"}


def _counts(file: dict[str, Any]) -> str:
    return f"  +{file['plus']} -{file['minus']}" if file["diff"] is not None else "  (no text)"


def _coloured(line: str, stream: TextIO) -> str:
    line = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)
    style = _STYLES.get(line[:1])
    return "    " + (terminal.paint(line, style, stream) if style else line)


def _name(run: dict[str, Any]) -> str:
    return str(run["job"] or run["name"])
