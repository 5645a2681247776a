"""Bodies on their way in: whole or in pieces, and those that break off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from lazur.server import receiving
from lazur.server.topics import Closed

MIB = 1 << 20


def coming(parts: Iterable[bytes], *, broken: bool = False) -> Any:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    messages.append({"type": "http.disconnect"} if broken else {"type": "http.request"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return receive


class TestWhole:
    def test_it_is_put_together(self) -> None:
        assert asyncio.run(receiving.whole(coming([b"a", b"", b"bc"]))) == b"abc"

    @pytest.mark.parametrize("parts", [[], [b'{"properties": {}}']])
    def test_half_of_one_is_none(self, parts: list[bytes]) -> None:
        with pytest.raises(Closed):
            asyncio.run(receiving.whole(coming(parts, broken=True)))


class TestInPieces:
    def test_small_parts_are_written_together_and_large_ones_alone(self) -> None:
        written: list[int] = []
        parts = [b"x" * (MIB // 2)] * 3 + [b"y" * (3 * MIB)]
        asyncio.run(receiving.in_pieces(coming(parts), lambda p: written.append(sum(map(len, p)))))
        assert written == [MIB, MIB // 2 + 3 * MIB, 0]

    def test_one_that_breaks_off_is_told_once_nothing_is_written_any_more(self) -> None:
        written: list[bytes] = []
        with pytest.raises(Closed):
            asyncio.run(receiving.in_pieces(coming([b"x" * MIB] * 2, broken=True), written.extend))
        assert len(written) == 2

    def test_what_cannot_be_written_ends_it(self) -> None:
        def write(parts: list[bytes]) -> None:
            raise OSError("full")

        with pytest.raises(OSError, match="full"):
            asyncio.run(receiving.in_pieces(coming([b"x" * MIB] * 9), write))
