from __future__ import annotations

import warnings

import pytest

from lazur.azureml._lazur.told import Ignored, ignored


class Array:
    """As NumPy's, which is equal to nothing as a whole."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("The truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]


class TestIgnored:
    def test_what_is_as_good_as_not_given_is_not_told(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ignored("f", {"a": None, "b": False, "c": "", "d": [], "e": {}})

    def test_anything_else_is_told_where_the_script_is(self) -> None:
        with pytest.warns(Ignored, match="f: rows is ignored: why") as told:
            ignored("f", {"rows": Array()}, "why")
        assert told[0].filename == __file__
