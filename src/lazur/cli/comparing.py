"""`lazur run compare` as people read it: sections of rows, a column for each run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from lazur.cli import grid, terminal
from lazur.cli.tables import duration, when

_LABEL = 30
_COLUMN = 12
_NONE = "–"
_EACH_ITS_OWN = {"name", "started_at", "duration"}
"""In every pair of runs: that is no difference worth a line."""
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class Row(NamedTuple):
    title: str
    values: list[str]
    differs: bool


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
        for row in rows:
            yield _line(row, label, column, stream)
    if not any(sections.values()):
        yield "Nothing differs, as far as anybody wrote it down."


def _label(sections: dict[str, list[Any]], width: int) -> int:
    """As wide as the longest name in them, and at most a third of all."""
    longest = max((grid.cells(row.title) for rows in sections.values() for row in rows), default=0)
    return min(longest, max(12, width // 3))


def _texts(sections: dict[str, list[Row]], names: list[str]) -> list[str]:
    return [*names, *(v for rows in sections.values() for row in rows for v in row.values)]


def _rows(section: dict[str, Any], chosen: Sequence[int], everything: bool) -> Iterator[Row]:
    """Of runs that stand side by side, what differs between these."""
    for row in section["rows"]:
        values = [row["values"][at] for at in chosen]
        if section["name"] == "metrics":
            made = list(_metric(row["name"], values))
        else:
            texts = [_shown(section["name"], row["name"], value) for value in values]
            counts = row["differs"] and not _is_each_its_own(section["name"], row["name"])
            made = [Row(row["name"], texts, counts and len(set(texts)) > 1)]
        yield from (row for row in made if row.differs or everything)


def _is_each_its_own(section: str, name: str) -> bool:
    return section == "about" and name in _EACH_ITS_OWN


def _metric(name: str, values: list[dict[str, Any] | None]) -> Iterator[Row]:
    """The last value; the range beneath it where there was more than one point."""
    last = [grid.figure(value["last"]) if value else _NONE for value in values]
    yield Row(name, last, len(set(last)) > 1)
    if any(value and value["points"] > 1 for value in values):
        ranges = [_range(value) if value else _NONE for value in values]
        yield Row(f"{name}, range", ranges, len(set(ranges)) > 1)


def _range(value: dict[str, Any]) -> str:
    return f"{grid.figure(value['min'])} … {grid.figure(value['max'])}"


def _shown(section: str, name: str, value: Any) -> str:
    if value is None:
        return _NONE
    if section == "phases" or name == "duration":
        return duration(value)
    if name == "started_at":
        return when(value)
    if name in {"snapshot", "build"}:
        return str(value)[:12]
    return grid.figure(value)


def _line(row: Row, label: int, column: int, stream: TextIO) -> str:
    """What is not as in the first run stands out."""
    made = [grid.padded(value, column) for value in row.values]
    if not row.differs:
        return terminal.paint(_joined(row.title, made, label), "dim", stream)
    shown = zip(made, row.values, strict=True)
    styled = [c if v == row.values[0] else terminal.paint(c, "yellow", stream) for c, v in shown]
    return _joined(row.title, styled, label)


def _joined(title: str, cells: list[str], label: int) -> str:
    return (" " * grid.GAP).join(["", grid.padded(title, label), *cells]).rstrip()


def _code(found: dict[str, Any], width: int, stream: TextIO, *, diff: bool) -> Iterator[str]:
    first = _name(found["runs"][0])
    for names, code in _together(found):
        title = f"code of {', '.join(names)}, against {first}"
        yield terminal.paint(grid.short(title, width), "cyan", stream)
        for file in code["files"]:
            path = grid.short(file["path"], width - 20)
            yield f"  {_SIGNS[file['change']]} {path}{_counts(file)}"
            if diff and file["diff"]:
                yield from (_coloured(line, stream) for line in file["diff"].split("\n")[2:])
        if code["more"]:
            yield f"  … and {code['more']} more files"
        if not diff:
            yield terminal.paint("  (--diff shows the lines)", "dim", stream)


def _together(found: dict[str, Any]) -> list[tuple[list[str], dict[str, Any]]]:
    """Runs of the same code, with how it differs from the first one's."""
    made: list[tuple[list[str], dict[str, Any]]] = []
    for run, code in zip(found["runs"], found["code"], strict=True):
        if not code or not code["files"]:
            continue
        same = next((names for names, other in made if other == code), None)
        if same is None:
            made.append(([_name(run)], code))
        else:
            same.append(_name(run))
    return made


_SIGNS = {"added": "A", "removed": "D", "changed": "M"}


def _counts(file: dict[str, Any]) -> str:
    return f"  +{file['plus']} -{file['minus']}" if file["diff"] is not None else "  (no text)"


def _coloured(line: str, stream: TextIO) -> str:
    line = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line)
    style = _STYLES.get(line[:1])
    return "    " + (terminal.paint(line, style, stream) if style else line)


def _name(run: dict[str, Any]) -> str:
    return str(run["job"] or run["name"])
