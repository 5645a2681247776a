"""Rows of a database to Parquet, in little memory. A column has one type in all files: where a
later row does not fit, the column becomes wider, and files that were written are written anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ._tools import need, say

MLTABLE = """\
type: mltable
paths:
  - pattern: ./*.parquet
transformations:
  - read_parquet
"""
_ROWS = 1_000_000
"""Of a file."""


class Writer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrow = need("pyarrow", "pyarrow", "Writing Parquet")
        self._parquet = need("pyarrow.parquet", "pyarrow", "Writing Parquet")
        self._names: list[str] = []
        self._types: list[Any] = []
        self._files: list[Path] = []
        self._open: Any = None
        self._widened = False
        self._in_file = 0
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        if kind is None:
            self._finish()

    def begin(self, names: list[str]) -> None:
        """Names that come twice get a number."""
        for name in names:
            free, number = name or "column", 1
            while free in self._names:
                free, number = f"{name}_{number}", number + 1
            self._names.append(free)
        self._types = [self._arrow.null()] * len(names)

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        columns = [[_plain(row[at]) for row in rows] for at in range(len(self._names))]
        arrays = [self._array(at, values) for at, values in enumerate(columns)]
        if self._open is not None and (
            self._in_file >= _ROWS or self._open.schema.types != self._types
        ):
            self._widened = self._widened or self._open.schema.types != self._types
            self._close()
        if self._open is None:
            path = self._folder / f"part-{len(self._files):05}.parquet"
            self._files.append(path)
            self._open = self._parquet.ParquetWriter(path, self._schema())
            self._in_file = 0
        batch = self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema())
        self._open.write_batch(batch)
        self._in_file += len(rows)
        self.rows += len(rows)

    def _array(self, at: int, values: list[Any]) -> Any:
        """In the column's type, which becomes as wide as the values need."""
        pa = self._arrow
        known = self._types[at]
        made = _inferred(pa, values)
        wider = made.type if pa.types.is_null(known) else _wider(pa, known, made.type)
        if wider != known and not pa.types.is_null(known):
            say(f"The column {self._names[at]!r} becomes {wider}: it was {known}.")
        self._types[at] = wider
        if pa.types.is_string(wider) and not pa.types.is_string(made.type):
            return pa.array([None if value is None else str(value) for value in values], wider)
        return made.cast(wider)

    def _schema(self) -> Any:
        return self._arrow.schema(list(zip(self._names, self._types, strict=True)))

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _finish(self) -> None:
        pa = self._arrow
        unknown = [pa.types.is_null(kind) for kind in self._types]
        self._types = [
            pa.string() if nothing else kind
            for kind, nothing in zip(self._types, unknown, strict=True)
        ]
        if not self._files:
            self._files = [self._folder / "part-00000.parquet"]
            self._parquet.write_table(self._schema().empty_table(), self._files[0])
        if self._widened or any(unknown):
            for path in self._files:
                self._rewrite(path)
        (self._folder / "MLTable").write_text(MLTABLE)

    def _rewrite(self, path: Path) -> None:
        """With the types that the columns have in the end."""
        draft = path.with_suffix(".draft")
        with (
            self._parquet.ParquetFile(path) as old,
            self._parquet.ParquetWriter(draft, self._schema()) as new,
        ):
            for batch in old.iter_batches():
                table = self._arrow.Table.from_batches([batch])
                new.write_table(table.cast(self._schema()))
        draft.replace(path)


def _inferred(pa: Any, values: list[Any]) -> Any:
    try:
        made = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])
    kind = made.type
    if pa.types.is_decimal(kind):
        return made.cast(pa.decimal128(38, max(kind.scale, 0)))
    return made


def _wider(pa: Any, one: Any, other: Any) -> Any:
    types = pa.types
    if types.is_null(other) or one == other:
        return one
    if types.is_decimal(one) and types.is_decimal(other):
        return pa.decimal128(38, max(one.scale, other.scale))
    numbers = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    if all(any(fits(kind) for fits in numbers) for kind in (one, other)):
        whole = not any(types.is_floating(kind) or types.is_decimal(kind) for kind in (one, other))
        return pa.int64() if whole else pa.float64()
    if types.is_timestamp(one) and types.is_timestamp(other) and one.tz == other.tz:
        return pa.timestamp("us", one.tz)
    return pa.string()


def _plain(value: Any) -> Any:
    """What Arrow knows as it is; records and lists as JSON, all else as text."""
    if value is None or isinstance(
        value, bool | int | float | str | bytes | Decimal | date | datetime | time | timedelta
    ):
        return value
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
