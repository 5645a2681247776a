from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.errors import Invalid
from lazur.spec.json import MAX_DEPTH, decode
from tests.effort import examples

_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_CHARACTERS),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(_CHARACTERS), inner),
    max_leaves=20,
)


class TestDecode:
    @settings(max_examples=examples(200), deadline=None)
    @given(_VALUES, st.booleans())
    def test_ordinary_values_come_back(self, value: object, ascii_only: bool) -> None:
        assert decode(json.dumps(value, ensure_ascii=ascii_only).encode()) == value

    def test_brackets_in_text_are_not_nesting(self) -> None:
        value = {"command": "[[{{" * 1000 + '\\"[' * 100}
        assert decode(json.dumps(value)) == value

    def test_what_only_looks_like_a_zero_character_is_text(self) -> None:
        assert decode(r'"\\u0000"') == r"\u0000"

    def test_the_deepest_allowed_is_read(self) -> None:
        assert decode("[" * MAX_DEPTH + "]" * MAX_DEPTH)

    def test_many_shallow_objects_are_no_nesting(self) -> None:
        assert len(decode(json.dumps([{"a": []}] * 5000))) == 5000

    def test_paired_surrogates_are_a_character(self) -> None:
        assert decode('"\\ud83d\\ude00"') == "😀"

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
            b'["a\\"' + b"[" * 100_000,
            b"9" * 5000,
            b"9223372036854775808",
            b'"a\\u0000b"',
            b'{"a\\u0000": 1}',
            b'[{"a": ["\\u0000"]}]',
            b"-9223372036854775809",
            b"NaN",
            b"[Infinity]",
            b"-Infinity",
            b"1e999",
            b'{"a":1,"a":2}',
            b'{"x":{"a":1,"\\u0061":2}}',
            b'"\\ud800"',
            b'{"\\udfff":1}',
            b'["\\ud83d", "\\ude00"]',
            b"\xff\xfe",
            b"",
            b"{",
            b"{'a': 1}",
            b"01",
            b"[1,]",
            b"1 2",
        ],
    )
    def test_what_readers_would_disagree_on_is_refused(self, body: bytes) -> None:
        with pytest.raises(Invalid):
            decode(body)

    @settings(max_examples=examples(300), deadline=None)
    @given(st.binary(max_size=40) | st.text(max_size=40))
    def test_anything_is_read_or_invalid(self, body: bytes | str) -> None:
        with contextlib.suppress(Invalid):
            json.dumps(decode(body), allow_nan=False).encode()
