from __future__ import annotations

import json
from typing import Any

import pytest

from lazur.engine import chain

_COVERED = "chain place at who who_kind source action kind name outcome data".split()


def written(count: int, number: int = 1) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    last = chain.START
    for place in range(1, count + 1):
        row: dict[str, Any] = dict.fromkeys(chain.FIELDS, "é")
        row |= {"chain": number, "place": place, "at": 1.5 * place, "data": '{"a": 1}'}
        row["hash"] = last = chain.link(row, last)
        rows.append(row)
    return rows


def exported(*rows: dict[str, Any]) -> list[bytes]:
    return [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows]


def fault(rows: list[dict[str, Any]]) -> tuple[int, str] | None:
    found = chain.follow(1, rows).fault
    return found and (found.place, found.reason.split(",")[0])


class TestFollow:
    def test_an_untouched_chain_is_whole(self) -> None:
        rows = written(5)
        assert chain.follow(1, rows) == chain.End(5, rows[-1]["hash"])

    def test_no_rows_are_whole(self) -> None:
        assert chain.follow(1, []) == chain.End()

    @pytest.mark.parametrize("field", _COVERED)
    def test_each_field_is_covered(self, field: str) -> None:
        rows = written(3)
        rows[1][field] = 7 if field == "place" else "other"
        assert chain.follow(1, rows).fault is not None

    def test_what_was_taken_out_is_missed(self) -> None:
        rows = written(3)
        assert fault([rows[0], rows[2]]) == (2, "is gone: place 3 comes next")

    def test_rows_in_another_order_are_found(self) -> None:
        one, two, three = written(3)
        assert fault([one, three, two]) is not None

    def test_a_row_that_was_put_in_with_a_hash_of_its_own_is_found(self) -> None:
        rows = written(3)
        rows[1]["who"] = "eve"
        rows[1]["hash"] = chain.link(rows[1], rows[0]["hash"])
        assert fault(rows) == (3, "was changed")


class TestExport:
    def test_chains_may_stand_between_each_other(self) -> None:
        one, other = written(2, 1), written(2, 2)
        ends = chain.follow_lines(exported(one[0], other[0], other[1], one[1]))
        assert {number: end.place for number, end in ends.items()} == {1: 2, 2: 2}
        assert not any(end.fault for end in ends.values())

    def test_each_flipped_bit_is_found_or_means_the_same(self) -> None:
        rows = written(2)
        text = b"".join(exported(*rows))
        for at in range(len(text)):
            for bit in (1, 32):
                flipped = text[:at] + bytes([text[at] ^ bit]) + text[at + 1 :]
                assert is_refused(flipped) or [*map(json.loads, flipped.splitlines())] == rows

    @pytest.mark.parametrize(
        "line, said",
        [
            (b"hi", "line 1 is no JSON"),
            (b"[" * 100_000, "line 1 is no JSON"),
            (b"[]", "line 1 has no 'chain'"),
            (exported(written(1)[0] | {"note": "x"})[0], "line 1 has more than a row has"),
            (exported(written(1)[0] | {"chain": [1]})[0], "line 1 names no chain"),
            (b'{"who": "eve", ' + exported(written(1)[0])[0][1:], "line 1 is no JSON"),
        ],
    )
    def test_another_file_is_none(self, line: bytes, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            chain.follow_lines([line])


def is_refused(text: bytes) -> bool:
    try:
        ends = chain.follow_lines(text.splitlines())
    except ValueError:
        return True
    return any(end.fault for end in ends.values())
