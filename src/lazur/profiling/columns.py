"""What is in a column, batch by batch."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from lazur.profiling.cells import cell, shortened
from lazur.profiling.counts import Counts
from lazur.profiling.spool import Budget, Spool

pc: Any = compute
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 20
TOP = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Column:
    """One column. Batches may have it in different types: numbers are numbers then, and all else
    is text."""

    def __init__(self, name: str, kind: Any, spool: Path, budget: Budget) -> None:
        self.name = name
        self.type = kind
        self.nulls = 0
        self.count = 0
        self._counts = Counts()
        self._measure = _measure(kind, spool, budget)
        self._make = lambda kind: _measure(kind, spool, budget)

    def missing(self, rows: int) -> None:
        """A batch has no such column."""
        self.nulls += rows

    def add(self, array: Any) -> None:
        self.nulls += array.null_count
        array = array.drop_null()
        if pa.types.is_null(array.type) or not len(array):
            return
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if array.type != self.type:
            array = self._agree(array)
        self.count += len(array)
        array = self._measure.add(array)
        if not _is_nested(self.type):
            self._counts.add(array)

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": shortened(self.name),
            "type": str(self.type),
            "kind": self._measure.kind,
            "count": self.count,
            "nulls": self.nulls,
        }
        if not _is_nested(self.type):
            found["distinct"] = {"count": self._counts.distinct(), "exact": self._counts.exact}
            found["top"] = [
                {"value": cell(value), "count": count}
                for value, count in self._counts.top(TOP)
                if count > 1
            ]
            if not self._counts.exact:
                found["top_exact"] = False
        return {**found, **(self._measure.to_dict() if self.count else {})}

    def _agree(self, array: Any) -> Any:
        """The array in the type of the column, which may become a wider one."""
        common = _common(self.type, array.type)
        if common != self.type:
            self._counts.cast(common)
            if _of_kind(common) is not _of_kind(self.type):
                self._measure = self._make(common)
                self._measure.partial = self.count > 0
            self.type = common
        return array if array.type == common else array.cast(common, safe=False)


class Measure:
    """What one kind of values has besides a count."""

    kind = "other"
    partial = False
    """Values of other types came before and are not in it."""

    def add(self, array: Any) -> Any:
        """Returns what is counted of it."""
        return array

    def to_dict(self) -> dict[str, Any]:
        return {"mixed": True} if self.partial else {}


class Numbers(Measure):
    kind = "number"

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._finite = 0
        self._mean = self._squares = 0.0
        self._nans = self._infinite = self._zeros = self._negative = 0
        self._low: Any = None
        self._high: Any = None

    def add(self, array: Any) -> Any:
        if pa.types.is_floating(array.type):
            array = pc.add(array.cast(pa.float64()), 0.0)  # of the two zeros only one is left
            nans = pc.is_nan(array)
            self._nans += pc.sum(nans).as_py() or 0
            array = array.filter(pc.invert(nans))
        values = _plain(array)
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            self._infinite += int(len(values) - finite.sum())
            values = values[finite]
        if len(values):
            self._note(values)
        return array

    def to_dict(self) -> dict[str, Any]:
        found = {**super().to_dict(), "nans": self._nans, "infinite": self._infinite}
        if not self._finite:
            return found
        found |= {"min": self._shown(self._low), "max": self._shown(self._high)}
        return {**found, **self._moments(), **_spread(self._spool, self._low, self._high, self)}

    def shown(self, value: float) -> Any:
        return value

    def _moments(self) -> dict[str, Any]:
        deviation = math.sqrt(self._squares / (self._finite - 1)) if self._finite > 1 else None
        return {
            "mean": self._mean,
            "std": deviation,
            "zeros": self._zeros,
            "negative": self._negative,
        }

    def _shown(self, value: Any) -> Any:
        return value

    def _note(self, values: Any) -> None:
        self._spool.add(values)
        low, high = values.min().item(), values.max().item()
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)
        self._zeros += int((values == 0).sum())
        self._negative += int((values < 0).sum())
        wide = values.astype(np.float64)
        count, mean = len(wide), float(wide.mean())
        squares = float(np.square(wide - mean).sum())
        total, apart = self._finite + count, mean - self._mean
        self._mean += apart * count / total
        self._squares += squares + apart * apart * self._finite * count / total
        self._finite = total


class Times(Numbers):
    """As numbers of microseconds, or of days."""

    kind = "time"

    def __init__(self, spool: Spool, kind: Any) -> None:
        super().__init__(spool)
        self._kind = kind

    def add(self, array: Any) -> Any:
        if pa.types.is_date(array.type):
            plain = array.cast(pa.date32()).view(pa.int32()).cast(pa.int64())
        else:
            plain = array.cast(pa.timestamp("us", array.type.tz), safe=False).view(pa.int64())
        self._note(plain.to_numpy(zero_copy_only=False))
        return array

    def shown(self, value: float) -> Any:
        if pa.types.is_date(self._kind):
            value *= 86_400_000_000
        try:
            moment = _EPOCH + timedelta(microseconds=round(value))
        except OverflowError:
            return str(value)
        if pa.types.is_date(self._kind):
            return moment.date().isoformat() if not value % 86_400_000_000 else moment.isoformat()
        return (moment if self._kind.tz else moment.replace(tzinfo=None)).isoformat()

    def _shown(self, value: Any) -> Any:
        return self.shown(value)

    def _moments(self) -> dict[str, Any]:
        return {"mean": self.shown(self._mean)}


class Truths(Measure):
    kind = "boolean"

    def __init__(self) -> None:
        self._true = self._all = 0

    def add(self, array: Any) -> Any:
        self._true += array.true_count
        self._all += len(array)
        return array

    def to_dict(self) -> dict[str, Any]:
        told = {"true": self._true, "false": self._all - self._true}
        return {**super().to_dict(), **told}


class Texts(Measure):
    """Text, bytes and lists: how long they are."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._shortest: int | None = None
        self._longest = self._sum = self._count = self._empty = 0

    def add(self, array: Any) -> Any:
        lengths = _lengths(array).to_numpy(zero_copy_only=False)
        shortest = int(lengths.min())
        self._shortest = shortest if self._shortest is None else min(self._shortest, shortest)
        self._longest = max(self._longest, int(lengths.max()))
        self._sum += int(lengths.sum(dtype=np.int64))
        self._empty += int((lengths == 0).sum())
        self._count += len(lengths)
        return array

    def to_dict(self) -> dict[str, Any]:
        length = {
            "min": self._shortest,
            "max": self._longest,
            "mean": self._sum / self._count if self._count else None,
        }
        return {**super().to_dict(), "length": length, "empty": self._empty}


def _spread(spool: Spool, low: Any, high: Any, measure: Numbers) -> dict[str, Any]:
    counts, edges = spool.histogram(low, high, BINS)
    values = spool.quantiles(QUANTILES)
    found: dict[str, Any] = {
        "quantiles": {
            str(share): measure.shown(value)
            for share, value in zip(QUANTILES, values, strict=True)
        },
        "histogram": {"edges": [measure.shown(edge) for edge in edges], "counts": counts},
    }
    if spool.left_out:
        found["of_first"] = spool.count
    return found


def _measure(kind: Any, path: Path, budget: Budget) -> Measure:
    made = _of_kind(kind)
    if made is Texts:
        return Texts("binary" if _is_binary(kind) else "list" if _is_list(kind) else "text")
    if made is Times:
        path.unlink(missing_ok=True)
        return Times(Spool(path, budget), kind)
    if made is Numbers:
        path.unlink(missing_ok=True)
        return Numbers(Spool(path, budget))
    return made()


def _of_kind(kind: Any) -> type[Any]:
    types = pa.types
    if types.is_boolean(kind):
        return Truths
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return Numbers
    if types.is_timestamp(kind) or types.is_date(kind):
        return Times
    if _is_text(kind) or _is_binary(kind) or _is_list(kind):
        return Texts
    return Measure


def _common(one: Any, other: Any) -> Any:
    """A type that both fit in."""
    types = pa.types
    if types.is_null(one):
        return other
    numbers = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    if all(any(fits(kind) for fits in numbers) for kind in (one, other)):
        both_whole = not any(types.is_floating(k) or types.is_decimal(k) for k in (one, other))
        return pa.int64() if both_whole else pa.float64()
    if types.is_timestamp(one) and types.is_timestamp(other) and one.tz == other.tz:
        return pa.timestamp("us", one.tz)
    return one if _is_nested(one) or _is_nested(other) else pa.large_string()


def _plain(array: Any) -> Any:
    kind = array.type
    if pa.types.is_decimal(kind) or pa.types.is_uint64(kind):
        array = array.cast(pa.float64(), safe=False)
    elif not pa.types.is_floating(kind):
        array = array.cast(pa.int64())
    return array.to_numpy(zero_copy_only=False)


def _lengths(array: Any) -> Any:
    if _is_text(array.type):
        return pc.utf8_length(array)
    if _is_binary(array.type):
        return pc.binary_length(array)
    return pc.list_value_length(array)


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_binary(kind: Any) -> bool:
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _is_list(kind: Any) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _is_nested(kind: Any) -> bool:
    return pa.types.is_nested(kind)
