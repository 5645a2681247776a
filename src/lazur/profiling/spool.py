"""The numbers of a column on disk, of which exact quantiles and histograms are made in little
memory, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_CHUNK = 1 << 19
_IN_MEMORY = 1 << 21
"""Numbers that are sorted at once."""
_BITS = 16
Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Budget:
    """Bytes that all columns together may still write."""

    left: int


class Spool:
    """Whole numbers are kept as such, until the first fraction comes."""

    def __init__(self, path: Path, budget: Budget) -> None:
        self._path = path
        self._budget = budget
        self._floats = False
        self.count = 0
        self.left_out = 0

    def add(self, values: Numbers) -> None:
        """`values` are int64 or float64."""
        if values.dtype.kind == "f" and not self._floats:
            self._promote()
        given = values.astype("<f8" if self._floats else "<i8", copy=False)
        room = min(len(given), max(0, self._budget.left // 8)) if not self.left_out else 0
        self._budget.left -= 8 * room
        self.left_out += len(given) - room
        self.count += room
        if room:
            with self._path.open("ab") as file:
                given[:room].tofile(file)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Between two neighbours, the part of the way that the share says."""
        places = [share * (self.count - 1) for share in shares]
        ranks = sorted({int(place) + step for place in places for step in (0, 1)})
        known = self._ranked([rank for rank in ranks if rank < self.count])
        return [
            _between(known[int(place)], known.get(int(place) + 1), place % 1) for place in places
        ]

    def histogram(self, low: float, high: float, bins: int) -> tuple[list[int], list[float]]:
        if low == high:
            return [self.count], [float(low), float(high)]
        total = np.zeros(bins, np.int64)
        edges = np.histogram_bin_edges(np.empty(0), bins, (float(low), float(high)))
        for chunk in self._chunks():
            total += np.histogram(chunk, bins, (float(low), float(high)))[0]
        return [int(count) for count in total], [float(edge) for edge in edges]

    def _ranked(self, ranks: list[int]) -> dict[int, Any]:
        """The numbers at these places of the sorted column."""
        if self.count <= _IN_MEMORY:
            values = np.concatenate([np.empty(0, self._dtype), *self._chunks()])
            values.sort()
            return {rank: values[rank].item() for rank in ranks}
        return self._below(0, 0, 0, ranks)

    def _below(self, prefix: int, bits: int, before: int, ranks: list[int]) -> dict[int, Any]:
        """Of the numbers whose keys begin with `bits` bits of `prefix`; `before` are smaller."""
        counts = np.zeros(1 << _BITS, np.int64)
        for keys in self._keys(prefix, bits):
            next_bits = (keys >> np.uint64(64 - bits - _BITS)) & np.uint64((1 << _BITS) - 1)
            counts += np.bincount(next_bits.astype(np.int64), minlength=1 << _BITS)
        ends = before + np.cumsum(counts)
        found: dict[int, Any] = {}
        for place in sorted({int(np.searchsorted(ends, rank, "right")) for rank in ranks}):
            start = int(ends[place] - counts[place])
            inside = [rank for rank in ranks if start <= rank < ends[place]]
            deeper = (prefix << _BITS) | place
            if bits + _BITS == 64:
                value = self._values(np.array([deeper], np.uint64))[0].item()
                found |= dict.fromkeys(inside, value)
            elif counts[place] > _IN_MEMORY:
                found |= self._below(deeper, bits + _BITS, start, inside)
            else:
                keys = np.sort(np.concatenate(list(self._keys(deeper, bits + _BITS))))
                values = self._values(keys)
                found |= {rank: values[rank - start].item() for rank in inside}
        return found

    def _keys(self, prefix: int, bits: int) -> Iterator[Any]:
        """Numbers whose order as unsigned integers is that of the values."""
        sign = np.uint64(1 << 63)
        for chunk in self._chunks():
            keys = chunk.view(np.uint64)
            flipped = np.where(keys & sign, ~keys, keys | sign)
            keys = flipped if self._floats else keys ^ sign
            yield keys[keys >> np.uint64(64 - bits) == np.uint64(prefix)] if bits else keys

    def _values(self, keys: Any) -> Any:
        sign = np.uint64(1 << 63)
        if self._floats:
            return np.where(keys & sign, keys ^ sign, ~keys).view(np.float64)
        return (keys ^ sign).view(np.int64)

    def _chunks(self) -> Iterator[Any]:
        if not self.count:
            return
        with self._path.open("rb") as file:
            while len(chunk := np.fromfile(file, self._dtype, _CHUNK)):
                yield chunk

    @property
    def _dtype(self) -> str:
        return "<f8" if self._floats else "<i8"

    def _promote(self) -> None:
        again = self._path.with_suffix(".f8")
        with again.open("wb") as file:
            for chunk in self._chunks():
                chunk.astype("<f8").tofile(file)
        again.replace(self._path)
        self._floats = True


def _between(low: Any, high: Any, share: float) -> float:
    if high is None or share == 0:
        return float(low)
    return float(low) + (float(high) - float(low)) * share
