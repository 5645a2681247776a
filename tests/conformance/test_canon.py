from __future__ import annotations

import pytest

from tests.conformance.canon import Names


class TestZero:
    @pytest.mark.parametrize("text", ['"value": {}, "x"', "({})", "[{}, 1]", "{}"])
    def test_loses_its_sign_where_a_driver_drops_it(self, text: str) -> None:
        given, wanted = text.format("-0.0"), text.format("0.0")
        assert Names({}, unsigned_zero=True).plain(given) == wanted
        assert Names({}).plain(given) == given

    @pytest.mark.parametrize("text", ["-0.01", "1-0.0", "v-0.0.1", "-0.0e1"])
    def test_what_only_looks_like_it_is_left(self, text: str) -> None:
        assert Names({}, unsigned_zero=True).plain(text) == text


class TestNeighbour:
    def test_servers_of_cases_have_no_address(self) -> None:
        text = '"api_base": "http://127.0.0.1:35071/v1"'
        assert Names({}).plain(text) == '"api_base": "<neighbour>/v1"'

    def test_the_servers_that_are_compared_keep_their_names(self) -> None:
        names = Names({"http://127.0.0.1:80": "<server>"})
        assert names.plain("http://127.0.0.1:80/x") == "<server>/x"
