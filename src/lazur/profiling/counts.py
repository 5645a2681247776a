"""Which values a column has, and how often: exactly while they fit into memory, then by
estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

pc: Any = compute
_PENDING = 200_000
_MOST = 500_000
_BYTES = 64 << 20
_HELD = 20_000
"""Frequent values that are still followed when there are too many to follow all."""
_SKETCH = 1 << 14
_SLICE = 4 << 20
_PRIME = 0x100000001B3


class Counts:
    """`add` gets arrays without nulls and of one type."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._pending: list[Any] = []
        self._rows = 0
        self._smallest: Any = None
        """The smallest hashes of all values; None while all values are known."""

    @property
    def exact(self) -> bool:
        return self._smallest is None

    def add(self, array: Any) -> None:
        found = array.value_counts()
        table = pa.table({"value": found.field("values"), "count": found.field("counts")})
        if self._smallest is not None:
            self._note(table)
            # What is frequent is so in most batches, and comes twice in them.
            table = table.filter(pc.field("count") > 1)
        self._pending.append(table)
        self._rows += len(table)
        if self._rows > _PENDING + (self._most if self.exact else _HELD):
            self._merge()

    def distinct(self) -> int:
        table = self._merge()
        if self._smallest is None:
            return len(table)
        if len(self._smallest) < _SKETCH:
            return len(self._smallest)
        return round((_SKETCH - 1) / (float(self._smallest[-1]) / 2.0**64))

    def top(self, count: int) -> list[tuple[Any, int]]:
        """The most frequent; among equals the smallest value first."""
        table = self._merge()
        if not len(table):
            return []
        order = [("count", "descending"), ("value", "ascending")]
        first = table.sort_by(order).slice(0, count)
        return list(
            zip(first.column("value").to_pylist(), first.column("count").to_pylist(), strict=True)
        )

    def cast(self, kind: Any) -> None:
        """The column turned out to be of a wider type."""
        if self._pending:
            table = self._merge()
            self._pending = [table.set_column(0, "value", table.column("value").cast(kind))]

    def _merge(self) -> Any:
        if not self._pending:
            return pa.table({"value": pa.nulls(0), "count": pa.array([], pa.int64())})
        table = _summed(pa.concat_tables(self._pending))
        if self._smallest is None and (len(table) > self._most or table.nbytes > _BYTES):
            self._smallest = np.empty(0, np.uint64)
            self._note(table)
        if not self.exact and len(table) > _HELD:
            table = table.sort_by([("count", "descending")]).slice(0, _HELD)
        self._pending, self._rows = [table], len(table)
        return table

    def _note(self, table: Any) -> None:
        for chunk in table.column("value").chunks:
            together = np.concatenate([self._smallest, hashes(chunk)])
            self._smallest = np.unique(together)[:_SKETCH]


def _summed(table: Any) -> Any:
    """Each value once. Arrow's `group_by` takes a hundred times as long for prices, say: many of
    them come to the same place in its table."""
    encoded = table.column("value").combine_chunks().dictionary_encode()
    weights = table.column("count").to_numpy()
    sums = np.bincount(encoded.indices.to_numpy(), weights, len(encoded.dictionary))
    return pa.table({"value": encoded.dictionary, "count": sums.astype(np.int64)})


def hashes(array: Any) -> Any:
    """A number of 64 bits for each value: equal ones for equal values, else as good as random."""
    kind = array.type
    if pa.types.is_boolean(kind):
        return _mixed(array.cast(pa.int8()).to_numpy(zero_copy_only=False).astype(np.uint64))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        wide = np.float64 if pa.types.is_floating(kind) else np.int64
        return _mixed(array.to_numpy(zero_copy_only=False).astype(wide).view(np.uint64))
    if pa.types.is_temporal(kind):
        width = pa.int64() if kind.bit_width == 64 else pa.int32()
        return hashes(array.view(width))
    text = array if pa.types.is_large_binary(kind) else array.cast(pa.large_binary())
    return _of_text(text)


def _of_text(array: Any) -> Any:
    offsets = np.frombuffer(array.buffers()[1], np.int64)
    offsets = offsets[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    found = np.empty(len(array), np.uint64)
    start = 0
    while start < len(array):
        end = int(np.searchsorted(offsets, offsets[start] + _SLICE, "right")) - 1
        end = min(max(end, start + 1), len(array))
        found[start:end] = _of_bytes(data, offsets[start : end + 1])
        start = end
    return found


def _of_bytes(data: Any, offsets: Any) -> Any:
    """A polynomial of each value's bytes, and its length."""
    lengths = np.diff(offsets)
    bytes_ = data[offsets[0] : offsets[-1]].astype(np.uint64) + np.uint64(1)
    places = np.arange(len(bytes_)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    powers = np.full(int(lengths.max(initial=0)) + 1, _PRIME, np.uint64)
    powers[0] = 1
    powers = np.cumprod(powers)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(bytes_ * powers[places])])
    relative = offsets - offsets[0]
    return _mixed((sums[relative[1:]] - sums[relative[:-1]]) + _mixed(lengths.astype(np.uint64)))


def _mixed(keys: Any) -> Any:
    """The last step of splitmix64."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
