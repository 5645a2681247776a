"""All of the data, once through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from lazur.profiling import images
from lazur.profiling.columns import Column
from lazur.profiling.formats import File, Found, head
from lazur.profiling.magic import guess, is_text
from lazur.profiling.spool import Budget

MOST_COLUMNS = 1_000
_SLICE = 1 << 17

Progress = Callable[[dict[str, int]], None]


def profile(found: Found, scratch: Path, disk: int, tell: Progress) -> dict[str, Any]:
    summary = found.summary()
    if found.table is not None:
        return {**summary, **_table(found.table, scratch, Budget(disk), tell)}
    if found.format == "images":
        sizes = [_size(file) for file in found.files]
        return {**summary, **images.statistics(sizes)}
    if found.format == "text":
        return {**summary, **_text(found.files, tell)}
    return {**summary, "guesses": _guesses(found.files)}


def _table(table: Any, scratch: Path, budget: Budget, tell: Progress) -> dict[str, Any]:
    columns: dict[str, Column] = {}
    left_out: set[str] = set()
    rows = 0
    for batch in table.to_batches():
        for start in range(0, batch.num_rows, _SLICE):
            part = batch.slice(start, _SLICE)
            _add(part, columns, left_out, rows, (scratch, budget))
            rows += part.num_rows
            tell({"rows": rows})
        if not batch.num_rows:
            _add(batch, columns, left_out, rows, (scratch, budget))
    found = {"rows": rows, "columns": [column.to_dict() for column in columns.values()]}
    return {**found, "columns_left_out": len(left_out)} if left_out else found


def _add(
    batch: Any,
    columns: dict[str, Column],
    left_out: set[str],
    before: int,
    place: tuple[Path, Budget],
) -> None:
    seen: set[str] = set()
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name in seen:
            continue
        if name not in columns:
            if len(columns) >= MOST_COLUMNS:
                left_out.add(name)
                continue
            kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
            columns[name] = Column(name, kind, place[0] / f"{len(columns)}.numbers", place[1])
            columns[name].missing(before)
        seen.add(name)
        columns[name].add(array.storage if isinstance(array, pa.ExtensionArray) else array)
    for name, column in columns.items():
        if name not in seen:
            column.missing(batch.num_rows)


def _size(file: File) -> images.Size | None:
    with file.actual.open("rb") as stream:
        return images.size_in(stream)


def _text(files: list[File], tell: Progress) -> dict[str, Any]:
    """Lines and bytes; lines that are not ended count, too."""
    lines = longest = 0
    for file in files:
        length = 0
        with file.actual.open("rb") as stream:
            while block := stream.read(1 << 20):
                first, *rest = block.split(b"\n")
                length += len(first)
                for part in rest:
                    longest, lines, length = max(longest, length), lines + 1, len(part)
                tell({"lines": lines})
        lines += length > 0
        longest = max(longest, length)
    return {"lines": lines, "longest_line_bytes": longest}


def _guesses(files: list[File]) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for file in files[:1000]:
        begin = head(file, 512)
        what = guess(begin) or ("text" if is_text(begin) else "unknown")
        counts[what] = counts.get(what, 0) + 1
    return [{"format": what, "files": count} for what, count in counts.items()]
