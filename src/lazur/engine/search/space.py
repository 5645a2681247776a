"""A search space as a tree of laws, and what a trial's draw means in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from lazur.engine.search.laws import Choice, Law, Value

Draw = dict[str, float]
"""A share of [0, 1) for each hyperparameter that a trial has, by its path: `model`, and
`model.depth` inside of what the choice `model` chose."""

Chosen = Mapping[str, tuple[Choice, int]]
"""Which options lead to a nested level of a space, by the paths of their choices."""


@dataclass(frozen=True)
class Space:
    laws: Mapping[str, Law | Value]

    def draw(self, share: Callable[[str, Law], float]) -> Draw:
        """Asks `share(path, law)` for everything that has to be drawn: what is inside of an option
        only when that was chosen."""
        return self.draw_levels(
            lambda laws, _chosen: {path: share(path, law) for path, law in laws.items()}
        )

    def draw_levels(self, draw: Callable[[Mapping[str, Law], Chosen], Draw]) -> Draw:
        """As `draw`, for all of a level at once."""
        made: Draw = {}
        _draw(self.laws, "", {}, draw, made)
        return made

    def values(self, draw: Draw) -> dict[str, Any]:
        """What the trial is given: a value for each hyperparameter, a mapping for a nested one."""
        return _values(self.laws, "", draw)

    def paths(self) -> list[tuple[str, Law]]:
        """All that may have to be drawn, in an order that never changes."""
        return list(_paths(self.laws, ""))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Values by their paths, as `${{search_space.model.depth}}` names them; a nested choice is
    there as a whole, too, as JSON."""
    made: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            made[prefix + name] = json.dumps(inner, ensure_ascii=False)
            made |= flat(inner, f"{prefix}{name}.")
        else:
            made[prefix + name] = value
    return made


def _draw(
    laws: Mapping[str, Any],
    prefix: str,
    chosen: Chosen,
    draw: Callable[[Mapping[str, Law], Chosen], Draw],
    made: Draw,
) -> None:
    mine = {prefix + name: law for name, law in laws.items() if isinstance(law, Law)}
    made |= draw(mine, chosen) if mine else {}
    for path, law in mine.items():
        if isinstance(law, Choice) and isinstance(option := law.at(made[path]), Mapping):
            inner = {**chosen, path: (law, law.index(made[path]))}
            _draw(cast("Mapping[str, Any]", option), f"{path}.", inner, draw, made)


def _values(laws: Mapping[str, Any], prefix: str, draw: Draw) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, law in laws.items():
        value = law.at(draw[prefix + name]) if isinstance(law, Law) else law
        if isinstance(value, Mapping):
            value = _values(cast("Mapping[str, Any]", value), f"{prefix}{name}.", draw)
        made[name] = value
    return made


def _paths(laws: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Law]]:
    seen: set[str] = set()
    for name, law in laws.items():
        if not isinstance(law, Law):
            continue
        yield prefix + name, law
        for option in law.options if isinstance(law, Choice) else ():
            if isinstance(option, Mapping):
                for found in _paths(option, f"{prefix}{name}."):
                    if found[0] not in seen:
                        seen.add(found[0])
                        yield found
