"""Which rows belong to a random sample: a number for each row, from the seed and the row's place.

Not a random generator's next number: so that the same rows are taken however the data is cut into
batches, and the two halves of a split are each other's rest.
"""

from __future__ import annotations

import random
from typing import Any, Optional

from ._optional import arrow, compute

_STEP = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_ALL = 1 << 64


def chosen(seed: int, first: int, rows: int, low: float, high: float) -> Any:
    """True for those of `rows`, the first being row number `first`, whose number is within."""
    pa, pc = arrow(), compute()
    numbers = _mixed(seed, first, rows)
    found = pc.less(numbers, pa.scalar(_bound(high), pa.uint64()))
    if high >= 1:
        found = pc.is_valid(numbers)
    if low <= 0:
        return found
    return pc.and_(found, pc.greater_equal(numbers, pa.scalar(_bound(low), pa.uint64())))


def _mixed(seed: int, first: int, rows: int) -> Any:
    """SplitMix64, whose nth number is a function of n."""
    pa, pc = arrow(), compute()

    def whole(value: int) -> Any:
        return pa.scalar(value % _ALL, pa.uint64())

    places = pa.array(range(first + 1, first + rows + 1), pa.uint64())
    found = pc.add(pc.multiply(places, whole(_STEP)), whole(seed * 0xD1342543DE82EF95 + 1))
    for shift, factor in _MIX:
        found = pc.bit_wise_xor(found, pc.shift_right(found, whole(shift)))
        found = pc.multiply(found, whole(factor))
    return pc.bit_wise_xor(found, pc.shift_right(found, whole(31)))


def _bound(share: float) -> int:
    return min(int(share * _ALL), _ALL - 1)


def fresh(seed: Optional[int]) -> int:
    """The seed, or one for a table that was asked for without: it keeps its rows, then."""
    return random.getrandbits(31) if seed is None else seed
