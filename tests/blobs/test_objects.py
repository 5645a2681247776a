"""Content in object stores: in a folder, which is quick, and in the emulators of the three clouds,
real servers on loopback."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lazur.blobs.local import Local
from lazur.blobs.objects import Objects
from lazur.datastores.azure_blob import AzureBlob
from lazur.datastores.gcs import Gcs
from lazur.datastores.local import Local as Folder
from lazur.datastores.s3 import S3
from lazur.egress import Rule
from lazur.engine.contracts import Datastore
from lazur.errors import BackendError, NotFound, Unavailable
from lazur.testing.blobs import BlobsContract, digest_of
from tests.datastores import azurite

HERE = Rule.of(["127.0.0.1", "localhost"])
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret-of-the-keys"}
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azurite.running(tmp_path_factory.mktemp("azurite")) as url:
        yield url


@pytest.fixture(scope="module")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with google(tmp_path_factory.mktemp("gcs")) as endpoint:
        yield endpoint


@pytest.fixture
def store(tmp_path: Path) -> Any:
    (tmp_path / "store").mkdir()
    return Folder({"path": str(tmp_path / "store")})


@pytest.fixture
def blobs(store: Datastore, tmp_path: Path) -> Objects:
    return another(store, tmp_path)


def another(store: Datastore, folder: Path, name: str = "copies") -> Objects:
    """As another server of the same store has it, with a home of its own where `name` differs."""
    return Objects(store, "team/a", Local(folder / name))


def put(blobs: Objects, data: bytes) -> str:
    blobs.put(digest_of(data), iter([data]))
    return digest_of(data)


def read(blobs: Objects, digest: str) -> bytes:
    with blobs.open(digest) as file:
        return file.read()


def paths(store: Datastore, folder: str = "") -> list[str]:
    return sorted(found.path for found in store.list(f"team/a/{folder}".rstrip("/")))


class ObjectsContract(BlobsContract):
    """What holds of every store."""

    def test_large_ones_go_in_parts_and_come_back(self, store: Any, tmp_path: Path) -> None:
        data = os.urandom(9 << 20)
        digest = put(another(store, tmp_path, "one"), data)
        with another(store, tmp_path, "two").open(digest) as file:
            assert file.read() == data

    def test_what_is_unused_is_found_and_freed(self, blobs: Objects, store: Any) -> None:
        old, soon = put(blobs, b"old"), time.time() + 100
        assert set(blobs.unused(soon)) == {old}
        assert list(blobs.unused(time.time() - 100)) == []
        assert blobs.discard_many([old, digest_of(b"never")], soon) == [3, 0]
        assert not blobs.has(old)
        assert paths(store, "content") == paths(store, "going") == []

    def test_what_is_used_since_then_stays(self, store: Any, tmp_path: Path) -> None:
        one, two = another(store, tmp_path, "one"), another(store, tmp_path, "two")
        kept, dropped = put(one, b"kept"), put(one, b"dropped")
        time.sleep(1.1)  # stores tell the time in whole seconds
        since = time.time() - 0.05
        time.sleep(1.1)
        assert two.missing([kept]) == []
        assert list(one.unused(since)) == [dropped]
        assert one.discard_many([kept, dropped], since) == [0, 7]
        assert two.missing([kept, dropped]) == [dropped]


class TestInAFolder(ObjectsContract):
    """Of any datastore that takes files."""


class TestInS3(ObjectsContract):
    @pytest.fixture
    def store(self, s3: str) -> Any:
        settings = {"bucket_name": f"bucket-{uuid.uuid4().hex[:8]}", "endpoint": s3}
        made = S3(settings, KEYS, rule=HERE)
        made._client.create_bucket(Bucket=settings["bucket_name"])
        return made


@pytest.mark.skipif(azurite.program() is None, reason=azurite.MISSING)
class TestInAzure(ObjectsContract):
    @pytest.fixture
    def store(self, account: str) -> Any:
        name = f"box-{uuid.uuid4().hex[:8]}"
        settings = {"account_name": azurite.ACCOUNT, "container_name": name, "endpoint": account}
        made = AzureBlob(settings, {"account_key": azurite.KEY}, rule=HERE)
        made._client.create_container()
        return made


@pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning")
class TestInGoogles(ObjectsContract):
    @pytest.fixture
    def store(self, gcs: str) -> Any:
        settings = {"bucket_name": f"bucket-{uuid.uuid4().hex[:8]}", "endpoint": gcs}
        made = Gcs(settings, rule=HERE)
        made._client.create()
        return made


class TestRaces:
    def test_who_deletes_sees_who_came_before(self, store: Any, tmp_path: Path) -> None:
        """The use is noted between the list of what is unused and the deleting."""
        one, two = another(store, tmp_path, "one"), another(store, tmp_path, "two")
        digest = put(one, b"x")
        age(store, DAY)
        assert list(one.unused(time.time() - HOUR)) == [digest]
        assert two.missing([digest]) == []
        assert one.discard_many([digest], time.time() - HOUR) == [0]
        assert two.has(digest)

    def test_who_comes_while_it_is_deleted_sends_it_again(
        self, store: Any, tmp_path: Path
    ) -> None:
        """Told that it is gone though it still lies there; and what is sent then stays."""
        one, two = another(store, tmp_path, "one"), another(store, tmp_path, "two")
        digest = put(one, b"x")
        age(store, DAY)
        real, seen = one._marks.used, list[list[str]]()

        def used(since: float) -> frozenset[str]:
            found = real(since)
            seen.append(two.missing([digest]))
            two.put(digest, iter([b"x"]))
            return found

        one._marks.used = used
        assert one.discard_many([digest], time.time() - HOUR) == [1]
        assert seen == [[digest]]
        assert two.missing([digest]) == []
        assert read(another(store, tmp_path, "three"), digest) == b"x"

    def test_deleting_that_was_killed_harms_nobody(self, store: Any, tmp_path: Path) -> None:
        one, two = another(store, tmp_path, "one"), another(store, tmp_path, "two")
        digest = put(one, b"x")
        age(store, DAY)
        with pytest.raises(KeyboardInterrupt), one._marks.going(marked(store)):
            raise KeyboardInterrupt
        assert two.missing([digest]) == [digest]
        two.put(digest, iter([b"x"]))
        assert read(two, digest) == b"x"
        age(store, 2 * DAY, "going")
        assert another(store, tmp_path, "three").sweep(time.time() - DAY) == 1
        assert another(store, tmp_path, "three").missing([digest]) == []

    def test_who_is_too_slow_in_deleting_gives_up(
        self, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blobs = another(store, tmp_path)
        digest = put(blobs, b"x")
        monkeypatch.setattr("lazur.blobs.objects._DELETING", -1.0)
        with pytest.raises(Unavailable, match="too slow"):
            blobs.discard_many([digest], time.time() + 1)
        assert another(store, tmp_path).has(digest)

    def test_many_users_and_one_who_deletes(self, store: Any, tmp_path: Path) -> None:
        """Whoever was told that a blob is there finds it there, whatever was deleted meanwhile."""
        contents = [b"%d" % number for number in range(20)]
        digests = [put(another(store, tmp_path, "first"), data) for data in contents]
        age(store, DAY)
        done, since = threading.Event(), time.time() - HOUR

        def delete() -> None:
            while not done.is_set():
                one = another(store, tmp_path, "deleter")
                one.discard_many(list(one.unused(since)), since)

        def use(number: int) -> list[str]:
            mine = another(store, tmp_path, f"user{number}")
            for digest in mine.missing(digests[number::4]):
                data = contents[digests.index(digest)]
                mine.put(digest, iter([data]))
            return [d for d in digests[number::4] if not another(store, tmp_path).has(d)]

        with ThreadPoolExecutor(5) as pool:
            deleting = pool.submit(delete)
            lost = list(pool.map(use, range(4)))
            done.set()
            deleting.result()
        assert lost == [[], [], [], []]
        assert another(store, tmp_path, "last").missing(digests) == []


class TestTrust:
    def test_what_was_just_asked_is_not_asked_again(self, blobs: Objects, store: Any) -> None:
        digest = put(blobs, b"x")
        before = paths(store, "used")
        assert blobs.missing([digest] * 3) == []
        assert blobs.put(digest, iter([])) == 1
        assert paths(store, "used") == before

    def test_but_after_an_hour(
        self, blobs: Objects, store: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digest = put(blobs, b"x")
        monkeypatch.setattr("lazur.blobs.objects._TRUSTED", -1.0)
        store.delete(paths(store, "content")[0])
        assert blobs.missing([digest]) == [digest]

    def test_old_notes_are_forgotten_and_no_others(self, blobs: Objects, store: Any) -> None:
        put(blobs, b"x")
        age(store, 30 * DAY, "used")
        put(blobs, b"y")
        assert blobs.sweep(time.time() - DAY) == 1
        assert len(paths(store, "used")) == 1


class TestCopies:
    def test_they_lie_where_a_local_store_has_them(self, store: Any, tmp_path: Path) -> None:
        digest = put(another(store, tmp_path, "one"), b"x")
        other = another(store, tmp_path, "two")
        other.fetch([digest, digest])
        assert (tmp_path / "two" / digest[:2] / digest).read_bytes() == b"x"

    def test_what_is_absent_is_told(self, blobs: Objects) -> None:
        with pytest.raises(NotFound):
            blobs.fetch([digest_of(b"absent")])

    def test_what_was_altered_in_the_store_is_no_copy(self, store: Any, tmp_path: Path) -> None:
        digest = put(another(store, tmp_path, "one"), b"good")
        store.put(paths(store, "content")[0], iter([b"evil"]), 4)
        other = another(store, tmp_path, "two")
        with pytest.raises(BackendError, match="something else"):
            other.open(digest)
        with pytest.raises(BackendError, match="something else"), other.stream(digest) as file:
            file.read()
        assert not (tmp_path / "two" / digest[:2] / digest).exists()

    def test_a_stream_leaves_no_copy(self, store: Any, tmp_path: Path) -> None:
        digest = put(another(store, tmp_path, "one"), b"x" * 3_000_000)
        other = another(store, tmp_path, "two")
        with other.stream(digest) as file:
            assert file.read() == b"x" * 3_000_000
        assert not list((tmp_path / "two").glob("*/" + digest))

    def test_those_longest_unused_are_evicted(self, blobs: Objects, tmp_path: Path) -> None:
        digests = [put(blobs, bytes([number]) * 1000) for number in range(4)]
        for hours, digest in zip((5, 9, 1, 7), digests, strict=True):
            set_age(tmp_path / "copies" / digest[:2] / digest, hours * HOUR)
        os.link(
            tmp_path / "copies" / digests[3][:2] / digests[3],
            tmp_path / "part of a tree",
        )
        assert blobs.evict(4000) == 4000
        assert blobs.evict(3500) == 3000
        there = [(tmp_path / "copies" / d[:2] / d).exists() for d in digests]
        assert there == [True, False, True, True]
        assert blobs.evict(0) == 2000
        assert blobs.missing(digests) == []
        assert read(blobs, digests[0]) == b"\x00" * 1000

    def test_a_file_of_ours_is_taken_over(self, blobs: Objects, tmp_path: Path) -> None:
        (tmp_path / "draft").write_bytes(b"draft")
        blobs.adopt(digest_of(b"draft"), str(tmp_path / "draft"))
        assert read(blobs, digest_of(b"draft")) == b"draft"
        assert blobs.has(digest_of(b"draft"))


class TestTrouble:
    def test_what_could_not_be_sent_is_not_there(self, store: Any, tmp_path: Path) -> None:
        blobs = another(store, tmp_path)
        real = store.put

        def refuse(path: str, chunks: Iterator[bytes], size: int) -> Any:
            if "/content/" in path:
                raise Unavailable("The store does not answer.")
            return real(path, chunks, size)

        store.put = refuse
        with pytest.raises(Unavailable):
            put(blobs, b"x")
        assert blobs.missing([digest_of(b"x")]) == [digest_of(b"x")]
        store.put = real
        assert put(blobs, b"x")
        assert blobs.missing([digest_of(b"x")]) == []

    def test_a_file_that_could_not_be_sent_is_kept(self, store: Any, tmp_path: Path) -> None:
        """It came in parts, for hours perhaps."""

        def refuse(*_: Any) -> Any:
            raise Unavailable("The store does not answer.")

        blobs, real, draft = another(store, tmp_path), store.put, tmp_path / "draft"
        draft.write_bytes(b"draft")
        blobs.missing([digest_of(b"draft")])
        store.put = refuse
        with pytest.raises(Unavailable):
            blobs.adopt(digest_of(b"draft"), str(draft))
        assert draft.read_bytes() == b"draft"
        store.put = real
        blobs.adopt(digest_of(b"draft"), str(draft))
        assert read(blobs, digest_of(b"draft")) == b"draft"

    def test_a_killed_sender_leaves_nothing_that_is_seen(self, store: Any, tmp_path: Path) -> None:
        code = (
            "import os, signal\n"
            "from tests.blobs.test_objects import Folder, Path, another, digest_of\n"
            "def chunks():\n"
            "    yield b'x'\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
            f"store = Folder({{'path': {str(store.root)!r}}})\n"
            f"another(store, Path({str(tmp_path)!r})).put(digest_of(b'xy'), chunks())\n"
        )
        ran = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path.cwd())
        assert ran.returncode == -9
        assert paths(store, "content") == []
        assert not another(store, tmp_path).has(digest_of(b"xy"))


def marked(store: Datastore) -> list[str]:
    return ["/".join(path.split("/")[-2:]) for path in paths(store, "content")]


def age(store: Folder, seconds: float, folder: str = "") -> None:
    for path in paths(store, folder):
        set_age(store.root / path, seconds)


def set_age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


@contextmanager
def moto() -> Iterator[str]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def google(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    argv = [str(Path(sys.executable).parent / "gcp-storage-emulator"), "start"]
    argv += ["--host=127.0.0.1", f"--port={port}", "--in-memory"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, cwd=folder, stdout=quiet, stderr=quiet)
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None, "the emulator ended"
            assert time.monotonic() < end, "the emulator never listened"
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)
