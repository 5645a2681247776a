"""What data is: a table, images, text, or something else."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazur.mltable import MLTable, MLTableError, load
from lazur.mltable import _blueprint as blueprints
from lazur.mltable._storage import Storage
from lazur.profiling import images, magic
from lazur.profiling.guard import Guard

_HEAD = 4096
_FURTHER = 256 << 10
_LISTED = 20
MOST_FILES = 200_000
_READERS = {
    ".csv": "read_delimited",
    ".tsv": "read_delimited",
    ".tab": "read_delimited",
    ".psv": "read_delimited",
    ".jsonl": "read_json_lines",
    ".ndjson": "read_json_lines",
    ".parquet": "read_parquet",
    ".pq": "read_parquet",
}
_DELIMITERS = {".tsv": "\t", ".tab": "\t", ".psv": "|"}
_NAMES = {
    "read_delimited": "delimited",
    "read_json_lines": "json_lines",
    "read_parquet": "parquet",
    "read_delta_lake": "delta",
    "paths": "paths",
}


@dataclass(frozen=True)
class File:
    path: str
    """Relative to the data."""
    actual: Path
    size: int


@dataclass
class Found:
    """`table` is None for what is none."""

    format: str
    files: list[File]
    table: MLTable | None = None
    notes: list[str] = field(default_factory=list[str])

    def summary(self) -> dict[str, Any]:
        kinds: Counter[str] = Counter()
        for file in self.files:
            kinds[_extension(file) or "(none)"] += 1
        return {
            "format": self.format,
            "files": len(self.files),
            "bytes": sum(file.size for file in self.files),
            "extensions": dict(kinds.most_common(_LISTED)),
            "notes": self.notes,
        }


def find(root: str, kind: str, datastores: Mapping[str, str]) -> Found:
    """`kind` is the asset's type."""
    files = list(_files(root))
    guard = Guard(root, datastores)
    if kind == "mltable" or Path(root, "MLTable").is_file():
        table = load(root, resolver=guard)
        return Found(_NAMES[table._blueprint.reader.name], files, table)
    if Path(root, "_delta_log").is_dir():
        return _tabular("read_delta_lake", {}, [{"folder": root}], files, guard)
    data = [file for file in files if not _aside(file.path)] or files
    reader, extension = _reader(data)
    if reader is None:
        return Found(_other(data), files)
    chosen = [file for file in data if _extension(file) == extension]
    found = _tabular(
        reader,
        _options(reader, extension, chosen[0]),
        [{"file": str(file.actual)} for file in chosen],
        files,
        guard,
    )
    if len(chosen) < len(data):
        found.notes.append(f"{len(data) - len(chosen)} files of other formats were left out")
    return found


def head(file: File, size: int = _HEAD) -> bytes:
    with file.actual.open("rb") as stream:
        return stream.read(size)


def _tabular(
    reader: str,
    options: dict[str, Any],
    paths: list[dict[str, str]],
    files: list[File],
    guard: Guard,
) -> Found:
    made = blueprints.make(paths, reader, options, "/")
    return Found(_NAMES[reader], files, MLTable(made, Storage(None, guard)))


def _files(root: str) -> Iterator[File]:
    top = Path(root)
    if top.is_file():
        yield File(top.name, top, top.stat().st_size)
        return
    count = 0
    for parent, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            actual = Path(parent, name)
            if actual.is_symlink() or not actual.is_file():
                continue
            count += 1
            if count > MOST_FILES:
                raise MLTableError(f"There are more than {MOST_FILES} files.")
            yield File(str(actual.relative_to(top)), actual, actual.stat().st_size)


def _reader(files: list[File]) -> tuple[str | None, str]:
    """Of the format that most files have; one that has no known extension is looked into."""
    counts = Counter(map(_extension, files))
    known = [(count, extension) for extension, count in counts.items() if extension in _READERS]
    if known and 2 * max(known)[0] >= len(files):
        extension = max(known)[1]
        return _READERS[extension], extension
    if len(files) == 1 and files[0].size:
        if head(files[0], 4) == b"PAR1":
            return "read_parquet", _extension(files[0])
        if _extension(files[0]) in {"", ".txt", ".dat", ".data"} and _delimiter(files[0]):
            return "read_delimited", _extension(files[0])
        if head(files[0]).lstrip().startswith(b'{"') and _extension(files[0]) == ".json":
            return "read_json_lines", ".json"
    return None, ""


def _options(reader: str, extension: str, first: File) -> dict[str, Any]:
    if reader != "read_delimited":
        return {}
    begin = head(first)
    wide = begin.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf16" if wide else "utf8" if magic.is_text(begin) else "latin1"
    delimiter = _DELIMITERS.get(extension) or _delimiter(first) or ","
    options = {"delimiter": delimiter, "encoding": encoding}
    return {**options, "support_multi_line": True} if _breaks(first) else options


def _breaks(file: File) -> bool:
    """Whether values near the beginning have line breaks in them."""
    lines = head(file, _FURTHER).split(b"\n")[:-1]
    return any(line.count(b'"') % 2 for line in lines)


def _delimiter(file: File) -> str:
    """The one that each of the first lines has as often as the others. Empty: there is none."""
    lines = head(file).decode("utf-8", "replace").splitlines()
    lines = [line for line in (lines[:-1] if len(lines) > 1 else lines)[:20] if line.strip()]
    for mark in ",\t;|":
        counts = {line.count(mark) for line in lines if '"' not in line}
        if len(counts) == 1 and counts != {0}:
            return mark
    return ""


def _other(files: list[File]) -> str:
    if not files:
        return "empty"
    sample = files[:: max(1, len(files) // 50)][:50]
    heads = [head(file) for file in sample]
    if 2 * sum(images.size_of(begin) is not None for begin in heads) >= len(heads):
        return "images"
    if 2 * sum(magic.is_text(begin) for begin in heads) >= len(heads):
        return "text"
    return "other"


def _extension(file: File) -> str:
    return Path(file.path).suffix.lower()


def _aside(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in path.split("/"))
