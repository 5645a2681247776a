from __future__ import annotations

import pytest

from lazur.runtime.parallel.reporter import speed, took


class TestFigures:
    @pytest.mark.parametrize(
        "rate, said",
        [(0, "0"), (0.1234, "0.123"), (24.71, "24.7"), (99.96, "100"), (2469.8, "2,470")],
    )
    def test_a_speed_has_no_exponent(self, rate: float, said: str) -> None:
        assert speed(rate) == said

    @pytest.mark.parametrize(
        "seconds, said",
        [
            (0.04, "0.04 s"),
            (39.81, "39.8 s"),
            (125, "2 min 05 s"),
            (7325, "2 h 02 min"),
        ],
    )
    def test_a_time_has_none_either(self, seconds: float, said: str) -> None:
        assert took(seconds) == said
