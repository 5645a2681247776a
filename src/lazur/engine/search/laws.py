"""How the values of one hyperparameter are spread: Azure's definitions.

A law takes a number of [0, 1), evenly spread, to a value. So a sampler needs to know nothing but
that interval, and a trial is told by one such number for each of its hyperparameters.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

Value = str | bool | int | float
Option = Value | Mapping[str, "Law | Value"]
"""What a choice may choose: a value, or a mapping whose values are chosen in their turn."""
_STANDARD = NormalDist()
_EDGE = 1e-12


class Law(ABC):
    @abstractmethod
    def at(self, share: float) -> object:
        """The value at this share of the probability."""

    @property
    def levels(self) -> int | None:
        """How many values there are; None where they are too many for a grid."""
        return None

    def level(self, index: int) -> float:
        """A share that gives the value `index` of `levels`."""
        return (index + 0.5) / (self.levels or 1)


@dataclass(frozen=True)
class Choice(Law):
    """`choice`: each of the options as likely as the others."""

    options: tuple[Option, ...]

    def at(self, share: float) -> Option:
        return self.options[self.index(share)]

    def index(self, share: float) -> int:
        return min(int(share * len(self.options)), len(self.options) - 1)

    @property
    def levels(self) -> int:
        return len(self.options)


@dataclass(frozen=True)
class RandInt(Law):
    """`randint`: a whole number of [0, upper), each as likely as the others."""

    upper: int

    def at(self, share: float) -> int:
        return min(int(share * self.upper), self.upper - 1)

    @property
    def levels(self) -> int:
        return self.upper


@dataclass(frozen=True)
class Uniform(Law):
    """`uniform`: evenly in [low, high]. With a `base`, `loguniform`: base ** uniform(low, high),
    so the bounds are logarithms. With `q`, `quniform` and `qloguniform`: round(that / q) * q."""

    low: float
    high: float
    base: float | None = None
    q: float | None = None

    def at(self, share: float) -> float:
        return _finish(self.low + share * (self.high - self.low), self.base, self.q)

    @property
    def levels(self) -> int | None:
        if self.q is None or self.base is not None:
            return None
        return round(self.high / self.q) - round(self.low / self.q) + 1

    def level(self, index: int) -> float:
        assert self.q is not None
        middle = (round(self.low / self.q) + index) * self.q
        least, most = (max(self.low, middle - self.q / 2), min(self.high, middle + self.q / 2))
        width = self.high - self.low
        return ((least + most) / 2 - self.low) / width if width else 0.5


@dataclass(frozen=True)
class Normal(Law):
    """`normal`: with mean `mu` and deviation `sigma`. With a `base`, `lognormal`: base **
    normal(mu, sigma). With `q`, `qnormal` and `qlognormal`: round(that / q) * q."""

    mu: float
    sigma: float
    base: float | None = None
    q: float | None = None

    def at(self, share: float) -> float:
        standard = _STANDARD.inv_cdf(min(max(share, _EDGE), 1 - _EDGE))
        return _finish(self.mu + self.sigma * standard, self.base, self.q)


def _finish(number: float, base: float | None, q: float | None) -> float:
    if base is not None:
        number = math.exp(number * math.log(base))
    if q is None:
        return number
    rounded = round(number / q) * q
    return int(rounded) if float(q).is_integer() else _tidy(rounded, q)


def _tidy(number: float, q: float) -> float:
    """3 * 0.1 is meant to be 0.3."""
    return round(number, max(0, 2 - math.floor(math.log10(q)) + 6))
