"""Delimited text to typed columns: by Arrow's parser, or row by row where rows are irregular."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, TextIO

from . import _conversion
from ._errors import MLTableError
from ._optional import arrow, need
from ._readers import wanted
from ._types import DataType

_WHY = "Reading delimited files"
_LINES = re.compile("\r\n|\n|\r")
_DIRECT = ("int", "float", "boolean")
GUESSED_INT = DataType("int", {"guessed": True})
Row = List[Optional[str]]


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    multi_line: bool
    empty_as_string: bool

    @property
    def simple(self) -> bool:
        """Whether Arrow's parser knows the delimiter."""
        return self.delimiter.isascii()


@dataclass(frozen=True)
class Shape:
    """The columns of a file, their types, and which of them are wanted (None: all)."""

    names: List[str]
    types: Dict[str, DataType]
    columns: Optional[List[str]] = None

    def table(self, block: bytes, dialect: Dialect, source: str) -> Any:
        """Whole lines. A line that has too few values is filled up with nulls, of one that has
        too many the rest is left out; a quoted line break ends a record all the same."""
        invalid = arrow().ArrowInvalid
        for typed in (True, False):
            try:
                table = self._parsed(block, dialect, typed)
            except invalid:
                continue
            if b'"' in block and table.num_rows != _count(block):
                break
            return self.converted(table, source)
        text = block.decode()
        return self.from_rows(list(records(text, dialect)), source)

    def from_rows(self, rows: Sequence[Row], source: str) -> Any:
        pa = arrow()
        wanted = self.wanted()
        arrays = [
            pa.array([row[place] if place < len(row) else None for row in rows], pa.string())
            for place, name in enumerate(self.names)
            if name in wanted
        ]
        return self.converted(pa.Table.from_arrays(arrays, names=wanted), source)

    def converted(self, table: Any, source: str) -> Any:
        """The columns that Arrow's parser did not convert."""
        pa = arrow()
        arrays = []
        for name, column in zip(table.schema.names, table.columns):
            to = self._widened(name, column)
            done = to.name == "string" or not pa.types.is_string(column.type)
            arrays.append(column if done else _conversion.convert(column, to, name, source))
        return pa.Table.from_arrays(arrays, names=table.schema.names)

    def _widened(self, name: str, column: Any) -> DataType:
        """The column's type; from the first fraction on, whole numbers that were only guessed to
        be whole are floats."""
        to = self.types[name]
        text = arrow().types.is_string(column.type)
        if text and to == GUESSED_INT and _conversion.has_fractions(column):
            to = self.types[name] = DataType("float")
        return to

    def wanted(self) -> List[str]:
        return wanted(self.names, self.columns)

    def empty(self) -> Any:
        pa = arrow()
        names = self.wanted()
        kinds = [_conversion.arrow_type(self.types[name]) for name in names]
        return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in kinds], names=names)

    def batches(self, stream: Any, dialect: Dialect, *, skip: bool) -> Iterator[Any]:
        """Records that may have line breaks in them, all as text."""
        parser = need("pyarrow.csv", _WHY)
        reader = parser.open_csv(
            arrow().PythonFile(stream, mode="r"),
            read_options=parser.ReadOptions(
                column_names=self.names, skip_rows_after_names=int(skip), block_size=4 << 20
            ),
            parse_options=parser.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=True
            ),
            convert_options=self._conversion(dialect, typed=False),
        )
        yield from reader

    def _parsed(self, block: bytes, dialect: Dialect, typed: bool) -> Any:
        try:
            return self._cut(block, dialect, typed, 1 << 20)
        except arrow().ArrowInvalid as error:
            if "straddling" not in str(error):
                raise
        return self._cut(block, dialect, typed, len(block) + 1)

    def _cut(self, block: bytes, dialect: Dialect, typed: bool, size: int) -> Any:
        """In parts of this size, which threads share."""
        parser = need("pyarrow.csv", _WHY)
        return parser.read_csv(
            arrow().BufferReader(block),
            read_options=parser.ReadOptions(column_names=self.names, block_size=size),
            parse_options=parser.ParseOptions(delimiter=dialect.delimiter),
            convert_options=self._conversion(dialect, typed=typed),
        )

    def _conversion(self, dialect: Dialect, *, typed: bool) -> Any:
        parser, pa = need("pyarrow.csv", _WHY), arrow()
        kinds = {}
        for name in self.names:
            to = self.types[name]
            direct = typed and to.name in _DIRECT and (to == GUESSED_INT or not to.options)
            kinds[name] = _conversion.arrow_type(to) if direct else pa.string()
        return parser.ConvertOptions(
            column_types=kinds,
            include_columns=self.wanted(),
            null_values=[""],
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            strings_can_be_null=not dialect.empty_as_string,
            quoted_strings_can_be_null=not dialect.empty_as_string,
        )


def records(text: str, dialect: Dialect) -> Iterator[Row]:
    """Row by row; an empty line is none."""
    if dialect.multi_line:
        return records_of(io.StringIO(text, newline=""), dialect)
    return _rows(
        (
            row
            for line in _LINES.split(text)
            for row in csv.reader([line], delimiter=dialect.delimiter)
        ),
        dialect,
    )


def records_of(stream: TextIO, dialect: Dialect) -> Iterator[Row]:
    """Records that may have line breaks in them."""
    return _rows(csv.reader(stream, delimiter=dialect.delimiter), dialect)


def _rows(rows: Iterable[List[str]], dialect: Dialect) -> Iterator[Row]:
    try:
        for row in rows:
            if row:
                yield [value or (value if dialect.empty_as_string else None) for value in row]
    except csv.Error as error:
        raise MLTableError(f"A row cannot be read: {error}.") from None


def _count(block: bytes) -> int:
    """How many lines are not empty."""
    end = b"\n" if b"\n" in block else b"\r"
    blank = block.startswith((b"\n", b"\r")) or b"\n\n" in block or b"\n\r" in block
    if blank or end == b"\r":
        return sum(1 for line in block.split(end) if line.strip(b"\r"))
    return block.count(end) + (not block.endswith(end))
