from __future__ import annotations

import platform
import sys

import pytest

from lazur.builders._pythons import Python, choose, serves

OWN = platform.python_version()
MINOR = sys.version_info.minor


def here(*versions: str) -> list[Python]:
    return [Python(version, f"/p/{version}") for version in versions]


class TestChoose:
    @pytest.mark.parametrize(
        "wanted, present, chosen, exact",
        [
            ("3.10", ["3.13.0", "3.10.13", "3.9.18"], "3.10.13", True),
            ("3.1", ["3.13.0", "3.10.13"], "3.10.13", False),
            ("3.9.18", ["3.9.18", "3.9.2"], "3.9.18", True),
            ("3.9.5", ["3.10.1", "3.9.18"], "3.9.18", False),
            ("<3.11,>=3.8", ["3.13.0", "3.10.13", "3.9.18", "3.7.1"], "3.10.13", True),
            ("3.9", ["3.10.1", "3.8.1"], "3.10.1", False),
            ("3.14", ["3.13.0", "3.8.1"], "3.13.0", False),
            ("3.5", ["3.13.0", "3.6.1"], "3.6.1", False),
            (">=3.99", ["3.13.0", "3.12.1"], "3.13.0", False),
        ],
    )
    def test_the_best_of_those_present(
        self, wanted: str, present: list[str], chosen: str, exact: bool
    ) -> None:
        choice = choose(wanted, here(*present))
        assert choice.python
        assert (choice.python.version, choice.exact) == (chosen, exact)

    def test_our_own_version_is_preferred_within_bounds(self) -> None:
        choice = choose(">=3.6", here("3.99.0", OWN, "3.6.1"))
        assert choice.python == Python(OWN, f"/p/{OWN}")

    def test_no_wish_is_met_by_the_closest_to_ours(self) -> None:
        choice = choose(None, here("3.99.0", f"3.{MINOR}.0", "3.6.1"))
        assert choice.exact
        assert choice.python == Python(f"3.{MINOR}.0", f"/p/3.{MINOR}.0")

    def test_none_at_all(self) -> None:
        assert choose("3.10", []).python is None


class TestServes:
    @pytest.mark.parametrize(
        "wanted, there, answer",
        [("3.9.5", "3.9.18", True), ("3.9.5", "3.10.1", False), ("<3.9.5", "3.9.18", False)],
    )
    def test_only_the_last_number_may_differ(self, wanted: str, there: str, answer: bool) -> None:
        assert serves(wanted, Python(there, "/p")) is answer
