from __future__ import annotations

import asyncio
import hashlib
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.blobs import framing
from lazur.blobs.local import Local
from lazur.errors import Invalid
from lazur.testing.blobs import digest_of
from tests.effort import examples


@pytest.fixture
def blobs(tmp_path: Path) -> Local:
    return Local(tmp_path / "blobs")


def framed(*contents: bytes) -> bytes:
    return b"".join(f"{digest_of(d)} {len(d)}\n".encode() + d for d in contents)


def strays(blobs: Local) -> list[Path]:
    return list((Path(blobs.root) / "tmp").iterdir())


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


class TestStore:
    @pytest.mark.parametrize("size", [1, 3, 64, 1000, 1 << 20])
    def test_stores_every_blob_however_the_body_is_cut(self, blobs: Local, size: int) -> None:
        contents = [b"", b"\n", b"one\ntwo", b"x" * 5000, os.urandom(300)]
        assert framing.store(cut(framed(*contents), size), blobs) == len(contents)
        for data in contents:
            with blobs.open(digest_of(data)) as file:
                assert file.read() == data

    def test_large_blobs_stream_through(self, blobs: Local) -> None:
        large = os.urandom(framing.SMALL + 1)
        body = framed(b"before", large, b"after")
        assert framing.store(cut(body, 65536), blobs) == 3
        assert blobs.missing([digest_of(large), digest_of(b"after")]) == []

    def test_what_is_there_already_is_read_past(self, blobs: Local) -> None:
        large = os.urandom(framing.SMALL + 1)
        framing.store(iter([framed(large)]), blobs)
        assert framing.store(cut(framed(large, b"after"), 65536), blobs) == 2
        assert blobs.has(digest_of(b"after"))

    def test_an_empty_body_holds_nothing(self, blobs: Local) -> None:
        assert framing.store(iter([]), blobs) == 0
        assert framing.store(iter([b"", b""]), blobs) == 0

    def test_more_blobs_than_a_batch_holds(
        self, blobs: Local, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(framing, "BATCH_COUNT", 3)
        contents = [bytes([n]) for n in range(10)]
        assert framing.store(iter([framed(*contents)]), blobs) == 10
        assert blobs.missing([digest_of(d) for d in contents]) == []

    @pytest.mark.parametrize(
        "body",
        [
            b"hello\n",
            b"\n",
            b" \n",
            b"a" * 64 + b"\n",
            b"a" * 64 + b" \n",
            b"a" * 64 + b" -1\n",
            b"a" * 64 + b" +1\nx",
            b"a" * 64 + b" 1.0\nx",
            b"a" * 64 + b" 01\nx",
            b"a" * 64 + b" 1_0\n" + b"x" * 10,
            b"a" * 64 + b"  1\nx",
            b"a" * 64 + b" 1 \nx",
            b"a" * 64 + b" 1\r\nx",
            b"a" * 64 + b" 99999999999999999999999\n",
            b"a" * 64 + " ١\nx".encode(),
            b"A" * 64 + b" 1\nx",
            b"../" + b"a" * 61 + b" 1\nx",
            b"a" * 1000,
            b"a" * 63,
            b"x" * (1 << 20),
            framed(b"data")[:-1],
            framed(b"data") + b"x",
            framed(b"x" * (framing.SMALL + 5))[:-1],
            framed(b"data").replace(b"data", b"date"),
            framed(b"x" * (framing.SMALL + 5))[:-1] + b"y",
        ],
    )
    @pytest.mark.parametrize("size", [1 << 20, 7])
    def test_hostile_bodies_are_refused(self, blobs: Local, body: bytes, size: int) -> None:
        if size == 7 and len(body) > 5000:
            body = body[-5000:] if body.startswith(b"x" * 100) else body
        with pytest.raises(Invalid):
            framing.store(cut(body, size), blobs)
        assert strays(blobs) == []

    def test_a_length_beyond_all_disks_is_refused_at_once(self, blobs: Local) -> None:
        def body() -> Iterator[bytes]:
            yield b"a" * 64 + b" 9999999999999999\n"
            raise AssertionError("read on")

        with pytest.raises(Invalid, match="series"):
            framing.store(body(), blobs)

    def test_blobs_before_a_fault_stay(self, blobs: Local) -> None:
        with pytest.raises(Invalid):
            framing.store(iter([framed(b"good" * 500_000) + b"nonsense\n"]), blobs)
        assert blobs.has(digest_of(b"good" * 500_000))

    def test_memory_stays_bounded(self, blobs: Local) -> None:
        piece = os.urandom(1 << 16)
        tracemalloc.start()
        framing.store(body_of(piece, 640), blobs)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 << 20

    @settings(max_examples=examples(50), deadline=None)
    @given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 400))
    def test_any_contents_in_any_pieces(
        self, tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], size: int
    ) -> None:
        blobs = Local(tmp_path_factory.mktemp("blobs"))
        assert framing.store(cut(framed(*contents), size), blobs) == len(contents)
        assert blobs.missing([digest_of(d) for d in contents]) == []


def body_of(piece: bytes, count: int) -> Iterator[bytes]:
    hasher = hashlib.sha256()
    for _ in range(count):
        hasher.update(piece)
    yield f"{hasher.hexdigest()} {len(piece) * count}\n".encode()
    for _ in range(count):
        yield piece


class TestStoreAsync:
    def test_stores_what_arrives(self, blobs: Local) -> None:
        contents = [b"a", b"b" * 3_000_000, b"c"]

        async def body() -> AsyncIterator[bytes]:
            for chunk in cut(framed(*contents), 65536):
                yield chunk

        assert asyncio.run(framing.store_async(body(), blobs)) == 3
        assert blobs.missing([digest_of(d) for d in contents]) == []

    def test_a_sender_that_goes_away_is_noticed(self, blobs: Local) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield framed(b"data" * 1_000_000)[:2_000_000]
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            asyncio.run(framing.store_async(body(), blobs))
        assert strays(blobs) == []

    def test_refuses_as_the_other_does(self, blobs: Local) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b"nonsense\n"

        with pytest.raises(Invalid):
            asyncio.run(framing.store_async(body(), blobs))
