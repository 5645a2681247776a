"""Calls by chance, to upstream's server and to our lane: the same replies and the same tables."""

from __future__ import annotations

import pytest

from tests.server.mlflow.chance import Chance
from tests.server.mlflow.differential import Pair, post

_LOOK = 50
"""Calls between two looks at all tables."""


class TestByChance:
    def test_some(self, pair: Pair) -> None:
        compare(pair, seed=1, calls=300)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(2, 5))
    def test_many(self, pair: Pair, seed: int) -> None:
        compare(pair, seed, calls=1000)


def compare(pair: Pair, seed: int, calls: int) -> None:
    chance, before = Chance(seed), len(pair.punted)
    pair.settled(post("experiments/create", {"name": f"by chance: {seed}"}, "exp"))
    for number in range(calls):
        try:
            pair.play(chance.step())
            if number % _LOOK == _LOOK - 1:
                pair.compare_tables()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, call {number}: {error}") from None
    pair.compare_tables()
    assert len(pair.punted) - before < calls * 0.35, "the lane answers too little"
