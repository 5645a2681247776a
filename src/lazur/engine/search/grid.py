"""Every combination once. The first hyperparameter changes most slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lazur.engine.search.laws import Choice, Law
from lazur.engine.search.space import Draw, Space


def size(space: Space) -> int | None:
    """How many combinations there are; None when one of the laws has no levels."""
    return _size(space.laws)


def draw(space: Space, number: int) -> Draw | None:
    """Combination `number`; None when there are no more."""
    total = size(space)
    assert total is not None
    if number >= total:
        return None
    made: Draw = {}
    _draw(space.laws, "", number, made)
    return made


def _size(laws: Mapping[str, Any]) -> int | None:
    total = 1
    for law in laws.values():
        if isinstance(law, Law):
            sizes = _sizes(law)
            if sizes is None:
                return None
            total *= sum(sizes)
    return total


def _sizes(law: Law) -> list[int] | None:
    """For each level, how many combinations begin with it."""
    if law.levels is None:
        return None
    if not isinstance(law, Choice):
        return [1] * law.levels
    sizes = [
        _size(cast("Mapping[str, Any]", option)) if isinstance(option, Mapping) else 1
        for option in law.options
    ]
    known = [size for size in sizes if size is not None]
    return known if len(known) == len(sizes) else None


def _draw(laws: Mapping[str, Any], prefix: str, number: int, made: Draw) -> None:
    below = _size(laws) or 1
    for name, law in laws.items():
        if not isinstance(law, Law):
            continue
        sizes = _sizes(law) or [1]
        below //= sum(sizes)
        mine, number = divmod(number, below)
        index = 0
        while mine >= sizes[index]:
            mine -= sizes[index]
            index += 1
        made[prefix + name] = law.level(index)
        if isinstance(law, Choice) and isinstance(option := law.options[index], Mapping):
            _draw(cast("Mapping[str, Any]", option), f"{prefix}{name}.", mine, made)
