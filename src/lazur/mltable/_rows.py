"""Delimited text to typed columns: by Arrow's parser, or row by row where rows are irregular."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, TextIO

from . import _conversion, _datetimes
from ._errors import MLTableError
from ._native import file_of, reader_of
from ._optional import arrow, need
from ._readers import wanted
from ._types import DataType

_WHY = "Reading delimited files"
_LINES = re.compile("\r\n|\n|\r")
_DIRECT = ("int", "float", "boolean")
_GUESSED = (_conversion.GUESSED_INT, _conversion.GUESSED_BOOL)
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
    told: _conversion.Told = field(default_factory=set)

    def table(self, block: bytes, dialect: Dialect, source: str) -> Any:
        """Whole lines; a quoted line break ends a record all the same. A line that has too few
        values is filled up with nulls; for those that have more, there are more columns."""
        invalid = arrow().ArrowInvalid
        for typed in (True, False):
            try:
                table = self._parsed(block, dialect, typed)
            except invalid:
                continue
            if _has_breaks(block, table.num_rows):
                break
            return self.converted(table, source)
        return self.from_rows(list(records(block.decode(), dialect)), source)

    def from_rows(self, rows: Sequence[Row], source: str) -> Any:
        pa = arrow()
        width = max([len(self.names), *map(len, rows)])
        names = [*self.names, *map(numbered, range(len(self.names), width))]
        wanted = self.wanted() if width == len(self.names) else names
        columns = {
            name: pa.array([row[place] if place < len(row) else None for row in rows], pa.string())
            for place, name in enumerate(names)
            if name in wanted
        }
        new = {name: column for name, column in columns.items() if name not in self.types}
        self.types.update(_conversion.infer({n: column.to_pylist() for n, column in new.items()}))
        return self.converted(
            pa.Table.from_arrays(list(columns.values()), names=list(columns)), source
        )

    def converted(self, table: Any, source: str) -> Any:
        """The columns that Arrow's parser did not convert."""
        pa = arrow()
        arrays = []
        for name, column in zip(table.schema.names, table.columns):
            if not pa.types.is_string(column.type):
                arrays.append(column)
                continue
            if self.types[name] in _GUESSED:
                self.types[name] = _conversion.widened(column, self.types[name])
            to = self.types[name]
            done = to.name == "string"
            arrays.append(
                column if done else _conversion.convert(column, to, name, source, self.told)
            )
        return pa.Table.from_arrays(arrays, names=table.schema.names)

    def texts(self, block: bytes, dialect: Dialect) -> Any:
        """Columns of text, or None where rows are irregular."""
        try:
            return self._cut(block, dialect, False, len(block) + 1)
        except arrow().ArrowInvalid:
            return None

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
            file_of(stream),
            read_options=parser.ReadOptions(
                column_names=self.names, skip_rows_after_names=int(skip), block_size=4 << 20
            ),
            parse_options=parser.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=True
            ),
            convert_options=self._conversion(dialect, typed=False),
        )
        with reader:  # it reads ahead, and whoever wants the first rows alone leaves it there
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
            reader_of(block),
            read_options=parser.ReadOptions(column_names=self.names, block_size=size),
            parse_options=parser.ParseOptions(delimiter=dialect.delimiter),
            convert_options=self._conversion(dialect, typed=typed),
        )

    def _conversion(self, dialect: Dialect, *, typed: bool) -> Any:
        parser, pa = need("pyarrow.csv", _WHY), arrow()
        kinds = {}
        for name in self.names:
            to = self.types[name]
            kinds[name] = _conversion.arrow_type(to) if typed and _direct(to) else pa.string()
        return parser.ConvertOptions(
            column_types=kinds,
            include_columns=self.wanted(),
            null_values=[""],
            timestamp_parsers=[parser.ISO8601],
            true_values=_conversion.TRUE,
            false_values=_conversion.FALSE,
            strings_can_be_null=not dialect.empty_as_string,
            quoted_strings_can_be_null=False,
        )


def _direct(to: DataType) -> bool:
    """Whether Arrow's parser reads this type as we do."""
    if to.name == "datetime":
        return _datetimes.is_iso(to.options.get("formats", []))
    return to.name in _DIRECT and (to in _GUESSED or not to.options)


def numbered(place: int) -> str:
    """The name of a column that has none."""
    return f"Column{place + 1}"


def records(text: str, dialect: Dialect) -> Iterator[Row]:
    """Row by row; an empty line is none."""
    if dialect.multi_line:
        return records_of(io.StringIO(text, newline=""), dialect)
    lines = (line for line in _LINES.split(text) if line)
    return _rows((_split(line, dialect.delimiter) for line in lines), dialect)


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


def _split(line: str, delimiter: str) -> List[str]:
    """The values of a line; a quotation mark that is not closed is one like other letters."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=line.count('"') % 2 == 1))
    except csv.Error:
        pass
    mark = re.escape(delimiter)
    value = re.compile(f'"(?:[^"]|"")*"[^{mark}]*|[^{mark}]*')
    found: List[str] = []
    at = 0
    while at <= len(line):
        match = value.match(line, at)
        assert match
        text = match.group()
        closed = re.match(r'"((?:[^"]|"")*)"(.*)$', text)
        found.append(closed.group(1).replace('""', '"') + closed.group(2) if closed else text)
        at = match.end() + 1
    return found


def _has_breaks(block: bytes, rows: int) -> bool:
    """Whether there are fewer rows than lines that are not empty: some are in quotes."""
    end = b"\n" if b"\n" in block else b"\r"
    if rows == block.count(end) + (not block.endswith(end)) or b'"' not in block:
        return False
    return rows != sum(1 for line in block.split(end) if line.strip(b"\r"))
