"""The beginning of the data, as people look at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lazur.mltable import MLTableError
from lazur.profiling import images, magic
from lazur.profiling.cells import cell, shortened
from lazur.profiling.formats import File, Found, head

MOST_COLUMNS = 500
_BYTES = 1 << 20
"""Of all cells together, as JSON."""
_SHOWN = 256
_LINES = 64 << 10


def preview(found: Found, rows: int) -> dict[str, Any]:
    summary = found.summary()
    if found.table is not None:
        return {**summary, **_table(found.table, rows)}
    if found.format == "images":
        return {**summary, "listed": [_image(file) for file in found.files[:rows]]}
    if found.format == "text":
        return {**summary, **_text(found.files, rows)}
    return {**summary, "listed": [_other(file) for file in found.files[: min(rows, 20)]]}


def _table(table: Any, rows: int) -> dict[str, Any]:
    batches = table.to_batches()
    names: list[str] = []
    types: dict[str, str] = {}
    lines: list[list[Any]] = []
    more, used = False, 0
    for batch in batches:
        for field in batch.schema:
            if field.name not in types:
                names.append(field.name)
                types[field.name] = str(field.type)
        for row in batch.slice(0, rows - len(lines) + 1).to_pylist():
            line = [cell(row.get(name)) for name in names[:MOST_COLUMNS]]
            used += len(json.dumps(line))
            if len(lines) == rows or used > _BYTES:
                more = True
                break
            lines.append(line)
        if more or len(lines) > rows:
            break
    shown = names[:MOST_COLUMNS]
    for line in lines:
        line += [None] * (len(shown) - len(line))
    columns = [{"name": shortened(name), "type": shortened(types[name])} for name in shown]
    found = {"columns": columns, "rows": lines, "more": more}
    left = len(names) - len(shown)
    return {**found, "columns_left_out": left} if left else found


def _image(file: File) -> dict[str, Any]:
    with file.actual.open("rb") as stream:
        size = images.size_in(stream)
    told = dict(zip(("format", "width", "height"), size, strict=True)) if size else {}
    return {"path": shortened(file.path), "bytes": file.size, **told}


def _text(files: list[File], rows: int) -> dict[str, Any]:
    first = max(files, key=lambda file: file.size > 0)
    data = head(first, _LINES)
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    lines = data.decode("utf-16" if utf16 else "utf-8", "replace").splitlines()
    more = len(lines) > rows or first.size > len(data)
    return {
        "path": shortened(first.path),
        "lines": [shortened(line) for line in lines[:rows]],
        "more": more,
    }


def _other(file: File) -> dict[str, Any]:
    begin = head(file, _SHOWN)
    return {
        "path": shortened(file.path),
        "bytes": file.size,
        "guess": magic.guess(begin) or ("text" if magic.is_text(begin) else "unknown"),
        "hex": begin.hex(" "),
    }


def reason(error: BaseException, root: str, data: str, memory: int) -> tuple[str, str]:
    """What went wrong and what to do, without the folder that the data lies in for the moment."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ArrowMemoryError":
        what = "a row, a page of a Parquet file or a value in it is very large"
        return (
            f"it needs more memory than a look may take ({memory >> 20} MB): {what}.",
            "Read it in a job, whose memory you choose, or write it in smaller pieces.",
        )
    text = str(error).replace(str(Path(root)), data) or type(error).__name__
    known = isinstance(error, MLTableError | OSError | ValueError)
    hint = "Download it and look at the place that is named." if known else ""
    return shortened(text), hint
