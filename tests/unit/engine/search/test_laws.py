"""Azure's definitions of the laws, by their quantiles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.search.laws import Choice, Law, Normal, RandInt, Uniform

SHARES = st.floats(0, 1, exclude_max=True)


class TestLaws:
    @pytest.mark.parametrize(
        "law, share, value",
        [
            (Choice(("a", "b")), 0.49, "a"),
            (Choice(("a", "b")), 0.5, "b"),
            (RandInt(4), 0.0, 0),
            (RandInt(4), 0.99, 3),
            (Uniform(1, 3), 0.5, 2.0),
            (Uniform(-6, 0, base=math.e), 0.5, math.exp(-3)),
            (Uniform(-4, 0, base=10), 0.5, 0.01),
            (Uniform(0, 10, q=2), 0.34, 4),
            (Uniform(0, 1, q=0.1), 0.31, 0.3),
            (Uniform(0, 3, base=math.e, q=5), 0.99, 20),
            (Normal(10, 3), 0.5, 10.0),
            (Normal(10, 3), 0.8413447460685429, 13.0),
            (Normal(0, 1, base=math.e), 0.5, 1.0),
            (Normal(10, 3, q=4), 0.5, 8),
            (Normal(2, 1, base=10, q=7), 0.5, 98),
        ],
    )
    def test_a_share_is_a_quantile(self, law: Law, share: float, value: object):
        found = law.at(share)
        assert found == (pytest.approx(value) if isinstance(value, float) else value)

    def test_a_whole_step_gives_whole_numbers(self):
        assert isinstance(Uniform(1, 9, q=2).at(0.3), int)
        assert isinstance(Normal(1, 9, q=2.0).at(0.3), int)
        assert isinstance(Uniform(1, 9, q=0.5).at(0.3), float)

    @given(SHARES)
    def test_bounds_hold(self, share: float):
        assert 1 <= Uniform(1, 3).at(share) <= 3
        assert 0 <= RandInt(7).at(share) < 7
        assert math.exp(-6) * (1 - 1e-9) <= Uniform(-6, -1, base=math.e).at(share) <= math.exp(-1)
        assert math.isfinite(Normal(0, 1).at(share))

    @pytest.mark.parametrize(
        "law",
        [
            Choice((1, 2, 3)),
            RandInt(5),
            Uniform(0, 10, q=2),
            Uniform(1, 9, q=4),
            Uniform(3, 3, q=1),
        ],
    )
    def test_levels_are_all_the_values(self, law: Law):
        assert law.levels is not None
        values = [law.at(law.level(index)) for index in range(law.levels)]
        assert values == sorted(set(values), key=values.index)
        assert {law.at(k / 999) for k in range(999)} == set(values)

    @pytest.mark.parametrize(
        "law", [Uniform(0, 1), Normal(0, 1), Normal(0, 1, q=1), Uniform(0, 1, base=2, q=1)]
    )
    def test_what_is_not_discrete_has_no_levels(self, law: Law):
        assert law.levels is None
