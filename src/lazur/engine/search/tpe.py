"""Bayesian sampling by tree-structured Parzen estimators (Bergstra et al., 2011; the joint density
of several hyperparameters as in Falkner et al., 2018).

The trials so far are parted into a few good ones and the rest. Where the good lie is one density,
where the rest lie another; of some points drawn from the first, the one is taken at which the good
are most likely compared with the rest. What belongs together is looked at together: all
hyperparameters of one level of the space, among the trials that had them.

Plain Python: a hundred trials take milliseconds, and numpy would weigh on every server.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from lazur.engine.search.laws import Choice, Law
from lazur.engine.search.space import Draw

_CANDIDATES = 24
_GOOD_SHARE, _MOST_GOOD = 0.1, 25
_MOST_REST = 150
"""More trials say hardly more about where not to look."""
_FULL_WEIGHT = 25
_SQRT2 = math.sqrt(2.0)
_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


def good_of(count: int) -> int:
    """How many of so many trials are the good ones."""
    return min(math.ceil(_GOOD_SHARE * count), _MOST_GOOD)


def suggest(
    laws: Mapping[str, Law], good: Sequence[Draw], rest: Sequence[Draw], chance: Random
) -> Draw:
    """A share for each of `laws`, by what the good trials and the rest drew for all of them, each
    in the order of the trials."""
    near = Density.of(laws, good)
    far = Density.of(laws, _thinned(rest))
    points = [near.draw(chance) for _ in range(_CANDIDATES)]
    best = max(points, key=lambda point: near.log_at(point) - far.log_at(point))
    return dict(zip(laws, best, strict=True))


@dataclass(frozen=True)
class Bell:
    """A normal distribution around what was drawn, cut off at 0 and 1."""

    middle: float
    width: float
    head: float
    """The logarithm of the density in the middle."""

    @staticmethod
    def of(middle: float, width: float) -> Bell:
        right = math.erf((1 - middle) / width / _SQRT2)
        inside = 0.5 * (right + math.erf(middle / width / _SQRT2))
        return Bell(middle, width, -math.log(width * inside) - _LOG_SQRT_2PI)

    def draw(self, chance: Random) -> float:
        while True:
            share = chance.gauss(self.middle, self.width)
            if 0 <= share < 1:
                return share

    def log_at(self, share: float) -> float:
        far = (share - self.middle) / self.width
        return self.head - 0.5 * far * far


@dataclass(frozen=True)
class Option:
    """One option of a choice, and a little of each."""

    law: Choice
    index: int | None
    """None: all alike."""
    little: float

    def draw(self, chance: Random) -> float:
        often = [self.little + (i == self.index) for i in range(self.law.levels)]
        return self.law.level(chance.choices(range(self.law.levels), often)[0])

    def log_at(self, share: float) -> float:
        often = self.little + (self.law.index(share) == self.index)
        total = self.little * self.law.levels + (self.index is not None)
        return math.log(often / total)


Kernel = Bell | Option


@dataclass(frozen=True)
class Density:
    """A mixture: a product of kernels around each trial, and a flat one, so that nothing is ever
    ruled out."""

    kernels: Sequence[Sequence[Kernel]]
    weights: Sequence[float]
    logs: Sequence[float]
    """Of the weights, which add up to 1."""

    @staticmethod
    def of(laws: Mapping[str, Law], trials: Sequence[Draw]) -> Density:
        columns = [
            _options(law, [trial[path] for trial in trials])
            if isinstance(law, Choice)
            else _bells([trial[path] for trial in trials])
            for path, law in laws.items()
        ]
        weights = [*_weights(len(trials)), 1.0]
        total = sum(weights)
        logs = [math.log(weight / total) for weight in weights]
        return Density(list(zip(*columns, strict=True)), weights, logs)

    def draw(self, chance: Random) -> list[float]:
        (kernels,) = chance.choices(self.kernels, self.weights)
        return [kernel.draw(chance) for kernel in kernels]

    def log_at(self, point: Sequence[float]) -> float:
        logs = [
            log + sum(kernel.log_at(share) for kernel, share in zip(kernels, point, strict=True))
            for kernels, log in zip(self.kernels, self.logs, strict=True)
        ]
        most = max(logs)
        return most + math.log(sum(math.exp(one - most) for one in logs))


def _options(law: Choice, shares: Sequence[float]) -> list[Kernel]:
    little = 1.0 / (len(shares) + 1)
    return [*(Option(law, law.index(share), little) for share in shares), Option(law, None, 1.0)]


def _bells(shares: Sequence[float]) -> list[Kernel]:
    """Each as wide as the further of its neighbours is away, but for the outermost ones."""
    count = len(shares)
    made: list[Kernel] = [Bell.of(0.5, 1.0)] * (count + 1)
    order = sorted(range(count), key=shares.__getitem__)
    least = 1.0 / min(100.0, 2.0 + count)
    for place, index in enumerate(order):
        left = shares[order[place - 1]] if place else 0.0
        right = shares[order[place + 1]] if place + 1 < count else 1.0
        reach = max(shares[index] - left, right - shares[index])
        if count > 1 and place == 0:
            reach = right - shares[index]
        elif count > 1 and place == count - 1:
            reach = shares[index] - left
        made[index] = Bell.of(shares[index], min(max(reach, least), 1.0))
    return made


def _weights(count: int) -> list[float]:
    """The last ones count in full, older ones the less the older they are."""
    if count <= _FULL_WEIGHT:
        return [1.0] * count
    ramp = count - _FULL_WEIGHT
    step = (1.0 - 1.0 / count) / max(ramp - 1, 1)
    return [1.0 / count + step * i for i in range(ramp)] + [1.0] * _FULL_WEIGHT


def _thinned(trials: Sequence[Draw]) -> Sequence[Draw]:
    if len(trials) <= _MOST_REST:
        return trials
    step = len(trials) / _MOST_REST
    return [trials[int(i * step)] for i in range(_MOST_REST)]
