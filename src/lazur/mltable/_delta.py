"""Delta Lake tables, from their log: what files a version has, with which partition values.

Only Parquet and JSON are needed for that, so most tables are read without the package
`deltalake`; one that uses newer features of the protocol is handed to it.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timezone
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import unquote

from ._chunks import Chunks, constant, pick
from ._errors import MLTableError
from ._optional import arrow, need
from ._parquet import batches
from ._readers import Reader, wanted
from ._storage import Storage

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.\d{10})?\.parquet")
_TYPES = {
    "string": "string",
    "long": "int64",
    "integer": "int32",
    "short": "int16",
    "byte": "int8",
    "double": "float64",
    "float": "float32",
    "boolean": "bool_",
    "date": "date32",
}


class ReadDeltaLake(Reader):
    name = "read_delta_lake"
    folders = True

    def check(self) -> None:
        self.mapping()
        self.switch("include_path_column")
        self._version = self.value.get("version_as_of")
        given = self.value.get("timestamp_as_of")
        if self._version is not None and given is not None:
            self.fail("Give `timestamp_as_of` or `version_as_of`, not both.")
        whole = isinstance(self._version, int) and not isinstance(self._version, bool)
        if self._version is not None and not whole:
            self.fail(f"`version_as_of` is a whole number, not {self._version!r}.")
        self._time = None if given is None else self._instant(given)

    def read(self, sources: List[str], storage: Storage, columns: Optional[List[str]]) -> Chunks:
        for source in sources:
            yield from self.with_path(self._table(source, storage, columns))

    def _instant(self, given: Any) -> datetime:
        try:
            text = given.isoformat() if isinstance(given, (date, datetime)) else str(given)
            text = re.sub("[zZ]$", "+00:00", text)
            found = datetime.fromisoformat(text)
        except ValueError:
            return self.fail(
                f"`timestamp_as_of` is a time such as '2022-10-01T00:00:00Z', not {given!r}."
            )
        return found if found.tzinfo else found.replace(tzinfo=timezone.utc)

    def _table(self, source: str, storage: Storage, columns: Optional[List[str]]) -> Chunks:
        log = _Log(source, storage)
        version = self._version
        if self._time is not None:
            version = log.at(self._time)
        log.replay(version)
        if log.reader_version > 1:
            yield from self._by_package(source, version)
            return
        yield from log.chunks(columns)

    def _by_package(self, source: str, version: Optional[int]) -> Chunks:
        package = need("deltalake", f"The Delta table {source}, which uses newer features,")
        table = package.DeltaTable(source, version=version)
        for batch in table.to_pyarrow_dataset().to_batches():
            yield source, batch


class _Log:
    """The log of one table, read up to a version."""

    def __init__(self, root: str, storage: Storage) -> None:
        self._root, self._storage = root.rstrip("/"), storage
        self.reader_version = 1
        self._schema: Dict[str, str] = {}
        self._partitions: List[str] = []
        self._files: Dict[str, Dict[str, Any]] = {}
        self._commits: Dict[int, str] = {}
        self._checkpoints: Dict[int, List[str]] = {}
        self._list()

    def at(self, time: datetime) -> int:
        """The last version that was there at `time`."""
        found = [version for version in sorted(self._commits) if self._when(version) <= time]
        if not found:
            raise MLTableError(f"The Delta table {self._root} has no version as old as {time}.")
        return found[-1]

    def replay(self, version: Optional[int]) -> None:
        newest = max([*self._commits, *self._checkpoints])
        last = newest if version is None else version
        if last > newest or last < 0:
            raise MLTableError(
                f"The Delta table {self._root} has no version {last}; the newest is {newest}."
            )
        start = max((found for found in self._checkpoints if found <= last), default=-1)
        for path in self._checkpoints.get(start, []):
            for action in self._checkpoint(path):
                self._apply(action)
        for number in range(start + 1, last + 1):
            if number not in self._commits:
                raise MLTableError(
                    f"Version {last} of the Delta table {self._root} is gone: its log lacks"
                    f" version {number}."
                )
            for action in self._actions(number):
                self._apply(action)

    def chunks(self, columns: Optional[List[str]]) -> Chunks:
        pa = arrow()
        names = wanted(list(self._schema), columns)
        stored = [name for name in names if name not in self._partitions]
        read = False
        for path, values in sorted(self._files.items()):
            full = path if "://" in path else f"{self._root}/{path}"
            for source, batch in batches(full, self._storage, stored):
                read = True
                yield source, self._completed(batch, names, values)
        if not read:
            kinds = [self._kind(name) for name in names]
            arrays = [pa.array([], kind) for kind in kinds]
            yield self._root, pa.RecordBatch.from_arrays(arrays, names=names)

    def _completed(self, batch: Any, names: List[str], values: Dict[str, Any]) -> Any:
        """With the partition's columns, which are not in the file, and those that came later."""
        pa, rows = arrow(), batch.num_rows
        arrays, there = list(batch.columns), list(batch.schema.names)
        for name in names:
            if name not in there:
                text = values.get(name) if name in self._partitions else None
                there.append(name)
                arrays.append(constant(text, pa.string(), rows).cast(self._kind(name)))
        return pick(pa.RecordBatch.from_arrays(arrays, names=there), names)

    def _kind(self, name: str) -> Any:
        pa = arrow()
        word = self._schema[name]
        if word == "timestamp":
            return pa.timestamp("us")
        return getattr(pa, _TYPES.get(word, "string"))()

    def _list(self) -> None:
        for path in self._storage.glob(f"{self._root}/_delta_log/*"):
            name = path.rsplit("/", 1)[-1]
            commit, checkpoint = _COMMIT.fullmatch(name), _CHECKPOINT.fullmatch(name)
            if commit:
                self._commits[int(commit.group(1))] = path
            elif checkpoint:
                self._checkpoints.setdefault(int(checkpoint.group(1)), []).append(path)
        if not self._commits and not self._checkpoints:
            raise MLTableError(f"{self._root} is no Delta table: it has no log in _delta_log.")

    def _actions(self, version: int) -> Iterator[Dict[str, Any]]:
        with self._storage.open(self._commits[version]) as stream:
            for line in stream:
                if line.strip():
                    yield json.loads(line)

    def _checkpoint(self, path: str) -> Iterator[Dict[str, Any]]:
        for _, batch in batches(path, self._storage, None):
            for row in batch.to_pylist():
                yield {name: value for name, value in row.items() if value is not None}

    def _apply(self, action: Dict[str, Any]) -> None:
        if "protocol" in action:
            self.reader_version = int(action["protocol"].get("minReaderVersion") or 1)
        if "metaData" in action:
            about = action["metaData"]
            fields = json.loads(about["schemaString"])["fields"]
            self._schema = {field["name"]: _word(field["type"]) for field in fields}
            self._partitions = list(about.get("partitionColumns") or [])
        if "add" in action:
            added = action["add"]
            self._files[unquote(added["path"])] = dict(added.get("partitionValues") or {})
        if "remove" in action:
            self._files.pop(unquote(action["remove"]["path"]), None)

    def _when(self, version: int) -> datetime:
        """When a version was committed: as it says, or as its commit's time says."""
        for action in self._actions(version):
            stamp = action.get("commitInfo", {}).get("timestamp")
            if stamp:
                return datetime.fromtimestamp(int(stamp) / 1000, timezone.utc)
        return datetime.min.replace(tzinfo=timezone.utc)


def _word(kind: Any) -> str:
    return kind if isinstance(kind, str) else "nested"
