"""Bytes that nothing needs are freed, and no others."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lazur.blobs.local import Local
from lazur.errors import BackendError, BlobsMissing
from lazur.loops.sweepup import Sweepup
from lazur.services.assets import assets, sharing
from lazur.services.content import collection, content
from lazur.services.content.collection import Collected
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.services.results import asset_trash
from lazur.store import contents, holds
from tests.site import Clock, TestSite, call, put_tree, submit

DAY = 86400.0


@pytest.fixture
def clock() -> Clock:
    """Blobs are files, with the times of the machine: the site's clock begins there."""
    return Clock(time.time())


def stored(site: TestSite) -> int:
    """Bytes of all files below the blobs and what was unpacked of them."""
    return sum(
        file.stat().st_size
        for top in (site.home.blobs, site.home.cache)
        for file in top.rglob("*")
        if file.is_file()
    )


def later(site: TestSite, clock: Clock, days: float = 3) -> Collected:
    clock.time += days * DAY
    return collection.collect(site)


def register(site: TestSite, name: str, files: dict[str, bytes], kind: str = "data") -> str:
    tree = put_tree(site, files)
    call(site, assets.create, "default", kind, {"name": name, "path": f"tree:{tree}"})
    return tree


def purge(site: TestSite, name: str, kind: str = "data") -> None:
    call(site, asset_trash.delete, "default", kind, name)
    call(site, asset_trash.purge, "default", kind, {"names": [name], "force": True})


class TestPurge:
    def test_no_row_and_no_byte_is_left(self, site: TestSite, clock: Clock) -> None:
        tree = register(site, "d", {"a/b.txt": b"bb", "c.txt": b"c"})
        unpacked = site.home.cache / "trees" / tree / "a"
        unpacked.mkdir(parents=True)
        os.link(Local(site.home.blobs).path(hashlib.sha256(b"bb").hexdigest()), unpacked / "b.txt")
        unpacked.chmod(0o500)
        purge(site, "d")
        assert later(site, clock).blobs == 3
        assert stored(site) == 0
        with site.db.read() as db:
            assert all(tree not in found for found in contents.mentioned(site.db))
            assert contents.whole_at(db, tree) is None

    def test_in_the_trash_it_keeps_all(self, site: TestSite, clock: Clock) -> None:
        register(site, "d", {"a": b"a"})
        call(site, asset_trash.delete, "default", "data", "d")
        assert later(site, clock, 300) == Collected()
        call(site, asset_trash.restore, "default", "data", "d")

    def test_what_others_share_stays(self, site: TestSite, clock: Clock) -> None:
        register(site, "one", {"same": b"same", "own": b"own"})
        register(site, "two", {"same": b"same", "other": b"other"})
        purge(site, "one")
        assert later(site, clock).blobs == 2
        assert call(site, content.missing, "default", [hashlib.sha256(b"own").hexdigest()])[
            "missing"
        ]
        for data in (b"same", b"other"):
            assert site.blobs.has(hashlib.sha256(data).hexdigest())

    def test_a_registry_needs_its_copy(self, site: TestSite, clock: Clock) -> None:
        call(site, registries.create, {"name": "shared"})
        register(site, "m", {"m": b"m"}, "models")
        call(site, sharing.share, "default", "models", "m", "1", {"registry": "shared"})
        purge(site, "m", "models")
        assert later(site, clock) == Collected()
        shelf = Registry("shared")
        call(site, asset_trash.delete, shelf, "models", "m")
        call(site, asset_trash.purge, shelf, "models", {})
        assert later(site, clock).blobs == 2

    def test_a_jobs_code_and_the_part_that_is_its_input_stay(
        self, site: TestSite, clock: Clock
    ) -> None:
        code, data = put_tree(site, {"train.py": b"#"}), register(site, "d", {"in/x": b"x"})
        submit(
            site, code=f"tree:{code}", inputs={"x": {"type": "uri_folder", "path": "azureml:d:1"}}
        )
        part = {"type": "uri_folder", "path": f"tree:{data}/in"}
        submit(site, inputs={"x": part})
        purge(site, "d")
        assert later(site, clock) == Collected()

    def test_the_loop_frees_it_soon_after(self, site: TestSite, clock: Clock) -> None:
        register(site, "d", {"a": b"a"})
        loop = Sweepup(site)
        loop.round()
        clock.time += 3 * DAY
        loop.round()
        assert stored(site)
        purge(site, "d")
        loop.round()
        assert stored(site) == 0


class TestUploads:
    def test_they_are_kept_for_a_day(self, site: TestSite, clock: Clock) -> None:
        put_tree(site, {"a": b"a"})
        assert later(site, clock, 0.9) == Collected()
        assert later(site, clock, 0.2).blobs == 2

    def test_who_is_told_that_it_is_there_has_another_day(
        self, site: TestSite, clock: Clock
    ) -> None:
        digest = hashlib.sha256(b"a").hexdigest()
        put_tree(site, {"a": b"a"})
        for path in (site.home.blobs / digest[:2] / digest,):
            os.utime(path, (clock.time - 10 * DAY, clock.time - 10 * DAY))
        assert call(site, content.missing, "default", [digest]) == {"missing": []}
        collection.collect(site)
        assert site.blobs.has(digest)

    def test_what_was_freed_is_asked_for_again(self, site: TestSite, clock: Clock) -> None:
        tree = register(site, "d", {"a": b"a"})
        purge(site, "d")
        later(site, clock)
        spec = {"name": "d", "path": f"tree:{tree}"}
        with pytest.raises(BlobsMissing):
            call(site, assets.create, "default", "data", spec)
        put_tree(site, {"a": b"a"})
        assert call(site, assets.create, "default", "data", spec)["version"] == "2"

    def test_nothing_goes_while_somebody_copies_the_server(
        self, site: TestSite, clock: Clock
    ) -> None:
        put_tree(site, {"a": b"a"})
        clock.time += 3 * DAY
        with site.db.write() as db:
            holds.keep(db, "backup", clock.time)
        assert collection.collect(site) == Collected()
        with site.db.write() as db:
            holds.end(db, "backup")
        assert collection.collect(site).blobs == 2


class TestFaults:
    def test_a_damaged_manifest_stops_it(self, site: TestSite, clock: Clock) -> None:
        tree = register(site, "d", {"a": b"a", "b": b"b"})
        path = site.home.blobs / tree[:2] / tree
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(BackendError, match="not known which files"):
            later(site, clock)
        assert site.blobs.has(hashlib.sha256(b"a").hexdigest())

    def test_one_that_is_killed_between_taking_away_and_deciding(self, site: TestSite) -> None:
        blobs, digest = Local(site.home.blobs), hashlib.sha256(b"a").hexdigest()
        put_tree(site, {"a": b"a"})
        Path(blobs.path(digest)).rename(Path(blobs.root) / "tmp" / f"gone-{digest}")
        blobs.sweep(time.time() + DAY)
        assert blobs.has(digest)

    def test_it_can_be_killed_before_every_line_of_the_database(
        self, site: TestSite, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whichever transaction is the last: what is registered is whole afterwards."""
        kept = register(site, "kept", {"same": b"same", "k": b"k"})
        register(site, "gone", {"same": b"same", "g": b"g"})
        purge(site, "gone")
        clock.time += 3 * DAY
        write, allowed = site.db.write, 0

        class Killed(Exception):
            pass

        def counted(**more: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return write(**more)

        while True:
            left = allowed
            with monkeypatch.context() as patch:
                patch.setattr(site.db, "write", counted)
                try:
                    collection.collect(site)
                except Killed:
                    allowed += 1
                    continue
                break
        assert allowed > 0
        call(site, content.whole_tree, kept, write=False)
        assert not site.blobs.missing([kept, *content_of(site, kept)])
        assert not site.blobs.has(hashlib.sha256(b"g").hexdigest())


class TestRace:
    def test_what_was_acknowledged_is_there(self, site: TestSite) -> None:
        """Four people register and purge the same files, while two servers collect."""
        site.keep = type(site.keep)(uploads=0.02)
        site.now, stop = time.time, threading.Event()
        kept: list[tuple[str, str]] = []

        def person(number: int) -> None:
            for turn in range(25):
                name = f"d{number}-{turn}"
                files = {f"f{part}": b"%d" % ((turn + part) % 5) for part in range(4)}
                try:
                    tree = register(site, name, files)
                except BlobsMissing:
                    continue
                if turn % 3:
                    purge(site, name)
                else:
                    kept.append((name, tree))

        def collector() -> None:
            while not stop.is_set():
                collection.collect(site)

        with ThreadPoolExecutor(6) as pool:
            collectors = [pool.submit(collector) for _ in range(2)]
            try:
                for done in [pool.submit(person, number) for number in range(4)]:
                    done.result(120)
            finally:
                stop.set()
            for done in collectors:
                done.result(60)
        collection.collect(site)
        assert kept
        for name, tree in kept:
            assert site.blobs.missing([tree, *content_of(site, tree)]) == [], name


def content_of(site: TestSite, tree: str) -> list[str]:
    with site.context(write=False) as context:
        return list(content.manifest(context, tree).blobs())
