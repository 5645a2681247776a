"""Delimited text files: CSV, TSV and their kin."""

from __future__ import annotations

import functools
import io
import itertools
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Tuple

from . import _conversion
from ._blocks import ENCODINGS, Stream, blocks, encoding_of, ended, pieces
from ._chunks import Chunks
from ._errors import MLTableError
from ._optional import arrow
from ._readers import Reader
from ._rows import Dialect, Shape, numbered, records, records_of
from ._storage import Storage
from ._types import DataType, MLTableHeaders, read_type

_SAMPLE = 200
_ROWS = 20_000
_PEEK = 256 << 10
_DELIMITERS = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "space": " "}


class ReadDelimited(Reader):
    name = "read_delimited"

    def check(self) -> None:
        self.mapping()
        for switch in ("include_path_column", "support_multi_line", "empty_as_string"):
            self.switch(switch)
        given = self.value.get("delimiter", ",")
        delimiter = _DELIMITERS.get(given, given) if isinstance(given, str) else ""
        if len(delimiter) != 1 or delimiter in '"\r\n':
            self.fail(f"`delimiter` is one character, not {given!r}.")
        self._dialect = Dialect(
            delimiter, self.switch("support_multi_line"), self.switch("empty_as_string")
        )
        self._encoding = self._one_of("encoding", "utf8", list(ENCODINGS), encoding_of)
        self._header = self._one_of(
            "header", "all_files_same_headers", [header.name for header in MLTableHeaders]
        )
        self._infer, self._sample, self._overrides = self._inference()

    @property
    def infers(self) -> bool:
        return self._infer

    def read(self, sources: List[str], storage: Storage, columns: Optional[List[str]]) -> Chunks:
        """Types are inferred once for each name of a column, and hold for all files."""
        shared: Optional[List[str]] = None
        types = self._types(sources, storage)
        for index, source in enumerate(sources):
            with storage.open(source) as stream:
                file = self._file(source, stream, storage)
                names = file.begin(header=self._named(index))
                if names is None:
                    continue
                shared = names if self._own or shared is None else shared
                new = [name for name in shared if name not in types]
                types.update(self._learned(file.first(shared, self._sample), new))
                yield from self.with_path(file.chunks(Shape(shared, types, columns)))

    @property
    def _own(self) -> bool:
        """Whether the names of a file's columns are in the file."""
        return self._header in ("no_header", "all_files_different_headers")

    def _named(self, index: int) -> bool:
        """Whether a file's first row is a header."""
        return self._header != "no_header" and (index == 0 or self._header != "from_first_file")

    def _file(self, source: str, stream: BinaryIO, storage: Storage) -> _File:
        again = functools.partial(storage.open, source)
        return _File(source, stream, again, self._dialect, self._encoding)

    def _types(self, sources: List[str], storage: Storage) -> Dict[str, DataType]:
        """From the first rows of as many files as these are in."""
        seen: Dict[str, List[Optional[str]]] = {}
        shared: Optional[List[str]] = None
        left = self._sample if self._infer else 0
        for index, source in enumerate(sources):
            if left <= 0:
                break
            with storage.open(source) as stream:
                file = self._file(source, stream, storage)
                names = file.begin(header=self._named(index))
                if names is None:
                    continue
                shared = names if self._own or shared is None else shared
                found = file.first(shared, left)
            for name, values in found.items():
                seen.setdefault(name, []).extend(values)
            left -= max(map(len, found.values()), default=0)
        return self._learned(seen, list(seen))

    def _learned(
        self, seen: Dict[str, List[Optional[str]]], names: List[str]
    ) -> Dict[str, DataType]:
        found = {name: DataType("string") for name in names}
        if self._infer:
            found.update(_conversion.infer({name: seen.get(name, []) for name in names}))
        return {name: self._overrides.get(name, to) for name, to in found.items()}

    def _one_of(
        self, name: str, default: str, known: List[str], spelled: Callable[[Any], Any] = str
    ) -> str:
        given = spelled(self.value.get(name, default))
        if given not in known:
            self.fail(f"`{name}` is one of {', '.join(known)}, not {given!r}.")
        return str(given)

    def _inference(self) -> Tuple[bool, int, Dict[str, DataType]]:
        given = self.value.get("infer_column_types", True)
        if isinstance(given, bool):
            return given, _SAMPLE, {}
        if not isinstance(given, dict):
            self.fail("`infer_column_types` must be a bool or a dictionary.")
        if set(given) - {"sample_size", "column_type_overrides"}:
            self.fail(
                "`infer_column_types` may only contain `sample_size` and `column_type_overrides`."
            )
        size = given.get("sample_size", _SAMPLE)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            self.fail("`sample_size` must be a positive integer.")
        return True, size, self._overriding(given.get("column_type_overrides") or {})

    def _overriding(self, given: Any) -> Dict[str, DataType]:
        """A mapping from names to types, or the list that `convert_column_types` has."""
        if isinstance(given, dict):
            pairs = list(given.items())
        elif isinstance(given, list) and all(isinstance(entry, dict) for entry in given):
            pairs = [(entry.get("columns"), entry.get("column_type")) for entry in given]
        else:
            return self.fail("`column_type_overrides` maps names of columns to types.")
        found: Dict[str, DataType] = {}
        for names, value in pairs:
            to = read_type(value, self.where)
            if to.name == "stream_info":
                self.fail(
                    "Type overrides to stream are not supported; use `convert_column_types`."
                )
            for name in names if isinstance(names, (list, tuple)) else [names]:
                found[str(name)] = to
        return found


class _File:
    """One file: its header, its first rows, then all of it."""

    def __init__(
        self,
        source: str,
        stream: BinaryIO,
        again: Callable[[], BinaryIO],
        dialect: Dialect,
        encoding: str,
    ) -> None:
        self._source, self._dialect, self._encoding = source, dialect, encoding
        self._open = again
        if dialect.multi_line:
            self._parts = pieces(stream, encoding, source)
        else:
            self._parts = blocks(stream, encoding, source)
        self._skip = False
        self._start = b""

    def begin(self, *, header: bool) -> Optional[List[str]]:
        """The names of the columns, as many as the first rows have. None where the file is
        empty."""
        self._start = next(self._parts, b"")
        rows = list(itertools.islice(records(self._sample(), self._dialect), _SAMPLE))
        if not rows:
            return None
        self._skip = header
        width = max(map(len, rows))
        named = [text or "" for text in rows[0]] if header else []
        return _unique(named + [""] * (width - len(named)))

    def first(self, names: List[str], count: int) -> Dict[str, List[Optional[str]]]:
        """The first values of each column."""
        block = self._sample().encode()
        if self._skip and not self._dialect.multi_line:
            block = _without_first_line(block)
        table = None
        if self._dialect.simple and block and not (self._skip and self._dialect.multi_line):
            shape = Shape(names, dict.fromkeys(names, DataType("string")))
            table = shape.texts(block, self._dialect)
        if table is not None:
            columns = table.slice(0, count).columns
            return {name: column.to_pylist() for name, column in zip(names, columns)}
        rows = itertools.islice(records(self._sample(), self._dialect), count + self._skip)
        found = list(rows)[int(self._skip) :]
        return {
            name: [row[place] if place < len(row) else None for row in found]
            for place, name in enumerate(names)
        }

    def chunks(self, shape: Shape) -> Chunks:
        empty = True
        for table in self._tables(shape):
            for batch in table.to_batches():
                empty = False
                yield self._source, batch
        if empty:
            yield self._source, shape.empty()

    def _sample(self) -> str:
        """The first lines of the file."""
        text = self._start[:_PEEK].decode("utf-8", "replace")
        if len(self._start) > _PEEK:
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
        return text

    def _tables(self, shape: Shape) -> Iterator[Any]:
        parts = itertools.chain([self._start], self._parts)
        try:
            if self._dialect.multi_line:
                yield from self._records(parts, shape)
            else:
                yield from self._lines(parts, shape)
        except UnicodeDecodeError as error:
            raise MLTableError(
                f"{self._source} is not encoded in {self._encoding}: {error}. Give the right"
                f" `encoding`; there are {', '.join(ENCODINGS)}."
            ) from None

    def _lines(self, parts: Iterator[bytes], shape: Shape) -> Iterator[Any]:
        skip = self._skip
        for part in parts:
            block = _without_first_line(part) if skip else part
            skip = skip and not part.strip()
            if not block:
                continue
            if self._dialect.simple:
                yield shape.table(block, self._dialect, self._source)
            else:
                yield shape.from_rows(list(records(block.decode(), self._dialect)), self._source)

    def _records(self, parts: Iterator[bytes], shape: Shape) -> Iterator[Any]:
        """Records that may have line breaks in them. Where one has too many or too few values,
        the rest of the file is read row by row."""
        if not self._dialect.simple:
            yield from self._one_by_one(parts, shape, int(self._skip))
            return
        done = 0
        try:
            for batch in shape.batches(Stream(ended(parts)), self._dialect, skip=self._skip):
                yield shape.converted(arrow().Table.from_batches([batch]), self._source)
                done += batch.num_rows
        except arrow().ArrowInvalid:
            with self._open() as stream:
                again = pieces(stream, self._encoding, self._source)
                yield from self._one_by_one(again, shape, done + self._skip)

    def _one_by_one(self, parts: Iterator[bytes], shape: Shape, skip: int) -> Iterator[Any]:
        text = io.TextIOWrapper(io.BufferedReader(_Raw(Stream(parts))), "utf-8", newline="")
        found = itertools.islice(records_of(text, self._dialect), skip, None)
        while True:
            some = list(itertools.islice(found, _ROWS))
            if not some:
                return
            yield shape.from_rows(some, self._source)


class _Raw(io.RawIOBase):
    """What `io` wants of a file, over a stream."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _without_first_line(block: bytes) -> bytes:
    for end in (b"\n", b"\r"):
        start = 0
        while True:
            cut = block.find(end, start)
            if cut < 0:
                break
            if block[start:cut].strip():
                return block[cut + 1 :]
            start = cut + 1
    return b""


def _unique(names: List[str]) -> List[str]:
    """A name for each column: without one it gets its number, a second one of a name a number."""
    found: List[str] = []
    for place, name in enumerate(names):
        name = name.strip() or numbered(place)
        number, free = 1, name
        while free in found:
            free, number = f"{name}_{number}", number + 1
        found.append(free)
    return found
