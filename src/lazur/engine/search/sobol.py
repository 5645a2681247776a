"""Sobol's sequence: points that fill a cube more evenly than chance does.

The direction numbers are those of S. Joe and F. Y. Kuo (new-joe-kuo-6), as everywhere. Each
dimension is shifted by a number of its own, which keeps the evenness and makes seeds differ.
"""

from __future__ import annotations

from functools import cache

_BITS = 32
_TABLE = """
    3 1; 7 1 3; 11 1 3 1; 13 1 1 1; 19 1 1 3 3; 25 1 3 5 13; 37 1 1 5 5 17; 41 1 1 5 5 5; 47 1
    1 7 11 19; 55 1 1 5 1 1; 59 1 1 1 3 11; 61 1 3 5 5 31; 67 1 3 3 9 7 49; 91 1 1 1 15 21 21;
    97 1 3 1 13 27 49; 103 1 1 1 15 7 5; 109 1 3 1 15 13 25; 115 1 1 5 5 19 61; 131 1 3 7 11
    23 15 103; 137 1 3 7 13 13 15 69; 143 1 1 3 13 7 35 63; 145 1 3 5 9 1 25 53; 157 1 3 1 13
    9 35 107; 167 1 3 1 5 27 61 31; 171 1 1 5 11 19 41 61; 185 1 3 5 3 3 13 69; 191 1 1 7 13 1
    19 1; 193 1 3 7 5 13 19 59; 203 1 1 3 9 25 29 41; 211 1 3 5 13 23 1 55; 213 1 3 7 3 13 59
    17; 229 1 3 1 3 5 53 69; 239 1 1 5 5 23 33 13; 241 1 1 7 7 1 61 123; 247 1 1 7 9 13 61 49;
    253 1 3 3 5 3 55 33; 285 1 3 1 15 31 13 49 245; 299 1 3 5 15 31 59 63 97; 301 1 3 1 11 11
    11 77 249
"""
"""For each dimension after the first: a primitive polynomial, and the first numbers."""
DIMENSIONS = 1 + _TABLE.count(";") + 1


def point(number: int, dimension: int, shift: int = 0) -> float:
    """Coordinate `dimension` of point `number`, in [0, 1)."""
    made, gray = shift, number ^ (number >> 1)
    for bit, direction in enumerate(_directions(dimension)):
        if gray >> bit & 1:
            made ^= direction
    return made / (1 << _BITS)


@cache
def _directions(dimension: int) -> tuple[int, ...]:
    if dimension == 0:
        return tuple(1 << (_BITS - 1 - bit) for bit in range(_BITS))
    polynomial, *numbers = map(int, _TABLE.split(";")[dimension - 1].split())
    degree = polynomial.bit_length() - 1
    while len(numbers) < _BITS:
        numbers.append(_next(polynomial, degree, numbers))
    return tuple(number << (_BITS - 1 - bit) for bit, number in enumerate(numbers))


def _next(polynomial: int, degree: int, numbers: list[int]) -> int:
    made = numbers[-degree] ^ (numbers[-degree] << degree)
    for step in range(1, degree):
        if polynomial >> (degree - step) & 1:
            made ^= numbers[-step] << step
    return made
