"""Files with a JSON object in each line."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, Dict, Iterator, List, Optional

from ._blocks import ENCODINGS, blocks, encoding_of
from ._chunks import Chunks
from ._errors import MLTableError
from ._native import reader_of
from ._optional import arrow, need
from ._readers import Reader
from ._storage import Storage


class ReadJsonLines(Reader):
    name = "read_json_lines"

    def check(self) -> None:
        self.mapping()
        self.switch("include_path_column")
        self._encoding = encoding_of(self.value.get("encoding", "utf8"))
        if self._encoding not in ENCODINGS:
            self.fail(f"`encoding` is one of {', '.join(ENCODINGS)}, not {self._encoding!r}.")
        invalid = self.value.get("invalid_lines", "error")
        if invalid not in ("error", "drop"):
            self.fail(f"`invalid_lines` is error or drop, not {invalid!r}.")
        self._drop = invalid == "drop"

    def read(self, sources: List[str], storage: Storage, columns: Optional[List[str]]) -> Chunks:
        known = _Known()
        for source in sources:
            with storage.open(source) as stream:
                yield from self.with_path(self._file(stream, source, known))

    def _file(self, stream: BinaryIO, source: str, known: _Known) -> Chunks:
        line = 1
        empty = True
        for block in blocks(stream, self._encoding, source):
            for batch in self._tables(block, source, line, known):
                empty = False
                yield source, batch
            line += block.count(b"\n")
        if empty:
            pa = arrow()
            arrays = [pa.array([], kind) for kind in known.types.values()]
            yield source, pa.RecordBatch.from_arrays(arrays, names=list(known.types))

    def _tables(self, block: bytes, source: str, line: int, known: _Known) -> Iterator[Any]:
        table = _quick(block, known)
        if table is None:
            table = _table(list(self._objects(block, source, line)))
        known.note(table)
        yield from table.to_batches()

    def _objects(self, block: bytes, source: str, line: int) -> Iterator[Dict[str, Any]]:
        for number, text in enumerate(block.split(b"\n" if b"\n" in block else b"\r")):
            if not text.strip():
                continue
            try:
                found: Any = json.loads(text)
                wrong = None if isinstance(found, dict) else "it is no JSON object"
            except (ValueError, RecursionError) as error:
                found, wrong = None, str(error)
            if not wrong:
                yield found
            elif not self._drop:
                raise MLTableError(
                    f"{source}:{line + number}: this line cannot be read: {wrong}. To leave out"
                    " such lines, set `invalid_lines: drop`.",
                    self.where,
                )


class _Known:
    """The types that columns had so far: later blocks are read as the same."""

    def __init__(self) -> None:
        self.types: Dict[str, Any] = {}

    def note(self, table: Any) -> None:
        types = arrow().types
        for field in table.schema:
            if not types.is_null(field.type):
                self.types.setdefault(field.name, field.type)

    def schema(self) -> Any:
        return arrow().schema(list(self.types.items())) if self.types else None


def _quick(block: bytes, known: _Known) -> Any:
    """By Arrow's parser, which takes text that looks like a time for one: then it is told not to.
    None where it cannot read a line."""
    pa, parser = arrow(), need("pyarrow.json", "Reading JSON lines")
    schema = known.schema()
    size = max(len(block) + 1, 1 << 10)
    for _ in range(2):
        try:
            table = parser.read_json(
                reader_of(block),
                read_options=parser.ReadOptions(block_size=size),
                parse_options=parser.ParseOptions(explicit_schema=schema),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
        fields = [_plain(field) for field in table.schema]
        if pa.schema(fields).equals(table.schema):
            there = _present(table, block)
            return table.select(there)
        schema = pa.schema(fields)
    return None


def _present(table: Any, block: bytes) -> List[str]:
    """Not the columns that were only expected."""
    return [
        name
        for name, column in zip(table.schema.names, table.columns)
        if column.null_count < len(column) or json.dumps(name).encode() in block
    ]


def _plain(field: Any) -> Any:
    pa = arrow()
    return pa.field(field.name, _as_text(field.type))


def _as_text(kind: Any) -> Any:
    pa = arrow()
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([_plain(kind.field(place)) for place in range(kind.num_fields)])
    if pa.types.is_list(kind):
        return pa.list_(_as_text(kind.value_type))
    return kind


def _table(found: List[Dict[str, Any]]) -> Any:
    """By Python. A column with values of different kinds is text."""
    pa = arrow()
    names = list(dict.fromkeys(name for row in found for name in row))
    arrays = []
    for name in names:
        values = [row.get(name) for row in found]
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays.append(
                pa.array(
                    [
                        value if value is None or isinstance(value, str) else json.dumps(value)
                        for value in values
                    ],
                    pa.string(),
                )
            )
    return pa.Table.from_arrays(arrays, names=names)
