"""What every datastore must do. Inherit `DatastoreContract`, or `ReadableContract` where files
cannot be put, and say how to make one and how a file gets there:

class TestMine(DatastoreContract):
    @pytest.fixture
    def store(self):
        return Mine({"bucket_name": …}, {…}, rule=ANYWHERE)      # of an empty folder or bucket
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lazur.engine.contracts import Datastore, Parts, Stored
from lazur.errors import Conflict, Invalid, NotFound

HOSTILE = ["../x", "/x", "a/../b", "a//b", "./a", "a/.", "", "a\\b", "a\nb", "a\x00b", "x" * 5000]


class ReadableContract:
    @pytest.fixture
    def store(self) -> Datastore:
        raise NotImplementedError("a contract's heir says which datastore it tests")

    def fill(self, store: Any, files: dict[str, bytes]) -> None:
        """See that these files are there, and replace those of the same name."""
        for path, data in files.items():
            store.put(path, iter([data]), len(data))

    def test_a_file_is_read(self, store: Datastore) -> None:
        data = os.urandom(100_000)
        self.fill(store, {"folder/a file.bin": data})
        with store.open("folder/a file.bin") as file:
            assert file.read() == data

    @pytest.mark.parametrize("offset", [0, 1, 99_999, 100_000, 200_000])
    def test_from_any_offset(self, store: Datastore, offset: int) -> None:
        data = os.urandom(100_000)
        self.fill(store, {"a": data})
        with store.open("a", offset) as file:
            assert file.read() == data[offset:]

    def test_in_pieces(self, store: Datastore) -> None:
        data = os.urandom(50_000)
        self.fill(store, {"a": data})
        with store.open("a") as file:
            assert b"".join(iter(lambda: file.read(7_001), b"")) == data

    def test_an_empty_file_is_one(self, store: Datastore) -> None:
        self.fill(store, {"empty": b""})
        assert store.info("empty").size == 0
        with store.open("empty") as file:
            assert file.read() == b""

    @pytest.mark.parametrize("path", ["a+b", "ü/é.txt", "100%/x?y#z", "a b/'c'", "a=b&c", "%41"])
    def test_names_are_taken_as_they_are(self, store: Datastore, path: str) -> None:
        self.fill(store, {path: path.encode()})
        assert store.info(path).path == path
        with store.open(path) as file:
            assert file.read() == path.encode()

    def test_info_tells_size_and_version(self, store: Datastore) -> None:
        self.fill(store, {"a": b"one"})
        first = store.info("a")
        assert (first.path, first.size, store.info("a")) == ("a", 3, first)
        self.fill(store, {"a": b"two"})
        assert store.info("a").version != first.version

    def test_a_version_that_is_gone_is_not_read(self, store: Datastore) -> None:
        self.fill(store, {"a": b"one"})
        version = store.info("a").version
        with store.open("a", 1, version) as file:
            assert file.read() == b"ne"
        self.fill(store, {"a": b"two"})
        with pytest.raises(Conflict):
            store.open("a", 0, version)

    def test_an_absent_file_is_not_found(self, store: Datastore) -> None:
        self.fill(store, {"folder/a": b"x"})
        for path in ("b", "folder/b", "folder"):
            with pytest.raises(NotFound):
                store.info(path)
            with pytest.raises(NotFound):
                store.open(path)

    @pytest.mark.parametrize("path", HOSTILE)
    def test_paths_that_lead_elsewhere_are_refused(self, store: Datastore, path: str) -> None:
        for use in (store.info, store.open):
            with pytest.raises(Invalid):
                use(path)

    def test_many_threads_read_at_once(self, store: Datastore) -> None:
        files = {f"f{n}": os.urandom(20_000) for n in range(8)}
        self.fill(store, files)

        def read(path: str) -> bytes:
            with store.open(path) as file:
                return file.read()

        with ThreadPoolExecutor(4) as pool:
            assert dict(zip(files, pool.map(read, files), strict=True)) == files

    def test_it_can_be_reached(self, store: Datastore) -> None:
        store.check()


class DatastoreContract(ReadableContract):
    large = (16 << 20) + 5
    """Bytes that go in several blocks."""

    def test_lists_are_of_all_files_beneath_a_folder(self, store: Datastore) -> None:
        self.fill(store, {"a/b/c": b"1", "a/d": b"22", "ab/e": b"333", "f": b""})
        assert _names(store.list()) == ["a/b/c", "a/d", "ab/e", "f"]
        assert _names(store.list("a")) == ["a/b/c", "a/d"]
        assert _names(store.list("a/b")) == ["a/b/c"]
        assert _names(store.list("absent")) == []
        found = {item.path: item for item in store.list()}
        assert all(store.info(path).version == item.version for path, item in found.items())

    def test_what_is_put_replaces_what_is_there(self, store: Any) -> None:
        self.fill(store, {"a": b"a longer one"})
        made = store.put("a", iter([b"sh", b"", b"ort"]), 5)
        assert made == store.info("a")
        with store.open("a") as file:
            assert file.read() == b"short"

    def test_many_blocks_make_one_file(self, store: Any) -> None:
        data = os.urandom(self.large)
        store.put(
            "big", (data[at : at + 1_000_003] for at in range(0, len(data), 1_000_003)), len(data)
        )
        with store.open("big", self.large - 20) as file:
            assert file.read() == data[-20:]
        with store.open("big") as file:
            assert file.read() == data

    @pytest.mark.parametrize("size", [10, (8 << 20) + 10])
    def test_a_sender_that_fails_leaves_the_old_file(self, store: Any, size: int) -> None:
        self.fill(store, {"a": b"old"})

        def chunks() -> Iterator[bytes]:
            yield b"x" * (size - 5)
            raise ConnectionResetError

        for path in ("a", "new"):
            with pytest.raises(ConnectionResetError):
                store.put(path, chunks(), size)
        with store.open("a") as file:
            assert file.read() == b"old"
        assert _names(store.list()) == ["a"]

    @pytest.mark.parametrize("size", [2, 4, (8 << 20) + 1])
    def test_other_than_what_was_announced_leaves_the_old_file(
        self, store: Any, size: int
    ) -> None:
        self.fill(store, {"a": b"old"})
        with pytest.raises(Invalid):
            store.put("a", iter([b"new"]), size)
        with store.open("a") as file:
            assert file.read() == b"old"

    def test_what_is_deleted_is_gone_and_again_is_silent(self, store: Any) -> None:
        self.fill(store, {"a/b": b"x", "a/c": b"y"})
        store.delete("a/b")
        store.delete("a/b")
        assert _names(store.list()) == ["a/c"]

    @pytest.mark.parametrize("path", HOSTILE)
    def test_nothing_is_written_elsewhere(self, store: Any, path: str) -> None:
        with pytest.raises(Invalid):
            store.put(path, iter([b"x"]), 1)
        with pytest.raises(Invalid):
            store.delete(path)

    def test_writers_of_one_file_do_not_mix(self, store: Any) -> None:
        texts = [bytes([65 + n]) * 1000 for n in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda text: store.put("a", iter([text]), 1000), texts))
        with store.open("a") as file:
            assert file.read() in texts


class ResumesContract:
    """Of a store that keeps parts. Inherit it beside `DatastoreContract`."""

    def test_what_was_sent_in_part_is_gone_on_with(self, store: Any) -> None:
        sent, notes = InMemory(os.urandom((17 << 20) + 5), fails_at=8 << 20), list[str]()
        with pytest.raises(ConnectionResetError):
            store.put_parts("a/b", sent, "", notes.append)
        assert _names(store.list()) == []
        again = InMemory(sent.data)
        store.put_parts("a/b", again, notes[0], notes.append)
        assert (again.reads, again.skipped, len(notes)) == ([8 << 20, 16 << 20], 8 << 20, 1)
        with store.open("a/b") as file:
            assert file.read() == sent.data

    def test_the_old_file_is_there_until_all_is(self, store: Any) -> None:
        store.put("a", iter([b"old"]), 3)
        with pytest.raises(ConnectionResetError):
            store.put_parts("a", InMemory(b"x" * (9 << 20), fails_at=8 << 20), "", str)
        with store.open("a") as file:
            assert file.read() == b"old"

    def test_a_note_of_nothing_begins_anew(self, store: Any) -> None:
        notes = list[str]()
        store.put_parts("a", InMemory(b"x" * (9 << 20)), "", notes.append)
        for data in (b"y", b"z"):
            store.put_parts("a", InMemory(data * (9 << 20)), notes[0], notes.append)
            with store.open("a", 9 << 19) as file:
                assert file.read(1) == data

    def test_what_is_abandoned_is_not_gone_on_with(self, store: Any) -> None:
        notes = list[str]()
        with pytest.raises(ConnectionResetError):
            store.put_parts("a", InMemory(b"x" * (9 << 20), fails_at=8 << 20), "", notes.append)
        for _ in range(2):
            store.abandon("a", notes[0])
        assert _names(store.list()) == []

    def test_a_file_that_grew_shorter_is_told(self, store: Any) -> None:
        short = InMemory(b"x" * (9 << 20))
        short.data = short.data[:-1]
        with pytest.raises(Conflict):
            store.put_parts("a", short, "", str)
        assert _names(store.list()) == []


class InMemory(Parts):
    def __init__(self, data: bytes, fails_at: int | None = None) -> None:
        self.data, self.size = data, len(data)
        self.reads, self.skipped = list[int](), 0
        self._fails_at = fails_at

    def read(self, offset: int, size: int) -> bytes:
        if offset == self._fails_at:
            raise ConnectionResetError
        self.reads.append(offset)
        return self.data[offset : offset + size]

    def skip(self, size: int) -> None:
        self.skipped += size


def _names(found: Iterator[Stored]) -> list[str]:
    return sorted(item.path for item in found)
