from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur.engine import patterns
from lazur.errors import Invalid

TEXT = st.text("abc=-_. x1", min_size=1, max_size=8)


class TestMatch:
    @pytest.mark.parametrize(
        "pattern, path, found",
        [
            ("{Shop}/{Product}.json", "1/p0.json", {"Shop": "1", "Product": "p0"}),
            ("{Shop}/{Product}.json", "1/a.b.json", {"Shop": "1", "Product": "a.b"}),
            ("Shop={Shop}/x", "Shop=a=b/x", {"Shop": "a=b"}),
            ("{a}-{b}.pkl", "1-2-3.pkl", {"a": "1", "b": "2-3"}),
            ("{a}/{a}.json", "1/1.json", {"a": "1"}),
            ("{a}/{a}.json", "1/2.json", None),
            ("{Shop}/{Product}.json", "1/p0.pkl", None),
            ("{Shop}/{Product}.json", "p0.json", None),
            ("{Shop}/{Product}.json", "0/1/p0.json", None),
            ("{Shop}.json", ".json", None),
            ("{a}-{b}", "-x", None),
            ("x{a}x", "x", None),
            ("fixed", "fixed", {}),
        ],
    )
    def test_a_path_is_read_in_one_way(
        self, pattern: str, path: str, found: dict[str, str] | None
    ) -> None:
        assert patterns.parse(pattern, "files").match(path) == found

    @given(a=TEXT, b=TEXT, path=TEXT)
    def test_what_is_found_makes_the_path_again(self, a: str, b: str, path: str) -> None:
        pattern = patterns.parse("s={a}/{b}-{c}.json", "files")
        for given_path in (f"s={a}/{b}-{path}.json", path):
            found = pattern.match(given_path)
            assert found is None or pattern.fill(found) == given_path

    def test_a_long_name_takes_no_long_time(self) -> None:
        pattern = patterns.parse("x".join(f"{{a{n}}}" for n in range(100)), "files")
        assert pattern.match("x" * 100_000 + "y") is not None
        assert pattern.match("y" * 100_000) is None


class TestParse:
    @pytest.mark.parametrize("text", ["", "{a}{b}", "{a", "a}", "{}", "{a/b}", "{a}" * 500, "{é}"])
    def test_what_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid, match="files"):
            patterns.parse(text, "files")

    def test_its_names_come_once_in_their_order(self) -> None:
        assert patterns.parse("{b}/{a}/{b}.x", "files").names == ("b", "a")
