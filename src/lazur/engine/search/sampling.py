"""The three ways to choose what to try next: `grid`, `random` and `bayesian`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from lazur.engine.search import grid, sobol, tpe
from lazur.engine.search.laws import Law
from lazur.engine.search.space import Chosen, Draw, Space

FIRST = 10
"""So many trials are drawn evenly before `bayesian` looks at results."""


@dataclass(frozen=True)
class Sampling:
    algorithm: str
    """`grid`, `random` or `bayesian`."""
    seed: str
    """What was written, or the sweep's name: asked again, it gives the same trials."""
    rule: str = "random"
    """Of `random`: `random` or `sobol`."""


@dataclass(frozen=True)
class Tried:
    """A trial of before. `loss` is less when it is better, and None while there is no result, or
    when it failed and there never will be one."""

    draw: Draw
    loss: float | None


def suggest(sampling: Sampling, space: Space, history: Sequence[Tried]) -> Draw | None:
    """What the next trial draws, after `history`: those that began before it, in their order. None
    when every combination of a grid had its turn."""
    number = len(history)
    if sampling.algorithm == "grid":
        return grid.draw(space, number)
    if sampling.algorithm == "bayesian" and number >= FIRST and any(_known(t) for t in history):
        return _bayesian(sampling, space, history)
    if sampling.algorithm == "bayesian" or sampling.rule == "sobol":
        return _sobol(sampling, space, number)
    chance = Random(f"{sampling.seed}/{number}")
    return space.draw(lambda _path, _law: chance.random())


def _known(trial: Tried) -> bool:
    return trial.loss is not None and not math.isnan(trial.loss)


def _sobol(sampling: Sampling, space: Space, number: int) -> Draw:
    """What the table of directions has no dimension for is drawn by chance."""
    places = {path: index for index, (path, _) in enumerate(space.paths())}
    chance = Random(f"{sampling.seed}/{number}")

    def share(path: str, _law: Law) -> float:
        if places[path] >= sobol.DIMENSIONS:
            return chance.random()
        return sobol.point(number, places[path], _shift(sampling.seed, path))

    return space.draw(share)


def _shift(seed: str, path: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{path}".encode()).digest()[:4], "big")


def _bayesian(sampling: Sampling, space: Space, history: Sequence[Tried]) -> Draw:
    """Trials that still run, and those that failed, count as bad ones: the first so that several
    at a time do not try the same, the second because values that make a trial fail are no good."""
    chance = Random(f"{sampling.seed}/{len(history)}")

    def level(laws: Mapping[str, Law], chosen: Chosen) -> Draw:
        """Among the trials that chose the same further out, and so had these."""
        had = [t for t in history if _chose(t.draw, chosen) and laws.keys() <= t.draw.keys()]
        known = sorted((t for t in had if _known(t)), key=lambda t: t.loss or 0.0)
        good = {id(t) for t in known[: tpe.good_of(len(known))]}
        near = [t.draw for t in had if id(t) in good]
        far = [t.draw for t in had if id(t) not in good]
        return tpe.suggest(laws, near, far, chance)

    return space.draw_levels(level)


def _chose(draw: Draw, chosen: Chosen) -> bool:
    return all(p in draw and law.index(draw[p]) == index for p, (law, index) in chosen.items())
