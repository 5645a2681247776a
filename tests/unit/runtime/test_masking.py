"""Secrets kept out of a job's logs."""

from __future__ import annotations

import base64
import random

import pytest

from lazur.runtime.masking import Mask

VALUE = 'correct"horse/battery+staple'


def masked(data: bytes, *values: str, sizes: int = 1 << 16) -> bytes:
    mask = Mask(list(values))
    parts = [mask.feed(data[at : at + sizes]) for at in range(0, len(data), sizes)]
    return b"".join([*parts, mask.end()])


class TestMask:
    @pytest.mark.parametrize("sizes", [1, 2, 7, 1000])
    def test_wherever_it_is_cut(self, sizes: int) -> None:
        data = f"a {VALUE} b {VALUE[:9]} c {VALUE}{VALUE}".encode()
        expected = f"a *** b {VALUE[:9]} c ******".encode()
        assert masked(data, VALUE, sizes=sizes) == expected

    @pytest.mark.parametrize(
        "form",
        [
            VALUE,
            'correct\\"horse/battery+staple',
            "correct%22horse%2Fbattery%2Bstaple",
            base64.b64encode(VALUE.encode()).decode(),
        ],
    )
    def test_as_it_looks_when_it_is_quoted_or_encoded(self, form: str) -> None:
        assert VALUE.encode() not in masked(f"x{form}y".encode(), VALUE)
        assert masked(f"x{form}y".encode(), VALUE).startswith(b"x***")

    @pytest.mark.parametrize("before", ["", "u", "u:", "me:", "user:"])
    @pytest.mark.parametrize("after", ["", "\n", "@host", "@host/path"])
    def test_in_the_middle_of_what_is_encoded(self, before: str, after: str) -> None:
        """`echo $KEY | base64`, and the header of basic authentication."""
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(f"{before}{VALUE}{after}".encode())
            shown = masked(b"x " + text + b" y", VALUE)
            assert b"***" in shown
            left = b"".join(shown[2:-2].split(b"***"))
            assert len(left) <= len(text) - len(VALUE) * 4 // 3 + 4

    def test_a_key_of_many_lines_line_by_line(self) -> None:
        key = "-----BEGIN-----\nabcdefgh\nijklmnop\n-----END-----"
        assert masked(b"> ijklmnop\n", key) == b"> ***\n"

    def test_short_words_stay(self) -> None:
        assert masked(b"a cat sat", "cat") == b"a cat sat"

    def test_all_else_passes_as_it_came(self) -> None:
        data = random.Random(1).randbytes(200_000)
        assert masked(data, VALUE, sizes=4097) == data

    def test_what_cannot_be_a_value_is_not_held_back(self) -> None:
        mask = Mask([VALUE])
        assert mask.feed(b"a line\n") == b"a line\n"
        assert mask.feed(b"corr") == b""
        assert mask.feed(b"al\n") == b"corral\n"
