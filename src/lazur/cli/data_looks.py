"""What people see of data: its first rows, and what is in its columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO

from lazur.cli import grid, terminal

Found = dict[str, Any]

_TYPES = {"double": "float", "int64": "int", "large_string": "string"}
_WIDEST = 40
_MIDNIGHT = "T00:00:00"
_FORMATS = {
    "delimited": "Delimited text",
    "json_lines": "JSON lines",
    "parquet": "Parquet",
    "delta": "A Delta table",
    "paths": "A table of paths",
    "images": "Images",
    "text": "Text",
    "empty": "Nothing",
    "other": "Files",
}


def preview(found: Found, width: int, stream: TextIO) -> list[str]:
    made = [_headline(found)]
    if "columns" in found:
        made += ["", *_rows(found, width, stream)]
    elif "lines" in found:
        made += [f"{found['path']}:", *(f"  {line}" for line in found["lines"])]
    else:
        made += ["", *_listed(found["listed"], width, stream)]
    if found.get("more"):
        made.append(terminal.paint("… and more", "dim", stream))
    return [*made, *_notes(found, stream)]


def profile(found: Found, width: int, stream: TextIO) -> list[str]:
    made = [_headline(found)]
    if "columns" in found:
        head = ("Column", "Type", "Nulls", "Distinct", "Min", "Median", "Mean", "Max", "Spread")
        rows = [_column(column, found["rows"]) for column in found["columns"]]
        made += ["", *grid.lines(head, rows, width, stream), *_frequent(found, width)]
    else:
        made += [f"  {name}: {value}" for name, value in _facts(found)]
    return [*made, *_notes(found, stream)]


def preview_table(found: Found) -> list[dict[str, Any]]:
    """Of `-o table`."""
    names = [column["name"] for column in found.get("columns", [])]
    if names:  # knack leaves out columns that are called `id` or `type`
        names = [name.capitalize() if name in {"id", "type", "etag"} else name for name in names]
        return [dict(zip(names, row, strict=True)) for row in found["rows"]]
    return list(found.get("listed") or [{"line": line} for line in found.get("lines", [])])


def profile_table(found: Found) -> list[dict[str, Any]]:
    shown = ("name", "type", "count", "nulls", "min", "max", "mean", "std")
    rows = [{key: column.get(key) for key in shown} for column in found.get("columns", [])]
    return rows or [dict(_facts(found))]


def _headline(found: Found) -> str:
    files = found["files"]
    parts: list[str] = [_FORMATS.get(found["format"], "Files")]
    if isinstance(found.get("rows"), int):
        columns = len(found["columns"]) + found.get("columns_left_out", 0)
        parts.append(f"{found['rows']:,} rows, {columns:,} columns")
    parts.append(f"{files:,} file{'s' if files != 1 else ''}, {terminal.size(found['bytes'])}")
    return f"{found['name']}:{found['version']}  " + " · ".join(parts)


def _rows(found: Found, width: int, stream: TextIO) -> list[str]:
    head = [column["name"] for column in found["columns"]]
    types = [_type(column["type"]) for column in found["columns"]]
    columns = [_cells([row[at] for row in found["rows"]]) for at in range(len(head))]
    rows = list(zip(*columns, strict=True))
    if not rows:
        return [", ".join(f"{n} ({t})" for n, t in zip(head, types, strict=True)), "No rows."]
    return grid.lines(head, rows, width, stream)


def _cells(values: list[Any]) -> list[str]:
    """Days are shown as such, where there is no time of day."""
    midnight = all(str(value).endswith(_MIDNIGHT) for value in values if value is not None)
    made = ["·" if value is None else grid.figure(value) for value in values]
    return [
        grid.short(text.removesuffix(_MIDNIGHT) if midnight else text, _WIDEST) for text in made
    ]


def _listed(files: list[Found], width: int, stream: TextIO) -> list[str]:
    if files and "width" in files[0]:
        rows = [
            [
                file["path"],
                str(file.get("format", "?")),
                f"{file['width']} × {file['height']}" if "width" in file else "",
                terminal.size(file["bytes"]),
            ]
            for file in files
        ]
        return grid.lines(("File", "Format", "Pixels", "Size"), rows, width, stream)
    made: list[str] = []
    for file in files:
        what = file.get("guess", file.get("format", ""))
        made.append(f"{file['path']}  {what}, {terminal.size(file['bytes'])}")
        made += [f"  {line}" for line in _hex(file.get("hex", ""))]
    return made


def _hex(text: str, lines: int = 4) -> list[str]:
    data = bytes.fromhex(text)[: 16 * lines]
    made: list[str] = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in part)
        made.append(f"{at:04x}  {part.hex(' '):<47}  {shown}")
    return made


def _column(column: Found, rows: int) -> list[str]:
    distinct = column.get("distinct") or {}
    about = "" if distinct.get("exact", True) else "~"
    length = column.get("length") or {}
    quantiles = column.get("quantiles") or {}
    low, high = column.get("min", length.get("min")), column.get("max", length.get("max"))
    return [
        column["name"],
        _type(column["type"]),
        _share(column["nulls"], rows),
        f"{about}{distinct['count']}" if distinct else "",
        *(
            _short(value, column)
            for value in (low, quantiles.get("0.5"), column.get("mean"), high)
        ),
        _spread(column),
    ]


def _short(value: Any, column: Found) -> str:
    if value is None:
        return ""
    if column["kind"] == "time":
        moment = datetime.fromisoformat(str(value))
        return moment.strftime("%H:%M:%S" if _same_day(column) else "%Y-%m-%d")
    text = grid.figure(value)
    return f"{text} long" if column["kind"] in {"text", "binary", "list"} else text


def _same_day(column: Found) -> bool:
    return "T" in str(column["min"]) and str(column["min"])[:10] == str(column["max"])[:10]


def _spread(column: Found) -> str:
    counts: Sequence[int] = (column.get("histogram") or {}).get("counts") or []
    if len(counts) > 1:
        return grid.spark([0, *counts])[1:]
    if column["kind"] == "boolean" and column["count"]:
        return f"{column['true'] / column['count']:.0%} true"
    return ""


def _share(part: int, whole: int) -> str:
    if not part:
        return "0"
    share = 100 * part / whole
    return f"{part} ({'<1' if share < 1 else f'{share:.0f}'}%)"


def _frequent(found: Found, width: int) -> list[str]:
    """Values of columns that are no measurements."""
    lines: list[str] = []
    for column in found["columns"]:
        top = column.get("top") or []
        if not top or column["kind"] not in {"text", "boolean"} or not column["count"]:
            continue
        told = ", ".join(
            f"{grid.short(str(entry['value']), _WIDEST)} ({entry['count'] / column['count']:.0%})"
            for entry in top[:5]
        )
        lines.append(grid.short(f"{column['name']}: {told}", width))
    return ["", "Most frequent values", *(f"  {line}" for line in lines)] if lines else []


def _facts(found: Found) -> list[tuple[str, Any]]:
    known = {"status", "name", "version", "type", "format", "files", "bytes", "notes"}
    known |= {"computed_at", "seconds"}
    return [(name, value) for name, value in found.items() if name not in known]


def _notes(found: Found, stream: TextIO) -> list[str]:
    notes = list(found.get("notes") or [])
    if left := found.get("columns_left_out"):
        notes.append(f"{left} columns were left out")
    return [terminal.paint(f"Note: {note}.", "dim", stream) for note in notes]


def _type(text: str) -> str:
    return _TYPES.get(text, text)
