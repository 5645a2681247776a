"""Bayesian sampling by tree-structured Parzen estimators (Bergstra et al., 2011).

The trials so far are parted into a few good ones and the rest. Where the good lie is one density,
where the rest lie another; of some points drawn from the first, the one is taken at which the good
are most likely compared with the rest. Each hyperparameter is looked at by itself among the trials
that had it, so nested choices need nothing of their own.

Plain Python: a few hundred trials take milliseconds, and numpy would weigh on every server.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from lazur.engine.search.laws import Choice, Law

CANDIDATES = 24
_GOOD_SHARE, _MOST_GOOD = 0.1, 25
_MOST_REST = 200
"""More trials say hardly more about where not to look."""
_FULL_WEIGHT = 25
_SQRT2 = math.sqrt(2.0)


def good_of(count: int) -> int:
    """How many of so many trials are the good ones."""
    return min(math.ceil(_GOOD_SHARE * count), _MOST_GOOD)


def suggest(law: Law, good: Sequence[float], rest: Sequence[float], chance: Random) -> float:
    """A share, by those that the good trials and the rest drew, in the order of the trials."""
    rest = _thinned(rest)
    if isinstance(law, Choice):
        return _suggest_option(law, good, rest, chance)
    near, far = Mixture.of(good), Mixture.of(rest)
    drawn = [near.draw(chance) for _ in range(CANDIDATES)]
    return max(drawn, key=lambda x: near.log_density(x) - far.log_density(x))


def _suggest_option(
    law: Choice, good: Sequence[float], rest: Sequence[float], chance: Random
) -> float:
    near, far = _frequencies(law, good), _frequencies(law, rest)
    drawn = chance.choices(range(law.levels), near, k=CANDIDATES)
    return law.level(max(drawn, key=lambda i: near[i] / far[i]))


def _frequencies(law: Choice, shares: Sequence[float]) -> list[float]:
    """How often each option was drawn, each once more than it was by the prior."""
    made = [1.0 / law.levels] * law.levels
    for share, weight in zip(shares, _weights(len(shares)), strict=True):
        made[law.index(share)] += weight
    total = sum(made)
    return [one / total for one in made]


@dataclass(frozen=True)
class Mixture:
    """Normal distributions around what was drawn, cut off at 0 and 1, and a wide one: nothing is
    ever ruled out."""

    parts: Sequence[tuple[float, float, float, float]]
    """Middle, width, the logarithm of weight over width and of what was cut off, weight."""

    @staticmethod
    def of(shares: Sequence[float]) -> Mixture:
        weights = [*_weights(len(shares)), 1.0]
        middles = [*shares, 0.5]
        widths = _widths(middles)
        total = sum(weights)
        parts = [
            (m, s, math.log(w / total / (s * math.sqrt(2 * math.pi) * _inside(m, s))), w / total)
            for m, s, w in zip(middles, widths, weights, strict=True)
        ]
        return Mixture(parts)

    def draw(self, chance: Random) -> float:
        middle, width, _, _ = chance.choices(self.parts, [part[3] for part in self.parts])[0]
        while True:
            share = chance.gauss(middle, width)
            if 0 <= share < 1:
                return share

    def log_density(self, share: float) -> float:
        logs = [head - 0.5 * ((share - m) / s) ** 2 for m, s, head, _ in self.parts]
        most = max(logs)
        return most + math.log(sum(math.exp(one - most) for one in logs))


def _inside(middle: float, width: float) -> float:
    """How much of a normal distribution lies between 0 and 1."""
    return 0.5 * (math.erf((1 - middle) / width / _SQRT2) + math.erf(middle / width / _SQRT2))


def _widths(middles: Sequence[float]) -> list[float]:
    """Of each but the last, which is the prior: as far as the further of its neighbours."""
    count = len(middles)
    order = sorted(range(count), key=middles.__getitem__)
    made = [1.0] * count
    least = 1.0 / min(100.0, 1.0 + count)
    for place, index in enumerate(order):
        if index == count - 1:
            continue
        left = middles[order[place - 1]] if place else 0.0
        right = middles[order[place + 1]] if place + 1 < count else 1.0
        reach = max(middles[index] - left, right - middles[index])
        if count > 2 and place == 0:
            reach = right - middles[index]
        if count > 2 and place == count - 1:
            reach = middles[index] - left
        made[index] = min(max(reach, least), 1.0)
    return made


def _weights(count: int) -> list[float]:
    """The last ones count in full, older ones the less the older they are."""
    if count <= _FULL_WEIGHT:
        return [1.0] * count
    ramp = count - _FULL_WEIGHT
    step = (1.0 - 1.0 / count) / max(ramp - 1, 1)
    return [1.0 / count + step * i for i in range(ramp)] + [1.0] * _FULL_WEIGHT


def _thinned(shares: Sequence[float]) -> Sequence[float]:
    if len(shares) <= _MOST_REST:
        return shares
    step = len(shares) / _MOST_REST
    return [shares[int(i * step)] for i in range(_MOST_REST)]
