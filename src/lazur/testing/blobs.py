"""What every blob store must do. Inherit `BlobsContract` and say how to make a store:

class TestMine(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path):
        return Mine(tmp_path)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from lazur.engine.contracts import Blobs
from lazur.errors import Invalid, NotFound


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class BlobsContract:
    def test_what_is_put_is_read_back(self, blobs: Blobs) -> None:
        data = b"some bytes" * 1000
        assert blobs.put(digest_of(data), iter([data[:7], data[7:]])) == len(data)
        with blobs.open(digest_of(data)) as file:
            assert file.read() == data
        assert blobs.size(digest_of(data)) == len(data)

    def test_no_bytes_are_a_blob_too(self, blobs: Blobs) -> None:
        assert blobs.put(digest_of(b""), iter([])) == 0
        assert blobs.has(digest_of(b""))

    def test_a_blob_is_there_only_once_it_is_put(self, blobs: Blobs) -> None:
        assert not blobs.has(digest_of(b"x"))
        blobs.put(digest_of(b"x"), iter([b"x"]))
        assert blobs.has(digest_of(b"x"))

    def test_nothing_is_visible_while_it_is_written(self, blobs: Blobs) -> None:
        digest = digest_of(b"ab")

        def chunks() -> Iterator[bytes]:
            yield b"a"
            assert not blobs.has(digest)
            yield b"b"

        blobs.put(digest, chunks())
        assert blobs.has(digest)

    def test_missing_keeps_the_order_asked_in(self, blobs: Blobs) -> None:
        digests = [digest_of(bytes([n])) for n in range(5)]
        blobs.put(digests[2], iter([b"\x02"]))
        assert blobs.missing(digests) == [digests[0], digests[1], digests[3], digests[4]]

    def test_bytes_that_do_not_hash_to_the_name_are_refused(self, blobs: Blobs) -> None:
        with pytest.raises(Invalid):
            blobs.put(digest_of(b"one"), iter([b"other"]))
        assert not blobs.has(digest_of(b"one"))
        assert not blobs.has(digest_of(b"other"))

    def test_a_sender_that_fails_leaves_nothing(self, blobs: Blobs) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"a"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            blobs.put(digest_of(b"ab"), chunks())
        assert not blobs.has(digest_of(b"ab"))

    def test_putting_twice_is_fine(self, blobs: Blobs) -> None:
        for _ in range(2):
            assert blobs.put(digest_of(b"x"), iter([b"x"])) == 1

    def test_many_are_put_at_once(self, blobs: Blobs) -> None:
        given = [(digest_of(d), d) for d in (b"a", b"b", b"a", b"", b"c" * 1000)]
        blobs.put(digest_of(b"b"), iter([b"b"]))
        assert blobs.put_many(given) == len(given)
        assert blobs.missing([digest for digest, _ in given]) == []
        with blobs.open(digest_of(b"c" * 1000)) as file:
            assert file.read() == b"c" * 1000

    def test_one_faulty_of_many_is_refused(self, blobs: Blobs) -> None:
        with pytest.raises(Invalid):
            blobs.put_many([(digest_of(b"a"), b"a"), (digest_of(b"b"), b"not b")])
        assert not blobs.has(digest_of(b"b"))

    def test_writers_of_the_same_blob_do_not_disturb_each_other(self, blobs: Blobs) -> None:
        data = bytes(range(256)) * 512
        together = Barrier(8)

        def write(_: int) -> int:
            together.wait(10)
            return blobs.put(digest_of(data), iter([data[:1000], data[1000:]]))

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(write, range(8))) == {len(data)}
        with blobs.open(digest_of(data)) as file:
            assert file.read() == data

    def test_an_absent_blob_is_not_found(self, blobs: Blobs) -> None:
        with pytest.raises(NotFound):
            blobs.open(digest_of(b"absent"))
        with pytest.raises(NotFound):
            blobs.size(digest_of(b"absent"))

    def test_a_deleted_blob_is_gone_and_deleting_again_is_silent(self, blobs: Blobs) -> None:
        blobs.put(digest_of(b"x"), iter([b"x"]))
        blobs.delete(digest_of(b"x"))
        blobs.delete(digest_of(b"x"))
        assert not blobs.has(digest_of(b"x"))

    @pytest.mark.parametrize(
        "name",
        ["", "x", "../" + "a" * 61, "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "/etc/passwd"],
    )
    def test_no_other_name_than_a_digest_reaches_the_store(self, blobs: Blobs, name: str) -> None:
        for use in (blobs.has, blobs.open, blobs.size, blobs.delete):
            with pytest.raises((Invalid, NotFound)):
                use(name)
        with pytest.raises(Invalid):
            blobs.put(name, iter([b"x"]))
