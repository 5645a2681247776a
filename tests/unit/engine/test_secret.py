"""Secrets are shown nowhere (S47), and masked before anything is cut (S48)."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import pickle
from urllib.parse import quote, quote_plus

import pytest

from lazur.engine.secret import HIDDEN, MaskedStream, Masker, Secret, revealed

VALUE = 'c4n4ry/with+"odd" bytes\\ é'
SECRET = Secret(VALUE)


@dataclasses.dataclass
class Holder:
    key: Secret


class TestSecret:
    @pytest.mark.parametrize(
        "text",
        [
            str(SECRET),
            repr(SECRET),
            f"{SECRET}",
            f"{SECRET:>40}",
            f"{SECRET!r}",
            f"{SECRET} {SECRET!r}",
            ascii(SECRET),
            repr([SECRET]),
            repr({"key": SECRET}),
            repr(Holder(SECRET)),
            str(dataclasses.asdict(Holder(SECRET))),
            json.dumps({"key": SECRET}, default=str),
        ],
    )
    def test_it_prints_as_stars(self, text: str) -> None:
        assert HIDDEN in text
        assert "c4n4ry" not in text

    @pytest.mark.parametrize(
        "write",
        [json.dumps, pickle.dumps, lambda x: pickle.dumps(x, 0), vars, bytes, list, len, hash],
    )
    def test_it_is_written_down_by_nothing(self, write) -> None:
        with pytest.raises(TypeError) as caught:
            write(SECRET)
        assert "c4n4ry" not in str(caught.value)

    def test_copies_are_itself(self) -> None:
        assert copy.copy(SECRET) is copy.deepcopy(SECRET) is SECRET

    def test_it_is_revealed_on_purpose(self) -> None:
        assert SECRET.reveal() == revealed(SECRET) == revealed(VALUE) == VALUE
        assert revealed(None) == ""

    def test_it_is_compared_with_secrets_only(self) -> None:
        assert Secret(VALUE) == SECRET
        assert Secret("other") != SECRET
        assert SECRET != VALUE
        assert bool(SECRET)
        assert not Secret("")


class TestMasker:
    @pytest.mark.parametrize(
        "shown",
        [
            VALUE,
            VALUE[::-1],
            json.dumps(VALUE),
            json.dumps(VALUE, ensure_ascii=False),
            repr(VALUE),
            quote(VALUE, safe=""),
            quote(VALUE),
            quote_plus(VALUE),
            VALUE.encode().hex(),
            f"AccountName=a;AccountKey={VALUE};EndpointSuffix=x",
        ],
    )
    def test_every_spelling_goes(self, shown: str) -> None:
        text = Masker([SECRET]).masked(f"before {shown} after")
        assert HIDDEN in text
        assert text.startswith("before")
        assert text.endswith("after")
        assert not any(part in text for part in ("c4n4ry", "yr4n4c", "6334"))

    @pytest.mark.parametrize("offset", range(3))
    @pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
    def test_so_does_base64_wherever_it_begins(self, encode, offset: int) -> None:
        text = encode(b"x" * offset + VALUE.encode() + b"yz").decode()
        masked = Masker([SECRET]).masked(text)
        assert HIDDEN in masked
        assert len(masked) <= 12

    def test_a_part_of_a_connection_string_goes_alone_too(self) -> None:
        whole = "AccountName=mine;AccountKey=" + "k" * 40 + ";EndpointSuffix=x"
        assert "k" * 10 not in Masker([whole]).masked("key " + "k" * 40)

    def test_each_line_of_a_long_key_goes(self) -> None:
        key = "-----BEGIN KEY-----\n" + "a" * 64 + "\n" + "b" * 64 + "\n-----END KEY-----"
        assert "bbbb" not in Masker([key]).masked("line: " + "b" * 64)

    def test_the_longer_of_two_goes_whole(self) -> None:
        assert Masker(["secret", "secret-and-more"]).masked("secret-and-more") == HIDDEN

    def test_short_values_would_hide_everything(self) -> None:
        assert Masker(["a", ""]).masked("a banana") == "a banana"

    def test_none_is_none(self) -> None:
        assert Masker([]).masked("text") == "text"

    @pytest.mark.parametrize("limit", range(0, 60, 3))
    def test_it_masks_before_it_cuts(self, limit: int) -> None:
        text = Masker(["0123456789abcdef"]).clipped(
            "x" * 20 + "0123456789abcdef" + "y" * 20, limit
        )
        assert "0" not in text
        assert len(text) <= max(limit, 1)


class TestStream:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 100])
    def test_a_secret_cut_between_two_writes_goes_too(self, size: int) -> None:
        stream = MaskedStream(Masker(["0123456789abcdef"]))
        text = "one 0123456789abcdef two 0123456789abcde end 0"
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        shown = "".join([*(stream.feed(piece) for piece in pieces), stream.end()])
        assert shown == f"one {HIDDEN} two 0123456789abcde end 0"

    def test_what_cannot_be_a_secret_is_shown_at_once(self) -> None:
        assert MaskedStream(Masker(["0123456789"])).feed("a line\n") == "a line\n"
