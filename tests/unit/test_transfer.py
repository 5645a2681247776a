"""Folders from datastores into the cache, and up again."""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

import pytest

from lazur.data_cache import evict, sweep
from lazur.datastores.local import Local
from lazur.engine.contracts import Parts, Resumes, Stored
from lazur.errors import BackendError, Conflict, NotFound, Unavailable
from lazur.transfer import (
    CHUNK,
    UNFINISHED,
    Fetched,
    Manner,
    Progress,
    Stopped,
    download,
    publish,
    upload,
)

QUICK = Manner(sleep=lambda _: None)
BIG = 3 * CHUNK + 17


class Faulty(Local):
    """A store whose answers break off `faults` times, `at` bytes into a file."""

    def __init__(self, settings: dict[str, Any], faults: int = 0, at: int = CHUNK) -> None:
        super().__init__(settings)
        self.faults, self.at = faults, at
        self.opened: list[tuple[str, int]] = []
        self.sent: list[str] = []
        self.lock = threading.Lock()

    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        file = super().open(path, offset, version)
        with self.lock:
            self.opened.append((path, offset))
            if self.faults:
                self.faults -= 1
                return _Breaking(file, self.at)  # type: ignore[return-value] - all that is read
        return file

    def put(self, path: str, chunks: Iterator[bytes], size: int) -> Stored:
        with self.lock:
            if self.faults:
                self.faults -= 1
                raise Unavailable("busy")
            self.sent.append(path)
        return super().put(path, chunks, size)


class _Breaking:
    def __init__(self, file: BinaryIO, left: int) -> None:
        self.file, self.left = file, left

    def read(self, size: int) -> bytes:
        if not self.left:
            raise Unavailable("broke off")
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    (tmp_path / "remote/folder/sub").mkdir(parents=True)
    (tmp_path / "remote/folder/a").write_bytes(b"one")
    (tmp_path / "remote/folder/sub/b").write_bytes(os.urandom(BIG))
    (tmp_path / "remote/folder/empty").write_bytes(b"")
    (tmp_path / "remote/folder-b").write_bytes(b"not in it")
    return tmp_path / "remote"


@pytest.fixture
def store(remote: Path) -> Faulty:
    return Faulty({"path": str(remote)})


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class TestDownload:
    def test_a_folder_comes_whole(self, store: Faulty, remote: Path, cache: Path) -> None:
        found = download(store, "folder", cache, "mine", QUICK)
        assert [item.path for item in found] == ["a", "empty", "sub/b"]
        for item in found:
            assert item.file.read_bytes() == (remote / "folder" / item.path).read_bytes()
            assert item.file.name == item.sha256
            assert stat.S_IMODE(item.file.stat().st_mode) == 0o444
        assert list((cache / "partial").iterdir()) == []

    def test_a_file_is_a_folder_of_one(self, store: Faulty, cache: Path) -> None:
        assert [i.path for i in download(store, "folder/a", cache, "mine", QUICK)] == ["a"]

    def test_what_is_there_does_not_come_again(self, store: Faulty, cache: Path) -> None:
        first = download(store, "folder", cache, "mine", QUICK)
        store.opened.clear()
        assert download(store, "folder", cache, "mine", QUICK) == first
        assert store.opened == []

    def test_another_version_and_another_source_do(
        self, store: Faulty, remote: Path, cache: Path
    ) -> None:
        download(store, "folder/a", cache, "mine", QUICK)
        download(store, "folder/a", cache, "other", QUICK)
        (remote / "folder/a").write_bytes(b"two")
        assert download(store, "folder/a", cache, "mine", QUICK)[0].file.read_bytes() == b"two"
        assert len(store.opened) == 3

    def test_equal_contents_are_kept_once(self, store: Faulty, remote: Path, cache: Path) -> None:
        (remote / "folder/same").write_bytes(b"one")
        found = {i.path: i for i in download(store, "folder", cache, "mine", QUICK)}
        assert found["same"].file == found["a"].file

    def test_it_goes_on_where_it_broke_off(self, store: Faulty, cache: Path) -> None:
        store.faults = 2
        found = download(store, "folder/sub/b", cache, "mine", QUICK)
        assert [offset for _, offset in store.opened] == [0, CHUNK, 2 * CHUNK]
        assert found[0].file.stat().st_size == BIG

    def test_and_so_does_the_next_call(self, store: Faulty, remote: Path, cache: Path) -> None:
        store.faults = 1
        with pytest.raises(Unavailable):
            download(store, "folder/sub/b", cache, "mine", Manner(retries=0))
        found = download(store, "folder/sub/b", cache, "mine", QUICK)
        assert [offset for _, offset in store.opened] == [0, CHUNK]
        assert found[0].file.read_bytes() == (remote / "folder/sub/b").read_bytes()

    def test_a_file_that_changed_meanwhile_is_not_mixed(
        self, store: Faulty, remote: Path, cache: Path
    ) -> None:
        new = os.urandom(BIG)
        todo = [new]
        store.faults = 1

        def change(_: float) -> None:
            if todo:
                (remote / "folder/sub/b").write_bytes(todo.pop())

        found = download(store, "folder/sub/b", cache, "mine", Manner(sleep=change))
        assert found[0].file.read_bytes() == new

    def test_it_gives_up_and_says_why(self, store: Faulty, cache: Path) -> None:
        store.faults, store.at = 100, 0
        with pytest.raises(Unavailable, match="broke off"):
            download(store, "folder", cache, "mine", QUICK)

    def test_nothing_is_not_found(self, store: Faulty, cache: Path) -> None:
        with pytest.raises(NotFound, match="nothing at 'absent'"):
            download(store, "absent", cache, "mine", QUICK)

    def test_progress_ends_at_the_total_whatever_broke_off(
        self, store: Faulty, cache: Path
    ) -> None:
        store.faults = 3
        seen: list[Progress] = []
        download(
            store, "folder", cache, "mine", Manner(progress=seen.append, sleep=lambda _: None)
        )
        assert seen[-1] == Progress(3, BIG + 3, 3, BIG + 3)
        assert max(item.bytes for item in seen) == BIG + 3

    def test_it_can_be_stopped(self, store: Faulty, cache: Path) -> None:
        with pytest.raises(Stopped):
            download(store, "folder", cache, "mine", Manner(stopped=lambda: True))

    def test_two_at_once_fetch_it_once(self, store: Faulty, cache: Path) -> None:
        threads = [
            threading.Thread(target=download, args=(store, "folder/sub/b", cache, "mine", QUICK))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.opened) == 1
        assert list((cache / "partial").iterdir()) == []


class TestEvict:
    def test_what_was_wanted_longest_ago_goes_first(self, store: Faulty, cache: Path) -> None:
        old = download(store, "folder/sub/b", cache, "mine", QUICK)[0]
        new = download(store, "folder/a", cache, "mine", QUICK)[0]
        for index in (cache / "index").glob("*/*"):
            if index.read_text() == old.sha256:
                os.utime(index, (1, 1))
        assert evict(cache, BIG) == BIG
        assert not old.file.exists()
        assert new.file.exists()
        assert evict(cache, BIG) == 0
        assert download(store, "folder/sub/b", cache, "mine", QUICK)[0].file.exists()

    def test_several_at_once_are_enough_and_not_too_many(self, cache: Path) -> None:
        work = [
            multiprocessing.get_context("spawn").Process(target=_evict_often, args=(cache, number))
            for number in range(3)
        ]
        for each in work:
            each.start()
        for each in work:
            each.join(120)
        assert [each.exitcode for each in work] == [0, 0, 0]
        assert evict(cache, 0) >= 0
        assert _objects(cache) == []

    def test_what_goes_meanwhile_is_no_error(self, cache: Path) -> None:
        _filled(cache, 3)
        gone = hashlib.sha256(b"gone").hexdigest()
        for place in ("objects", "index"):  # as a file that went after it was listed
            (cache / place / gone[:2]).mkdir(exist_ok=True)
            (cache / place / gone[:2] / gone).symlink_to(cache / "nowhere")
        (cache / "partial").mkdir()
        (cache / "partial" / gone).symlink_to(cache / "nowhere")
        assert evict(cache, 0) == 3 * len("0 of 0")
        assert sweep(cache, 2e10) == 0

    def test_who_comes_second_leaves_it_to_the_first(self, cache: Path) -> None:
        _filled(cache, 3)
        with (cache / "evicting").open("ab") as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            assert evict(cache, 0) == 0
        assert evict(cache, 0) > 0

    def test_leftovers_are_swept(self, store: Faulty, cache: Path) -> None:
        store.faults = 1
        with pytest.raises(Unavailable):
            download(store, "folder/sub/b", cache, "mine", Manner(retries=0))
        assert sweep(cache, 1.0) == 0
        assert sweep(cache, 2e10) == 1


def _filled(cache: Path, count: int, number: int = 0) -> None:
    """As a download leaves it."""
    for at in range(count):
        data = f"{at} of {number}".encode()
        name = hashlib.sha256(data).hexdigest()
        for place, text in (("objects", data), ("index", name.encode())):
            (cache / place / name[:2]).mkdir(parents=True, exist_ok=True)
            (cache / place / name[:2] / name).write_bytes(text)


def _evict_often(cache: Path, number: int) -> None:
    for _ in range(4):
        _filled(cache, 300, number)
        evict(cache, 0)


def _objects(cache: Path) -> list[Path]:
    return [path for path in (cache / "objects").rglob("*") if path.is_file()]


class TestUpload:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "outputs/sub").mkdir(parents=True)
        (tmp_path / "outputs/a").write_bytes(b"one")
        (tmp_path / "outputs/sub/b").write_bytes(os.urandom(BIG))
        (tmp_path / "outputs/link").symlink_to("/etc/passwd")
        return tmp_path / "outputs"

    def test_a_folder_arrives_without_its_links(
        self, store: Faulty, remote: Path, folder: Path
    ) -> None:
        made = upload(folder, store, "out/here", manner=QUICK)
        assert sorted(item.path for item in made) == ["out/here/a", "out/here/sub/b"]
        for name in ("a", "sub/b"):
            assert (remote / "out/here" / name).read_bytes() == (folder / name).read_bytes()

    def test_it_tries_again(self, store: Faulty, folder: Path) -> None:
        store.faults = 3
        assert len(upload(folder, store, "", manner=QUICK)) == 2

    def test_with_a_journal_only_what_is_missing_is_sent(
        self, store: Faulty, folder: Path, remote: Path, tmp_path: Path
    ) -> None:
        journal = tmp_path / "journal"
        first = upload(folder, store, "out", journal, QUICK)
        journal.write_bytes(journal.read_bytes() + b'["torn')
        store.sent.clear()
        assert upload(folder, store, "out", journal, QUICK) == first
        assert store.sent == []
        (folder / "a").write_bytes(b"changed")
        (remote / "out/sub/b").unlink()
        upload(folder, store, "out", journal, QUICK)
        assert sorted(store.sent) == ["out/a", "out/sub/b"]
        assert (remote / "out/a").read_bytes() == b"changed"

    def test_one_that_fails_for_good_ends_it(self, store: Faulty, folder: Path) -> None:
        class Refusing(Faulty):
            def put(self, path: str, chunks: Iterator[bytes], size: int) -> Stored:
                raise BackendError("refused")

        with pytest.raises(BackendError, match="refused"):
            upload(folder, Refusing(store.settings), "out", manner=QUICK)


class Parted(Local, Resumes):
    """A store that keeps parts, by their notes; `faults` of its calls fail, after each part."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self.kept: dict[str, dict[int, bytes]] = {}
        self.sent: list[int] = []
        self.abandoned: list[str] = []
        self.fault: type[Exception] | None = Unavailable
        self.faults = 0

    def put_parts(self, path: str, parts: Parts, note: str, keep: Callable[[str], None]) -> Stored:
        if note not in self.kept:
            note = f"note-{len(self.kept)}"
            self.kept[note] = {}
            keep(note)
        held = self.kept[note]
        for offset in range(0, parts.size, CHUNK):
            size = min(CHUNK, parts.size - offset)
            if offset in held:
                parts.skip(size)
                continue
            held[offset] = parts.read(offset, size)
            self.sent.append(offset)
            if self.faults and self.fault:
                self.faults -= 1
                raise self.fault("It broke off.")
        return self.put(path, iter(held[at] for at in sorted(held)), parts.size)

    def abandon(self, path: str, note: str) -> None:
        self.abandoned.append(note)


class TestParts:
    """Of files that are large: here all that are more than a chunk."""

    @pytest.fixture
    def store(self, remote: Path, monkeypatch: pytest.MonkeyPatch) -> Parted:
        monkeypatch.setattr("lazur.transfer._IN_PARTS", CHUNK)
        return Parted({"path": str(remote)})

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "outputs").mkdir()
        (tmp_path / "outputs/big").write_bytes(os.urandom(BIG))
        return tmp_path / "outputs"

    def test_each_is_sent_once_however_often_it_breaks_off(
        self, store: Parted, folder: Path, remote: Path, tmp_path: Path
    ) -> None:
        store.faults, told = 3, list[Progress]()
        manner = Manner(sleep=lambda _: None, progress=told.append)
        upload(folder, store, "out", tmp_path / "journal", manner)
        assert store.sent == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]
        assert (remote / "out/big").read_bytes() == (folder / "big").read_bytes()
        assert (told[-1].bytes, store.abandoned) == (BIG, [])

    def test_another_process_goes_on(self, store: Parted, folder: Path, tmp_path: Path) -> None:
        store.faults, store.fault = 1, KeyboardInterrupt  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            upload(folder, store, "out", tmp_path / "journal", QUICK)
        store.abandoned.clear()  # a process that is killed says nothing
        lines = (tmp_path / "journal").read_bytes()
        assert b"note-0" in lines
        (tmp_path / "journal").write_bytes(lines + b'["torn')
        upload(folder, store, "out", tmp_path / "journal", QUICK)
        assert store.sent == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]

    def test_what_fails_for_good_is_given_up(
        self, store: Parted, folder: Path, tmp_path: Path
    ) -> None:
        store.faults, store.fault = 1, BackendError
        with pytest.raises(BackendError):
            upload(folder, store, "out", tmp_path / "journal", QUICK)
        assert store.abandoned == ["note-0"]

    def test_another_file_of_the_name_begins_anew(
        self, store: Parted, folder: Path, remote: Path, tmp_path: Path
    ) -> None:
        store.faults, store.fault = 1, BackendError
        with pytest.raises(BackendError):
            upload(folder, store, "out", tmp_path / "journal", QUICK)
        store.abandoned.clear()
        (folder / "big").write_bytes(os.urandom(BIG))
        upload(folder, store, "out", tmp_path / "journal", QUICK)
        assert store.abandoned == ["note-0"]
        assert (remote / "out/big").read_bytes() == (folder / "big").read_bytes()

    def test_without_a_journal_nobody_could(self, store: Parted, folder: Path) -> None:
        upload(folder, store, "out", manner=QUICK)
        assert store.sent == []


class TestPlace:
    def test_what_is_linked_to_stays_when_all_is_evicted(
        self, store: Faulty, cache: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "mine/sub").mkdir(parents=True)
        place = Manner(
            sleep=lambda _: None, place=lambda f: os.link(f.file, tmp_path / "mine" / f.path)
        )
        download(store, "folder", cache, "mine", place)
        evict(cache, 0)
        assert not [path for path in (cache / "objects").rglob("*") if path.is_file()]
        assert (tmp_path / "mine/a").read_bytes() == b"one"

    def test_what_was_evicted_before_comes_again(self, store: Faulty, cache: Path) -> None:
        gone: list[str] = []

        def place(found: Fetched) -> None:
            if not gone:
                gone.append(found.path)
                found.file.unlink()
                raise FileNotFoundError

        download(store, "folder/a", cache, "mine", Manner(sleep=lambda _: None, place=place))
        assert [path for path, _ in store.opened] == ["folder/a", "folder/a"]

    def test_what_was_there_already_is_told(self, store: Faulty, cache: Path) -> None:
        assert not any(f.cached for f in download(store, "folder", cache, "mine", QUICK))
        assert all(f.cached for f in download(store, "folder", cache, "mine", QUICK))


class TestPublish:
    def test_readers_see_it_once_it_is_whole(
        self, store: Faulty, remote: Path, cache: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        for name in ("x", "y"):
            (tmp_path / "out" / name).write_bytes(b"1")

        def look(now: Progress) -> None:
            if now.bytes:
                with pytest.raises(Conflict, match="not whole"):
                    download(store, "made", cache, "mine", QUICK)

        publish(tmp_path / "out", store, "made", None, Manner(sleep=lambda _: None, progress=look))
        assert [f.path for f in download(store, "made", cache, "mine", QUICK)] == ["x", "y"]
        assert not (remote / "made" / UNFINISHED).exists()

    def test_broken_off_it_is_not_read_and_done_again_it_is(
        self, store: Faulty, cache: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "x").write_bytes(b"1")
        stop = Manner(sleep=lambda _: None, stopped=lambda: len(store.sent) > 0)
        with pytest.raises(Stopped):
            publish(tmp_path / "out", store, "made", tmp_path / "journal", stop)
        with pytest.raises(Conflict, match="not whole"):
            download(store, "made", cache, "mine", QUICK)
        publish(tmp_path / "out", store, "made", tmp_path / "journal", QUICK)
        assert [f.path for f in download(store, "made", cache, "mine", QUICK)] == ["x"]
